"""What every loss promises."""

from __future__ import annotations

from corenet.testing.loss_gradient_checks import LOSS_GRADIENT_CHECKS
from corenet.testing.loss_manner_checks import LOSS_MANNER_CHECKS

LOSS_CHECKS = [*LOSS_GRADIENT_CHECKS, *LOSS_MANNER_CHECKS]
