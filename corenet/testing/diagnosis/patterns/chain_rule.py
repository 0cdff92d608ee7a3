"""Gradients with a mistake in the chain rule: a missing derivative, a missing or misused upstream gradient."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from corenet.testing.diagnosis.evidence import Evidence, near
from corenet.testing.diagnosis.patterns.scaling import Words


def passed_on(evidence: Evidence) -> bool:
    """Ours is the upstream gradient itself."""
    return evidence.has_upstream and evidence.is_like(evidence.upstream)


def derivative_passed_on(evidence: Evidence) -> bool:
    """Ours is right for an upstream gradient of 1."""
    return with_upstream(evidence, torch.ones_like)


def upstream_twice(evidence: Evidence) -> bool:
    return with_upstream(evidence, torch.square)


def upstream_without_sign(evidence: Evidence) -> bool:
    return with_upstream(evidence, torch.abs)


def jacobian_transposed(evidence: Evidence) -> bool:
    """Ours is ``J · u`` where ``Jᵀ · u`` is right."""
    if evidence.jacobian is None or evidence.value.shape != evidence.output.shape:
        return False
    size = evidence.output.numel()
    jacobian = _finite(evidence.jacobian).reshape(size, size)
    return evidence.is_like((jacobian.T @ evidence.upstream.flatten()).view(evidence.value.shape))


def only_diagonal(evidence: Evidence) -> bool:
    """Ours is the diagonal of the Jacobian times the upstream gradient."""
    return _same_index(evidence, range(evidence.value.dim()))


def only_same_index(evidence: Evidence) -> Words | None:
    """Ours lacks the effect of one sample, or one feature, on the output of another."""
    for dimension in range(evidence.value.dim()):
        if _same_index(evidence, [dimension]):
            return {"dimension": str(dimension), "which": "sample" if dimension == 0 else "feature"}
    return None


def derivative_at_output(evidence: Evidence) -> bool:
    """Ours is the derivative at the output, not at the input."""
    return evidence.at_output is not None and evidence.is_like(evidence.at_output)


def input_for_output(evidence: Evidence) -> bool:
    """Ours is a formula in terms of the output, evaluated at the input."""
    if evidence.at_preimage is None:
        return False
    there = evidence.at_preimage.isfinite() & evidence.known
    return int(there.sum()) > 2 and near(evidence.ours[there], evidence.at_preimage[there])


def some_samples(evidence: Evidence) -> Words | None:
    """Ours counts the first or the last samples alone."""
    if evidence.jacobian is None or not evidence.output.dim() or len(evidence.output) < 2:
        return None
    if len(evidence.output_sizes) > 1 or evidence.has_penalty:
        return None
    count = len(evidence.output)
    parts = _finite(evidence.jacobian * evidence.upstream).reshape(*evidence.value.shape, count, -1).sum(-1)
    for some in range(1, count):
        for which, rows in (("first", slice(0, some)), ("last", slice(count - some, count))):
            if evidence.is_like(parts[..., rows].sum(-1)):
                samples = "sample is" if some == 1 else f"{some} of {count} samples are"
                lost = some > 1 and which == "first"
                return {"which": f"only the {which} {samples}", "block": "; the rest of a block is lost" * lost}
    return None


def other_tensors(evidence: Evidence) -> Words | None:
    """Ours is the gradient of another tensor."""
    for name, numeric in evidence.others.items():
        if evidence.is_like(numeric):
            return {"other": name}
    return None


def with_upstream(evidence: Evidence, changed: Callable[[Tensor], Tensor]) -> bool:
    """Tell whether ours is right for the upstream gradient after ``changed``."""
    if not evidence.has_upstream or evidence.jacobian is None:
        return False
    return evidence.is_like(_summed(evidence, evidence.jacobian * changed(evidence.upstream)))


def _same_index(evidence: Evidence, dimensions: range | list[int]) -> bool:
    """Tell whether ours counts only outputs with the same index as the input's in those dimensions."""
    shape = evidence.value.shape
    if evidence.jacobian is None or shape != evidence.output.shape:
        return False
    parts = evidence.jacobian * evidence.upstream
    for each in dimensions:
        same = torch.eye(shape[each], dtype=parts.dtype, device=parts.device)
        view = [1] * parts.dim()
        view[each] = view[len(shape) + each] = shape[each]
        parts = parts * same.view(view)
    return evidence.is_like(_summed(evidence, parts))


def _summed(evidence: Evidence, parts: Tensor) -> Tensor:
    return _finite(parts).flatten(evidence.value.dim()).sum(-1) if evidence.output.dim() else _finite(parts)


def _finite(parts: Tensor) -> Tensor:
    return parts.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
