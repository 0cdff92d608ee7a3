"""Gradients of a component of several outputs, with a penalty, or of integers: what is forgotten or exchanged."""

from __future__ import annotations

from functools import partial
from itertools import accumulate, combinations, pairwise

import torch
from torch import Tensor

from corenet.testing.diagnosis.evidence import Evidence, close
from corenet.testing.diagnosis.patterns.chain_rule import with_upstream
from corenet.testing.diagnosis.patterns.scaling import Words


def output_lost(evidence: Evidence) -> Words | None:
    """Ours is right but for the upstream gradient of one of several outputs, which takes no part."""
    parts = _parts(evidence)
    for place, part in enumerate(parts if len(parts) > 1 else []):
        if with_upstream(evidence, partial(_without, part=part)):
            return {"output": str(place)}
    return None


def outputs_exchanged(evidence: Evidence) -> Words | None:
    """Ours is right for the upstream gradients of two outputs exchanged."""
    for (first, one), (second, other) in combinations(enumerate(_parts(evidence)), 2):
        alike = one.stop - one.start == other.stop - other.start
        if alike and with_upstream(evidence, partial(_exchanged, one=one, other=other)):
            return {"first": str(first), "second": str(second)}
    return None


def penalty_lost(evidence: Evidence) -> bool:
    """Ours is right but for the penalty that forward adds to the loss."""
    alone = slice(sum(evidence.output_sizes), None)
    return evidence.has_penalty and with_upstream(evidence, partial(_without, part=alone))


def repetitions_lost(evidence: Evidence) -> Words | None:
    """Ours is wrong only in rows that integers pick more than once, and right in others."""
    rows = len(evidence.numeric) if evidence.is_parameter and evidence.numeric.dim() else 0
    lines = (~close(evidence.ours, evidence.numeric)).reshape(rows, -1).any(1) if rows else torch.zeros(0)
    written = evidence.numeric.reshape(rows, -1).any(1) if rows else torch.zeros(0)
    for name, integers in evidence.integers.items():
        if not rows or integers.dtype == torch.bool or not ((integers >= 0) & (integers < rows)).all():
            continue
        often = torch.bincount(integers.flatten(), minlength=rows) > 1
        if not (lines & ~often).any() and (written & ~often).any():
            return {"integers": name}
    return None


def _parts(evidence: Evidence) -> list[slice]:
    """Return where the numbers of each output are in the flat tensor of all."""
    return [slice(*ends) for ends in pairwise(accumulate(evidence.output_sizes, initial=0))]


def _without(upstream: Tensor, part: slice) -> Tensor:
    return _with(upstream, part, torch.zeros_like(upstream[part]))


def _exchanged(upstream: Tensor, one: slice, other: slice) -> Tensor:
    return _with(_with(upstream, one, upstream[other]), other, upstream[one])


def _with(upstream: Tensor, part: slice, values: Tensor) -> Tensor:
    found = upstream.clone()
    found[part] = values
    return found
