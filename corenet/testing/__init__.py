"""Proving gradients: the numeric check of what was derived by hand."""

from __future__ import annotations

from corenet.contracts.case import Case
from corenet.testing.gradcheck import gradcheck
from corenet.testing.proof import Proof, prove, prove_all
from corenet.testing.report import GradientReport, TensorReport

__all__ = ["Case", "GradientReport", "Proof", "TensorReport", "gradcheck", "prove", "prove_all"]
