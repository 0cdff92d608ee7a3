"""Gradients that are wrong as a whole: not finite, zero, of another precision."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.testing.diagnosis.evidence import Evidence, near
from corenet.testing.diagnosis.patterns.scaling import Words

MIN_ELEMENTS = 6
NEARLY = 1e-3
TINY_ERROR = 1e-2


def not_finite(evidence: Evidence) -> Words | None:
    count = int((~evidence.ours.isfinite()).sum())
    return {"count": str(count), "all": str(evidence.ours.numel())} if count else None


def zero(evidence: Evidence) -> bool:
    return not evidence.ours.any()


def without_effect(evidence: Evidence) -> bool:
    """The output does not depend on it, so its gradient is zero."""
    return not evidence.pairs()[1].any()


def tiny_elements(evidence: Evidence) -> Words | None:
    """Right but for elements that are far smaller than the largest, of which another comparison would take no note."""
    ours, numeric = evidence.pairs()
    if not near(ours, numeric):
        return None
    wrong = (ours - numeric).abs() > TINY_ERROR * numeric.abs()
    if not wrong.any() or wrong.all():
        return None
    ratios = ours[wrong & (numeric != 0)] / numeric[wrong & (numeric != 0)]
    ratio = ratios.median().item() if len(ratios) else 0.0
    alike = len(ratios) > 0 and bool(((ratios - ratio).abs() <= TINY_ERROR * abs(ratio)).all())
    times = "zero" if not ours[wrong].any() else f"{ratio:.4g} times the numeric one" if alike else "another"
    return {"wrong": str(int(wrong.sum())), "bound": f"{numeric[wrong].abs().max().item():.1g}", "times": times}


def almost(evidence: Evidence) -> Words | None:
    return {"error": f"{error_of(evidence):.1e}"} if near(*evidence.pairs()) else None


def single_precision(evidence: Evidence) -> bool:
    """The output has no more than float32's digits, though the input has."""
    input, output = evidence.input, evidence.output
    return output.unique().numel() >= MIN_ELEMENTS and _is_single(output) and not _is_single(input)


def nearly(evidence: Evidence) -> Words | None:
    error = error_of(evidence)
    return {"error": f"{error:.1e}"} if error < NEARLY else None


def _is_single(tensor: Tensor) -> bool:
    return torch.equal(tensor.float().double(), tensor.double())


def error_of(evidence: Evidence) -> float:
    """Return the largest error, relative to the largest number."""
    ours, numeric = evidence.pairs()
    if not len(numeric):
        return 0.0
    largest = numeric.abs().max().item()
    return (ours - numeric).abs().max().item() / largest if largest else 1.0
