"""How a function is called: on inputs in any memory, several times, with some gradients alone, without any."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.support.memory_layout import strided, transposed
from corenet.testing.support.trial import seeded
from corenet.testing.support.violation import NotApplicable, Violation
from torch import Tensor

from corenet_torch.checks.effects import SOUND
from corenet_torch.passes import GraphPass, PairPass
from corenet_torch.resized import blended
from corenet_torch.trial import FunctionTrial
from corenet_torch.widened import widened

CALLS_CHECKS = Checks("function")
CONTIGUOUS = "index it as a tensor, or call .contiguous() before its memory is read as a whole"
ON_CTX = "keep it on ctx (ctx.save_for_backward), never on the class, the module or in a global"


@CALLS_CHECKS.add(since="0.1", after=SOUND)
def input_layouts(trial: FunctionTrial) -> None:
    """Inputs that are strided, transposed or expanded give what contiguous ones of the same numbers give."""
    best = trial.best
    if best.is_random:
        raise NotApplicable("it draws random numbers, which go by the order of memory")
    for how, change in (("strided", strided), ("transposed in memory", transposed), ("expanded", _expanded)):
        changed = [change(each) for each in best.call.inputs]
        other = best.on(best.call.with_inputs(changed))
        plain = best.on(best.call.with_inputs([each.contiguous() for each in changed]))
        upstreams = plain.upstreams(plain.forward())
        found, expected = other.found(upstreams), plain.found(upstreams)
        if best.outputs_differ(found.outputs, expected.outputs):
            raise Violation(f"inputs that are {how} give another output; {CONTIGUOUS}")
        if name := best.differs(found.gradients, expected.gradients):
            raise Violation(
                f"inputs that are {how} give another gradient of {name}: backward reads memory; {CONTIGUOUS}"
            )


@CALLS_CHECKS.add(since="0.1", after=SOUND)
def two_calls(trial: FunctionTrial) -> None:
    """Two calls before their backwards, run in either order, give what each gives alone."""
    first = trial.best
    second = first.on(blended(first.call, trial.seed))
    alone = [each.found() for each in (first, second)]
    for order in ((1, 0), (0, 1)):
        passes = [each.forward() for each in (first, second)]
        for place, each in enumerate((first, second)):
            if each.outputs_differ(passes[place].outputs, alone[place].outputs):
                raise Violation(
                    f"state is shared between calls: a second forward changes an output of the first; {ON_CTX}"
                )
        for place in order:
            each = (first, second)[place]
            found = each.of(passes[place], each.upstreams(passes[place])).gradients
            if name := each.differs(found, alone[place].gradients):
                raise Violation(
                    f"state is shared between calls: with two forwards before the backwards, the gradient of {name} "
                    f"in one is another; {ON_CTX}"
                )


@CALLS_CHECKS.add(since="0.1", after=SOUND)
def accumulates(trial: FunctionTrial) -> None:
    """Two backwards add up in .grad to twice the gradient."""
    best = trial.best
    passed = best.forward()
    if isinstance(passed, PairPass):
        raise NotApplicable("a pair of functions has no .grad")
    upstreams = best.upstreams(passed)
    expected = best.found(upstreams).gradients
    pairs = [(out, up) for out, up in zip(passed.outputs, upstreams, strict=True) if out.requires_grad]
    outputs, given = zip(*pairs, strict=True)
    try:
        with widened(passed.widens):
            for _ in range(2):
                torch.autograd.backward(outputs, given, inputs=list(passed.leaves), retain_graph=True)
    except RuntimeError as error:
        raise NotApplicable(f"it refuses a second backward of one forward: {reason_of(error)}") from error
    found = {name: leaf.grad for name, leaf in zip(best.names, passed.leaves, strict=True) if leaf.grad is not None}
    if name := best.differs(found, {name: 2 * expected[name] for name in found}):
        raise Violation(
            f"two backwards do not add up in the .grad of {name}: backward reads or writes .grad, or returns "
            "memory that it writes again; return a new tensor and leave .grad to autograd"
        )


@CALLS_CHECKS.add(since="0.1", after=SOUND)
def subsets(trial: FunctionTrial) -> None:
    """Where some inputs alone require a gradient, theirs are the same."""
    best = trial.best
    count = len(best.call.inputs)
    if best.call.pair is not None:
        raise NotApplicable("a pair of functions gives all of its gradients")
    if count < 2:
        raise NotApplicable("it has one input")
    expected = best.found()
    for wanted in _subsets(count):
        passed = best.forward(wanted)
        names = [name for name, ask in zip(best.call.names, wanted, strict=True) if ask]
        found = passed.gradients(best.upstreams(passed))[: len(names)]
        given = {name: each for name, each in zip(names, found, strict=True) if each is not None}
        short = [name for name in names if name not in given and expected.gradients[name].any()]
        name = short[0] if short else best.differs(given, {name: expected.gradients[name] for name in given})
        if name:
            raise Violation(
                f"where {' and '.join(names)} alone require a gradient, that of {name} is "
                f"{'None' if short else 'another'}: look at ctx.needs_input_grad, and at the order of what is returned"
            )


@CALLS_CHECKS.add(since="0.1", after=SOUND)
def notices_changes(trial: FunctionTrial) -> None:
    """An input or output that is changed in place before backward is noticed, or does not matter."""
    best = trial.best
    if not isinstance(best.forward(), GraphPass):
        raise NotApplicable("a pair of functions keeps nothing")
    expected = best.found()
    for what in ("input", "output"):
        copied = best.on(best.call.with_inputs([each.clone() for each in best.call.inputs]))
        passed = copied.forward()
        upstreams = copied.upstreams(passed)
        for each in passed.outputs if what == "output" else copied.call.inputs:
            if each.is_floating_point():
                each.detach().mul_(0.5)  # which counts as a change of the tensor itself
        try:
            found = copied.of(passed, upstreams)
        except RuntimeError:
            continue  # torch noticed it
        if name := best.differs(found.gradients, expected.gradients):
            raise Violation(
                f"an {what} that is changed in place before backward goes unnoticed, and the gradient of {name} is "
                "wrong: keep it by ctx.save_for_backward, not as an attribute of ctx"
            )


@CALLS_CHECKS.add(since="0.1", after=SOUND)
def no_grad(trial: FunctionTrial) -> None:
    """Under torch.no_grad() the output is the same, and requires no gradient."""
    expected = trial.forward().outputs
    with torch.no_grad(), seeded(trial.seed):
        found = trial.call.outputs(trial.parameters)
    if any(each.requires_grad for each in found) or trial.outputs_differ(found, expected):
        raise Violation("under torch.no_grad() the output is another: look at what depends on needs_input_grad")


def _expanded(tensor: Tensor) -> Tensor:
    return tensor[:1].expand(tensor.shape) if tensor.dim() else tensor


def _subsets(count: int) -> Iterator[list[bool]]:
    """Yield each input alone, and all but one."""
    singles = [[place == at for place in range(count)] for at in range(count)]
    yield from singles
    if count > 2:
        yield from ([not each for each in single] for single in singles)
