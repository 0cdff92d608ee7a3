"""Verifying components: the numeric check of a gradient, and the kit that checks every promise of a contract."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from corenet.contracts.case import Case
from corenet.testing.conformance import check_component
from corenet.testing.distribution import components_of
from corenet.testing.gradcheck.gradcheck import gradcheck
from corenet.testing.gradcheck.report import GradientReport, TensorReport
from corenet.testing.parametrize import parametrize_with_checks
from corenet.testing.report import Report, Result

__all__ = [
    "Case",
    "GradientReport",
    "Report",
    "Result",
    "TensorReport",
    "check_component",
    "components_of",
    "gradcheck",
    "parametrize_with_checks",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        from corenet.testing.deprecated import REPLACED

        if name not in REPLACED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        instead, found = REPLACED[name]
        warnings.warn(f"corenet.testing.{name} is deprecated: use {instead}", DeprecationWarning, stacklevel=2)
        return found
