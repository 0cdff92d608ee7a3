"""What forward and backward must leave as it was, and what must not depend on memory, time or chance."""

from __future__ import annotations

from typing import Any

import torch
from corenet.testing.checks.check import Checks
from corenet.testing.diagnosis.watched import first_line, writes_to
from corenet.testing.support.violation import NotApplicable, Violation
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from corenet_torch.passes import GraphPass
from corenet_torch.trial import FunctionTrial

EFFECTS_CHECKS = Checks("function")
SOUND = ("runs", "arguments_unchanged", "upstream_unchanged", "saved_unchanged", "repeatable", "writes_all")
EMPTY = ("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided")
COPY = "work on a copy: .clone(), or an operation without the trailing underscore"


@EFFECTS_CHECKS.add(since="0.1", after=())
def runs(trial: FunctionTrial) -> None:
    """Forward gives a tensor or several, of which one has a gradient, and backward runs."""
    passed = trial.forward()
    if not any(each.is_floating_point() for each in passed.outputs):
        raise Violation(f"forward gives {passed.outputs[0].dtype}, which has no gradient")
    if isinstance(passed, GraphPass) and not any(each.requires_grad for each in passed.outputs):
        raise Violation("no output requires a gradient: is there a .detach(), a .data or a no_grad() in it?")
    passed.gradients(trial.upstreams(passed))


@EFFECTS_CHECKS.add(since="0.1")
def arguments_unchanged(trial: FunctionTrial) -> None:
    """Neither forward nor backward changes an argument in place."""
    given = dict(zip(trial.call.names, trial.call.inputs, strict=True))
    given |= {f"argument {place}": each for place, each in enumerate(trial.call.args) if isinstance(each, Tensor)}
    given |= trial.parameters
    before = {name: each.clone() for name, each in given.items()}
    try:
        passed = trial.forward()
        _refuse_changes("forward", given, before)
        passed.gradients(trial.upstreams(passed))
        changed = _changed(given, before)
        if changed:
            line = _written_at(trial, given[changed])
            raise Violation(f"backward overwrites {changed}, which the caller still has; {COPY}", line)
    finally:
        for name, each in given.items():
            each.copy_(before[name])


@EFFECTS_CHECKS.add(since="0.1", after=("runs", "arguments_unchanged"))
def upstream_unchanged(trial: FunctionTrial) -> None:
    """Backward does not change the upstream gradient, which other functions may need too."""
    passed = trial.forward()
    given = trial.upstreams(passed)
    before = tuple(each if each is None else each.clone() for each in given)
    passed.gradients(given)
    for place, (upstream, old) in enumerate(zip(given, before, strict=True)):
        if upstream is not None and old is not None and not torch.equal(upstream, old):
            which = f" {place}" if len(given) > 1 else ""
            line = _written_at(trial, upstream, given)
            raise Violation(f"backward overwrites its upstream gradient{which}, which others may need; {COPY}", line)


@EFFECTS_CHECKS.add(since="0.1", after=("runs", "arguments_unchanged"))
def saved_unchanged(trial: FunctionTrial) -> None:
    """Backward leaves what forward saved as it was."""
    passed = trial.forward()
    if not isinstance(passed, GraphPass) or not (nodes := passed.nodes()):
        raise NotApplicable("there is no autograd.Function whose saved tensors could be seen")
    saved = [each for node in nodes for each in node.saved_tensors if each is not None]
    before = [each.clone() for each in saved]
    passed.gradients(trial.upstreams(passed))
    for place, (now, then) in enumerate(zip(saved, before, strict=True)):
        if not torch.equal(now.detach().nan_to_num(), then.detach().nan_to_num()):
            raise Violation(f"backward overwrites saved tensor {place}, so a second backward is wrong; {COPY}")


@EFFECTS_CHECKS.add(since="0.1", after=("runs",))
def writes_all(trial: FunctionTrial) -> None:
    """All of the memory that is allocated is written: with torch.empty filled with NaN, nothing changes."""
    usual = trial.found()
    with _Poisoned(), trial.call.poisoned():
        found = trial.found()
    named = {"the output": (found.outputs[0], usual.outputs[0])}
    named |= {f"the gradient of {name}": (found.gradients[name], each) for name, each in usual.gradients.items()}
    for name, (poisoned, each) in named.items():
        unwritten = poisoned.isnan() & ~each.isnan()
        if unwritten.any():
            raise Violation(
                f"{int(unwritten.sum())} of {each.numel()} elements of {name} are never written, first at "
                f"{torch.nonzero(unwritten)[0].tolist()}: use torch.zeros where it says torch.empty, or write them"
            )


@EFFECTS_CHECKS.add(
    since="0.1", after=("runs", "saved_unchanged", "upstream_unchanged", "arguments_unchanged", "writes_all")
)
def repeatable(trial: FunctionTrial) -> None:
    """A second forward gives the same output, and a second backward of one forward the same gradient."""
    best = trial.best
    passed = best.forward()
    upstreams = best.upstreams(passed)
    first = best.of(passed, upstreams)
    try:
        second = best.of(passed, upstreams)
    except RuntimeError:  # it may let go of what it saved
        second = best.found(upstreams)
    if name := best.differs(second.gradients, first.gradients):
        raise Violation(
            f"not repeatable: a second backward of one forward gives another gradient of {name}; "
            "backward draws random numbers, or keeps something: draw in forward and save it"
        )
    if best.outputs_differ(best.forward().outputs, first.outputs):
        raise Violation(
            "not repeatable: a second forward gives another output, with torch's generator reset; "
            "keep nothing from one call to the next"
        )


def _changed(given: dict[str, Tensor], before: dict[str, Tensor]) -> str:
    return next(
        (name for name, each in given.items() if not torch.equal(each.nan_to_num(), before[name].nan_to_num())), ""
    )


def _refuse_changes(method: str, given: dict[str, Tensor], before: dict[str, Tensor]) -> None:
    if name := _changed(given, before):
        raise Violation(
            f"{method} changes {name} in place; {COPY}, or if it must, check a function that gives it a clone"
        )


def _written_at(trial: FunctionTrial, tensor: Tensor, upstreams: tuple[Tensor | None, ...] | None = None) -> str:
    """Return the line of backward that writes to the memory of ``tensor``; '' if it is not known."""
    passed = trial.forward()
    given = trial.upstreams(passed) if upstreams is None else upstreams
    return first_line(trial.factory, lambda: passed.gradients(given), writes_to(tensor))


class _Poisoned(TorchDispatchMode):
    """Fills what torch.empty and its like allocate with NaN."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would import its compiler for that, which takes a second

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ in EMPTY and result.is_floating_point():
            result.fill_(torch.nan)
        return result
