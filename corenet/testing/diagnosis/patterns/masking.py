"""Gradients with a missing or wrong mask: right on one side of a threshold, or in some elements only."""

from __future__ import annotations

from torch import Tensor

from corenet.testing.diagnosis.evidence import Evidence, close, near
from corenet.testing.diagnosis.patterns.scaling import Words, constant

FEWEST = 2


def mask_missing(evidence: Evidence) -> Words | None:
    """Wrong just where the right gradient is zero, which is on one side of a threshold."""
    return _one_side(evidence) if unmasked(evidence) else None


def mask_too_wide(evidence: Evidence) -> Words | None:
    """Wrong just where ours is zero, which is on one side of a threshold."""
    return _one_side(evidence) if dropped(evidence) else None


def mask_reversed(evidence: Evidence) -> bool:
    """Ours is zero just where the right one is not."""
    ours, numeric = evidence.pairs()
    counts = int((numeric == 0).sum()), int((numeric != 0).sum())
    return min(counts) >= FEWEST and bool(((ours == 0) == (numeric != 0)).all())


def unmasked(evidence: Evidence) -> bool:
    """Wrong just where the right gradient is zero."""
    wrong = _wrong(evidence)
    return wrong is not None and not evidence.numeric[wrong].any()


def dropped(evidence: Evidence) -> bool:
    """Wrong just where ours is zero."""
    wrong = _wrong(evidence)
    return wrong is not None and not evidence.ours[wrong].any()


def other_mask(evidence: Evidence) -> bool:
    """Both have zeros, at other places, and agree where neither does."""
    ours, numeric = evidence.pairs()
    both = (ours != 0) & (numeric != 0)
    alone = int(((ours == 0) != (numeric == 0)).sum())
    return alone >= FEWEST and int(both.sum()) >= FEWEST and near(ours[both], numeric[both])


def one_side_wrong(evidence: Evidence) -> Words | None:
    """Wrong on one side of a threshold of the input, the output, the upstream gradient or the value."""
    wrong, side = _wrong(evidence), _one_side(evidence)
    if wrong is None or side is None:
        return None
    ratio = constant(evidence.ours[wrong], evidence.numeric[wrong])
    return {**side, "wrong": "wrong" if ratio is None else f"{ratio:.6g} times too large"}


def clipped(evidence: Evidence) -> Words | None:
    if not evidence.ours.numel():
        return None
    bound = evidence.pairs()[0].abs().max()
    if evidence.is_like(evidence.numeric.clamp(-bound, bound)):
        return {"bound": f"{bound.item():.6g}"}
    return None


def without_sign(evidence: Evidence) -> bool:
    return evidence.is_like(evidence.numeric.abs())


def sign_alone(evidence: Evidence) -> bool:
    return evidence.is_like(evidence.numeric.sign())


def _wrong(evidence: Evidence) -> Tensor | None:
    """Return where ours is wrong; None if it is so nowhere or everywhere."""
    right = close(evidence.ours, evidence.numeric.where(evidence.known, 0))
    wrong = evidence.known & ~right
    enough = int(wrong.sum()) >= FEWEST and int((evidence.known & right).sum()) >= FEWEST
    return wrong if enough else None


def _one_side(evidence: Evidence) -> Words | None:
    """Return the condition, such as ``where input < 0``, that is true just where ours is wrong."""
    wrong = _wrong(evidence)
    if wrong is None:
        return None
    right = evidence.known & ~wrong
    for against in (right, right & (evidence.numeric != 0)):  # where both are zero, another mask may hide the threshold
        if int(against.sum()) >= FEWEST and (where := _threshold(evidence, wrong, against)):
            return {"where": where}
    return None


def _threshold(evidence: Evidence, wrong: Tensor, right: Tensor) -> str:
    seen = {evidence.input_name: evidence.input, "output": evidence.output, evidence.name: evidence.value}
    if evidence.has_upstream:
        seen["grad_output"] = evidence.upstream
    for name, tensor in seen.items():
        if tensor.shape != wrong.shape:
            continue
        for written, each in ((name, tensor), (f"|{name}|", tensor.abs())):
            if condition := _condition(written, each[wrong], each[right]):
                return condition
    return ""


def _condition(name: str, wrong: Tensor, right: Tensor) -> str:
    for relation, below, above in (("<", wrong, right), (">", right, wrong)):
        low, high = below.max().item(), above.min().item()
        if low < high:
            # What is wrong where a number is 0 is not so where it is below 0.
            zero_parts = low < 0 <= high if relation == "<" else low <= 0 < high
            between = 0 if zero_parts else _round(low, high)
            return f"where {name} {relation} {between:g}"
    return ""


def _round(low: float, high: float) -> float:
    """Return the number of fewest digits between the two."""
    for digits in range(6):
        if low < round((low + high) / 2, digits) < high:
            return round((low + high) / 2, digits)
    return (low + high) / 2
