"""Where a fault shows: pairs of gradients, of a function and of its right form, that differ there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks.backwards.subject import Fault, Subject, is_floating

Gradients = tuple[Tensor | None, ...]
ROWS, COLUMNS = 4, 5


def asked(args: Sequence[Any]) -> list[int]:
    """Return the places of the tensors that have a gradient: those that require one, or all of floating point."""
    floating = [place for place, each in enumerate(args) if is_floating(each)]
    return [place for place in floating if args[place].requires_grad] or floating


def leaves(args: Sequence[Any], places: Sequence[int]) -> list[Any]:
    """Return the arguments, of which those at ``places`` are leaves that require a gradient."""
    return [
        each.detach().requires_grad_(place in places) if is_floating(each) else each for place, each in enumerate(args)
    ]


def gradients(
    function: Any, args: Sequence[Any], upstream: Callable[[Tensor], Tensor] = torch.clone, places: Any = None
) -> Gradients:
    """Return the gradients, with a random upstream gradient that ``upstream`` changes."""
    found = asked(args) if places is None else places
    given = leaves(args, found)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        output = function.apply(*given)
        drawn = torch.randn(output.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        return torch.autograd.grad(
            output, [given[place] for place in found], upstream(drawn.to(output)), allow_unused=True
        )


def differs(subject: Subject, fault: Fault) -> bool:
    """Tell whether the fault changes a gradient where it is said to, and nowhere that the right form is not finite."""
    return any(not _same(found, right) for found, right in SHOWN[fault.shown](subject, fault))


def _same(found: Gradients, right: Gradients) -> bool:
    for one, other in zip(found, right, strict=True):
        if other is not None and not other.isfinite().all():
            raise AssertionError("the right gradient is not finite")
        if (one is None) != (other is None) or (one is not None and other is not None and not _near(one, other)):
            return False
    return True


def _near(one: Tensor, other: Tensor) -> bool:
    few = torch.finfo(other.dtype).eps * 16
    return one.shape == other.shape and torch.allclose(one.double(), other.double(), rtol=few, atol=few)


def _pair(subject: Subject, fault: Fault, args: Sequence[Any], **how: Any) -> tuple[Gradients, Gradients]:
    return gradients(fault.function, [_copied(each) for each in args], **how), gradients(subject.function, args, **how)


def _copied(value: Any) -> Any:
    """Return a copy in the same memory layout."""
    if not isinstance(value, Tensor):
        return value
    copy = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype).copy_(value.detach())
    return copy.requires_grad_(value.requires_grad)


def _plain(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
    yield _pair(subject, fault, subject.args(ROWS, COLUMNS, fault.dtype))


def _raises(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
    right = gradients(subject.function, subject.args(ROWS, COLUMNS, fault.dtype))
    try:
        yield gradients(fault.function, subject.args(ROWS, COLUMNS, fault.dtype)), right
    except RuntimeError:
        yield tuple(None for _ in right), right


def _strided_upstream(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
    for change in (
        lambda each: torch.stack([each, -each], -1)[..., 0],
        lambda each: each.flatten()[:1].expand(each.shape),
    ):
        yield _pair(subject, fault, subject.args(ROWS, COLUMNS, fault.dtype), upstream=change)


def _strided_input(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
    args = subject.args(ROWS, COLUMNS, fault.dtype)
    yield _pair(
        subject, fault, [torch.stack([each, -each], -1)[..., 0] if is_floating(each) else each for each in args]
    )


def _two_calls(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
    for function in (subject.function, fault.function):
        first, second = (leaves(args := subject.args(ROWS, COLUMNS, fault.dtype, seed), asked(args)) for seed in (0, 1))
        output = function.apply(*first)
        function.apply(*second)
        wanted = [first[place] for place in asked(first)]
        found = torch.autograd.grad(output, wanted, torch.ones_like(output))
        if function is subject.function:
            right = found
    yield found, right


def _twice(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
    args = subject.args(ROWS, COLUMNS, fault.dtype)
    given = leaves(args, asked(args))
    output = fault.function.apply(*given)
    wanted = [given[place] for place in asked(given)]
    found = [
        torch.autograd.grad(output, wanted, torch.ones_like(output), retain_graph=True, allow_unused=True) for _ in "ab"
    ]
    first, second = ([each if each is None else each.clone() for each in one] for one in found)
    yield tuple(second), gradients(subject.function, subject.args(ROWS, COLUMNS, fault.dtype), upstream=torch.ones_like)
    yield tuple(first), tuple(second)


def _upstream_changes(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
    kept: list[Tensor] = []

    def keep(each: Tensor) -> Tensor:
        kept.append(each)
        return each

    for function in (subject.function, fault.function):
        gradients(function, subject.args(ROWS, COLUMNS, fault.dtype), upstream=keep)
    yield (kept[1],), (kept[0],)


def _sized(*sizes: tuple[int, int]) -> Callable[[Subject, Fault], Iterator[tuple[Gradients, Gradients]]]:
    def pairs(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
        for rows, columns in sizes:
            yield _pair(subject, fault, subject.args(rows, columns, fault.dtype))

    return pairs


def _subset(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
    args = subject.args(ROWS, COLUMNS, fault.dtype)
    for place in asked(args):
        yield _pair(subject, fault, args, places=[place])


def _unwritten(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
    torch.use_deterministic_algorithms(True)  # which fills what torch.empty allocates with NaN
    try:
        found = gradients(fault.function, subject.args(ROWS, COLUMNS, fault.dtype))
    finally:
        torch.use_deterministic_algorithms(False)
    yield found, gradients(subject.function, subject.args(ROWS, COLUMNS, fault.dtype))


def _scaled(*scales: float) -> Callable[[Subject, Fault], Iterator[tuple[Gradients, Gradients]]]:
    def pairs(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
        for scale in scales:
            yield _pair(subject, fault, subject.args(ROWS, COLUMNS, fault.dtype, scale=scale))

    return pairs


def _factor(factor: float) -> Callable[[Subject, Fault], Iterator[tuple[Gradients, Gradients]]]:
    def pairs(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
        args = subject.args(ROWS, COLUMNS, fault.dtype)
        found, right = _pair(subject, fault, args, upstream=lambda each: each * factor)
        yield tuple(each / factor for each in found), tuple(each / factor for each in right)  # type: ignore[operator]

    return pairs


def _accumulated(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
    found = []
    for function in (fault.function, subject.function):
        args = subject.args(ROWS, COLUMNS, fault.dtype)
        given = leaves(args, asked(args))
        for _ in range(2):
            function.apply(*given).sum().backward()
        found.append(tuple(given[place].grad for place in asked(args)))
    yield found[0], found[1]


def _output_changed(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
    args = subject.args(ROWS, COLUMNS, fault.dtype)
    given = leaves(args, asked(args))
    output = fault.function.apply(*given)
    output.detach().mul_(0.5)
    wanted = [given[place] for place in asked(args)]
    yield (
        torch.autograd.grad(output, wanted, torch.ones_like(output)),
        gradients(subject.function, args, upstream=torch.ones_like),
    )


def _more_dimensions(subject: Subject, fault: Fault) -> Iterator[tuple[Gradients, Gradients]]:
    first, *rest = subject.args(ROWS, COLUMNS, fault.dtype)
    yield _pair(subject, fault, (torch.stack([first, first.flip(0), -first]), *rest))


SHOWN: dict[str, Callable[[Subject, Fault], Iterator[tuple[Gradients, Gradients]]]] = {
    "plain": _plain,
    "raises": _raises,
    "strided upstream": _strided_upstream,
    "strided input": _strided_input,
    "two calls": _two_calls,
    "twice": _twice,
    "upstream changes": _upstream_changes,
    "larger": _sized((5, 4), (33, 3), (7, 33), (130, 2), (3, 257)),
    "smaller": _sized((1, 1), (1, 2)),
    "float32": _plain,
    "subset": _subset,
    "unwritten": _unwritten,
    "large": _scaled(1e3, 3e3),
    "zero": _scaled(0.0),
    "tiny upstream": _factor(2.0**-20),
    "huge upstream": _factor(2.0**20),
    "accumulated": _accumulated,
    "output changed": _output_changed,
    "more dimensions": _more_dimensions,
}
