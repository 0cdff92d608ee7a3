"""Proving components: the numeric check of a gradient, and the kit that tries every promise of a contract."""

from __future__ import annotations

from corenet.contracts.case import Case
from corenet.testing.conformance import check_component
from corenet.testing.distribution import components_of
from corenet.testing.gradcheck.gradcheck import gradcheck
from corenet.testing.gradcheck.report import GradientReport, TensorReport
from corenet.testing.parametrize import parametrize_with_checks
from corenet.testing.proof import Proof, prove, prove_all
from corenet.testing.report import Report, Result

__all__ = [
    "Case",
    "GradientReport",
    "Proof",
    "Report",
    "Result",
    "TensorReport",
    "check_component",
    "components_of",
    "gradcheck",
    "parametrize_with_checks",
    "prove",
    "prove_all",
]
