"""Upstream gradients as they come in the field: of any memory layout, and of any size."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from corenet.testing.checks.check import Checks
from corenet.testing.support.memory_layout import strided, transposed
from corenet.testing.support.violation import NotApplicable, Violation
from torch import Tensor

from corenet_torch.checks.effects import SOUND
from corenet_torch.trial import FunctionTrial, Upstreams

UPSTREAM_CHECKS = Checks("function")
CONTIGUOUS = "index it as a tensor, or call grad_output.contiguous() before its memory is read as a whole"
LINEAR = "a gradient is linear in grad_output: no eps, clamp, threshold or term without it"


@UPSTREAM_CHECKS.add(since="0.1", after=SOUND)
def upstream_layouts(trial: FunctionTrial) -> None:
    """An upstream gradient that is strided, transposed, sliced or expanded gives what a contiguous one of it gives."""
    best = trial.best
    passed = best.forward()
    for how, upstreams in _layouts(best.upstreams(passed)):
        expected = best.found(tuple(each if each is None else each.contiguous() for each in upstreams))
        if name := best.differs(best.found(upstreams).gradients, expected.gradients):
            raise Violation(f"an upstream gradient that is {how} gives another gradient of {name}; {CONTIGUOUS}")


@UPSTREAM_CHECKS.add(since="0.1", after=(*SOUND, "gradient"))
def upstream_values(trial: FunctionTrial) -> None:
    """Upstream gradients of zeros, ones, one element, huge and tiny ones give what linearity says."""
    best = trial.best
    passed = best.forward()
    if not all(each.isfinite().all() for each in passed.outputs):
        raise NotApplicable("its outputs are not finite")
    whole = best.upstreams(passed)
    expected = best.found(whole).gradients
    zero = best.found(_each(whole, torch.zeros_like)).gradients
    for name, each in zero.items():
        if each.count_nonzero():
            raise Violation(
                f"an upstream gradient of zeros gives {name} a gradient of {each.abs().max():.3g}; {LINEAR}"
            )
    few = torch.finfo(best.dtype).bits == 16
    for what, factor in (("huge", 2.0**6 if few else 2.0**20), ("tiny", 2.0**-6 if few else 2.0**-20)):
        found = best.found(_each(whole, lambda each, factor=factor: each * factor)).gradients
        _refuse_other(
            best, f"a {what} upstream gradient", {name: each / factor for name, each in found.items()}, expected
        )
    for what, part in (("of ones", torch.ones_like), ("with one element that is not zero", _first_alone)):
        some = _each(whole, part)
        rest = tuple(None if each is None or one is None else each - one for each, one in zip(whole, some, strict=True))
        found, other = best.found(some).gradients, best.found(rest).gradients
        total = {name: each + other[name] for name, each in found.items()}
        _refuse_other(best, f"an upstream gradient {what}", total, expected)


def _refuse_other(trial: FunctionTrial, what: str, found: dict[str, Tensor], expected: object) -> None:
    if name := trial.differs(found, expected):  # type: ignore[arg-type]
        raise Violation(f"{what} gives {name} another gradient than its share of the whole; {LINEAR}")


def _layouts(upstreams: Upstreams) -> Iterator[tuple[str, Upstreams]]:
    yield "strided (every second element in memory)", _each(upstreams, strided)
    yield "transposed in memory", _each(upstreams, transposed)
    yield "sliced out of a larger one, as behind a concatenation", _each(upstreams, _sliced)
    yield (
        "expanded (stride 0, as behind a sum)",
        _each(upstreams, lambda each: each.flatten()[:1].view(()).expand(each.shape)),
    )
    yield (
        "expanded along the first dimension",
        _each(upstreams, lambda each: each[:1].expand(each.shape) if each.dim() else each),
    )


def _each(upstreams: Upstreams, change: object) -> Upstreams:
    return tuple(each if each is None or not each.numel() else change(each) for each in upstreams)  # type: ignore[operator]


def _sliced(tensor: Tensor) -> Tensor:
    return (
        torch.cat([tensor, tensor, tensor], -1)[..., tensor.shape[-1] : 2 * tensor.shape[-1]]
        if tensor.dim()
        else tensor
    )


def _first_alone(tensor: Tensor) -> Tensor:
    alone = torch.zeros_like(tensor)
    alone.view(-1)[0] = 1
    return alone
