"""What a function need not do, and is asked about only where it is said to: ``check(…, also=…)``."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import torch
from corenet.testing.checks.check import Checks
from corenet.testing.gradcheck.gradcheck import examine
from corenet.testing.support.trial import seeded
from corenet.testing.support.violation import NotApplicable, Violation
from torch import Tensor

from corenet_torch.borrowed import borrowed
from corenet_torch.call import Call
from corenet_torch.checks.effects import SOUND
from corenet_torch.passes import tensors_of
from corenet_torch.resized import blended
from corenet_torch.trial import Found, FunctionTrial, largest

CLAIMS_CHECKS = Checks("function")
UNCHANGED: AbstractContextManager[Any] = nullcontext()
ALIKE = "look at what depends on a shape or a value, is no operation on tensors, or has a rule of its own for this"
RIGHT = (*SOUND, "gradient")
AUTOCAST = 16 * torch.finfo(torch.bfloat16).eps  # of the largest: some of it is computed in that


@CLAIMS_CHECKS.add(since="0.1", after=RIGHT)
def double_backward(trial: FunctionTrial) -> None:
    """The gradient of the gradient agrees with differences of the gradient, for inputs and upstream gradients."""
    best = _with_inputs(trial.best)
    if best.refusal:
        raise NotApplicable(f"it does not compute in float64: {best.refusal}")
    upstreams = best.upstreams(best.forward())
    given = tuple(each for each in upstreams if each is not None)
    gradient = Call.of(_Gradient(best, upstreams), (*best.call.inputs, *given))
    report = examine(borrowed(gradient), *gradient.inputs, rtol=best.rtol, atol=best.atol, seed=best.seed)
    names = [*best.call.names, *(f"grad_output {place}" if len(given) > 1 else "grad_output" for place in range(9))]
    for name, tensor in zip(names, report.tensors, strict=False):
        if tensor.status == "wrong":
            raise Violation(
                f"the second derivative by {name} at {list(tensor.index)} is {tensor.ours:.8g}, "
                f"not {tensor.numeric:.8g}: write backward in operations that autograd follows, on ctx.saved_tensors, "
                "or mark it once_differentiable"
            )
    if not report.ok:
        raise NotApplicable(f"inconclusive: {report.unsure or report.summary}")


@CLAIMS_CHECKS.add(since="0.1", after=RIGHT)
def vmap(trial: FunctionTrial) -> None:
    """Under torch.vmap each element of a batch gives what it gives alone, and its gradient too."""
    best = _fixed(trial.best)
    pair = [best, best.on(blended(best.call, best.seed))]
    alone = [each.found() for each in pair]
    upstreams = [each.upstreams(each.forward()) for each in pair]
    args = [_stacked(each) for each in zip(*(each.call.args for each in pair), strict=True)]
    leaves = [args[place].requires_grad_() for place in best.call.places]
    batched = torch.vmap(best.call.plain, tuple(0 if isinstance(each, Tensor) else None for each in args))
    outputs = tensors_of(batched(*args))
    asked = [
        (out, torch.stack([one, other]))
        for out, one, other in zip(outputs, *upstreams, strict=True)
        if one is not None and other is not None and out.requires_grad
    ]
    wanted, given = zip(*asked, strict=True)
    found = torch.autograd.grad(wanted, leaves, given, materialize_grads=True)
    for at, expected in enumerate(alone):
        gradients = {name: each[at] for name, each in zip(best.call.names, found, strict=True)}
        _refuse_other(best, "under torch.vmap", Found(tuple(each[at] for each in outputs), gradients), expected)


@CLAIMS_CHECKS.add(since="0.1", after=RIGHT)
def compile(trial: FunctionTrial) -> None:
    """Under torch.compile it is one graph, forward and backward, and gives the same."""
    own = _fixed(trial)
    plain = own.call.module or own.call.plain
    compiled = torch.compile(lambda *args: plain(*args), backend="aot_eager", fullgraph=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's compiler warns of what it does itself
            found = _run(own, compiled)
    finally:
        torch._dynamo.reset()
    _refuse_other(own, "under torch.compile", found, _run(own, plain))


@CLAIMS_CHECKS.add(since="0.1", after=RIGHT)
def autocast(trial: FunctionTrial) -> None:
    """Under torch.autocast to bfloat16 forward and backward give the same but for rounding, in the inputs' dtypes."""
    own = _fixed(trial).cast(torch.float32)
    expected = _run(own, own.call.plain).gradients
    found = _run(own, own.call.plain, torch.autocast(own.call.inputs[0].device.type, dtype=torch.bfloat16)).gradients
    for name, each in found.items():
        if not (each - expected[name]).abs().max() <= AUTOCAST * largest(expected[name]):
            raise Violation(
                f"under torch.autocast the gradient of {name} is another than rounding explains: "
                "torch.amp.custom_fwd and custom_bwd set for both what forward ran in"
            )


class _Gradient:
    """The gradient of a function as a function of its inputs and upstream gradients, that autograd follows."""

    def __init__(self, trial: FunctionTrial, upstreams: tuple[Tensor | None, ...]) -> None:
        self.trial, self.upstreams = trial, upstreams
        self.__name__ = f"the gradient of {trial.call.name}"

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        count, call = len(self.trial.call.places), self.trial.call
        leaves, given = tensors[:count], iter(tensors[count:])
        with seeded(self.trial.seed):
            outputs = tensors_of(call.plain(*call.with_inputs(leaves).args))
        pairs = [
            (output, next(given)) for output, each in zip(outputs, self.upstreams, strict=True) if each is not None
        ]
        wanted, upstreams = zip(*pairs, strict=True)
        return torch.autograd.grad(wanted, leaves, upstreams, create_graph=True, materialize_grads=True)


def _with_inputs(trial: FunctionTrial) -> FunctionTrial:
    if not trial.call.places:
        raise NotApplicable("no input has a gradient")
    return replace(trial, call=replace(trial.call, widens=False))  # what is claimed runs as it is


def _fixed(trial: FunctionTrial) -> FunctionTrial:
    if trial.is_random:
        raise NotApplicable("it draws random numbers")
    return _with_inputs(trial)


def _run(trial: FunctionTrial, function: Any, context: AbstractContextManager[Any] = UNCHANGED) -> Found:
    """Return outputs and gradients of the inputs, of a function in the place of that on trial, forward in a context."""
    call = trial.call.with_inputs([each.detach().clone().requires_grad_() for each in trial.call.inputs])
    with seeded(trial.seed), context:
        outputs = tensors_of(function(*call.args))
    drawn = trial.upstreams(trial.forward())
    pairs = [(out, up.to(out.dtype)) for out, up in zip(outputs, drawn, strict=True) if up is not None]
    wanted, upstreams = zip(*pairs, strict=True)
    found = torch.autograd.grad(wanted, call.inputs, upstreams, materialize_grads=True)
    return Found(tuple(each.detach() for each in outputs), dict(zip(call.names, found, strict=True)))


def _refuse_other(trial: FunctionTrial, how: str, found: Found, expected: Found) -> None:
    if trial.outputs_differ(found.outputs, expected.outputs):
        raise Violation(f"{how} the output is another; {ALIKE}")
    wanted = {name: expected.gradients[name] for name in found.gradients}
    if name := trial.differs(found.gradients, wanted):
        raise Violation(f"{how} the gradient of {name} is another; {ALIKE}")


def _stacked(values: tuple[Any, ...]) -> Any:
    return torch.stack([each.detach() for each in values]) if isinstance(values[0], Tensor) else values[0]
