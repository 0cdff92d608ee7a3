"""What every optimizer promises."""

from __future__ import annotations

from corenet.testing.optimizer_manner_checks import OPTIMIZER_MANNER_CHECKS
from corenet.testing.optimizer_path_checks import OPTIMIZER_PATH_CHECKS

OPTIMIZER_CHECKS = [*OPTIMIZER_PATH_CHECKS, *OPTIMIZER_MANNER_CHECKS]
