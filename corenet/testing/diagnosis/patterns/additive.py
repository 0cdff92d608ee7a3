"""Gradients with an extra or a missing term, or a missing or extra factor that is a known tensor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from corenet.testing.diagnosis.evidence import Evidence, near
from corenet.testing.diagnosis.patterns.scaling import Words, constant

FEWEST = 3


def assigned(evidence: Evidence) -> bool:
    """Ours is too little throughout, by what there was in ``.grad`` before: it is lost."""
    return evidence.is_parameter and evidence.is_like(evidence.numeric - evidence.previous)


def zeroed(evidence: Evidence) -> bool:
    """Ours is minus what there was in ``.grad``: that is lost, and nothing came in its place."""
    return evidence.is_parameter and evidence.is_like(torch.full_like(evidence.ours, -evidence.previous))


def own_gradient_added(evidence: Evidence) -> bool:
    """Ours is too much throughout, by what there was in ``.grad`` before: it counts twice."""
    return evidence.is_parameter and evidence.is_like(evidence.numeric + evidence.previous)


def constant_added(evidence: Evidence) -> Words | None:
    found = _added(evidence, [("", torch.ones_like(evidence.numeric))])
    return {"number": f"{found[1]:.6g}"} if found else None


def value_added(evidence: Evidence) -> Words | None:
    """Ours is the right one plus a multiple of the tensor itself."""
    return _term(_added(evidence, [(evidence.name, evidence.value)]))


def tensor_added(evidence: Evidence) -> Words | None:
    """Ours is the right one plus a multiple of a known tensor."""
    return _term(_added(evidence, _tensors(evidence)))


def term_missing(evidence: Evidence) -> Words | None:
    """A known tensor must be added to ours."""
    found = _added(evidence, _tensors(evidence))
    return {"term": found[0]} if found and _is(found[1], -1) else None


def factor_missing(evidence: Evidence) -> Words | None:
    """The right one is ours times a known tensor."""
    ours, numeric = evidence.pairs()
    for name, tensor in _tensors(evidence):
        if len(numeric) >= 2 and near(ours * tensor[evidence.known], numeric):
            return {"factor": name}
    return None


def factor_too_many(evidence: Evidence) -> Words | None:
    """Ours is the right one times a known tensor."""
    ours, numeric = evidence.pairs()
    for name, tensor in _tensors(evidence):
        if len(numeric) >= 2 and near(ours, numeric * tensor[evidence.known]):
            return {"factor": name}
    return None


def term_of_each_line(evidence: Evidence) -> Words | None:
    """The difference is a known tensor times one number for each row, or each column."""
    if evidence.numeric.dim() < 2 or not evidence.known.all():
        return None
    difference = evidence.ours - evidence.numeric
    candidates = [("", torch.ones_like(difference)), *_tensors(evidence)]
    for name, tensor in candidates:
        for dimension in range(difference.dim()):
            others = difference.numel() // max(difference.shape[dimension], 1)
            squared = (tensor * tensor).sum(dimension, keepdim=True)
            number = (difference * tensor).sum(dimension, keepdim=True) / squared.where(squared != 0, 1)
            if difference.shape[dimension] > 2 and others > 1 and near(number * tensor, difference):
                return {"dimension": str(dimension), "times": f"{name} times " if name else ""}
    return None


def statistics_constant(evidence: Evidence) -> Words | None:
    """The difference is ``a + b · input`` in each row, or each column: what a mean and a variance give."""
    if evidence.input.shape != evidence.numeric.shape or not evidence.known.all():
        return None
    difference = evidence.ours - evidence.numeric
    for dimension in range(difference.dim()):
        if difference.shape[dimension] <= FEWEST:
            continue
        x = evidence.input - evidence.input.mean(dimension, keepdim=True)
        rest = difference - difference.mean(dimension, keepdim=True)
        slope = (rest * x).sum(dimension, keepdim=True) / (x * x).sum(dimension, keepdim=True)
        if near(difference - rest + slope * x, difference):
            return {"dimension": str(dimension)}
    return None


def _added(evidence: Evidence, terms: Iterable[tuple[str, Tensor]]) -> tuple[str, float] | None:
    """Return the name of the first term of which a multiple is added, and how many times it is."""
    ours, numeric = evidence.pairs()
    for name, tensor in terms:
        number = constant(ours - numeric, tensor[evidence.known])
        if number is not None and len(numeric) >= FEWEST:
            return name, number
    return None


def _term(found: tuple[str, float] | None) -> Words | None:
    if found is None:
        return None
    name, number = found
    return {"term": name if _is(number, 1) else f"{number:.6g} times {name}"}


def _is(number: float, wanted: int) -> bool:
    return abs(number - wanted) < 1e-5


def _tensors(evidence: Evidence) -> Iterator[tuple[str, Tensor]]:
    """Yield, by name, the tensors with the shape of our gradient that may be a term or a factor of it."""
    seen = {evidence.input_name: evidence.input, "output": evidence.output, **evidence.parameters}
    if evidence.has_upstream:
        seen["grad_output"] = evidence.upstream
    for name, tensor in seen.items():
        if _broadcasts(tensor, evidence.ours):
            yield name, tensor.expand_as(evidence.ours)
    if evidence.has_upstream and evidence.output.shape == evidence.ours.shape:
        yield "grad_output · output", evidence.upstream * evidence.output


def _broadcasts(tensor: Tensor, to: Tensor) -> bool:
    # Not by torch.broadcast_shapes, which imports sympy: that takes seconds.
    aligned = zip(reversed(tensor.shape), reversed(to.shape), strict=False)
    return tensor.dim() <= to.dim() and all(size in (1, wanted) for size, wanted in aligned)
