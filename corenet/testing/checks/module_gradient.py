"""What every module promises of its gradients, for all batch sizes, dtypes and memory layouts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.checks.module_contract import FUNCTION
from corenet.testing.gradcheck.gradcheck import examine
from corenet.testing.gradcheck.outputs import run
from corenet.testing.gradcheck.report import GradientReport
from corenet.testing.support.drawing import cast, form
from corenet.testing.support.forward_backward import (
    ForwardBackward,
    all_finite,
    drawn_like,
    forward_backward,
    is_random,
)
from corenet.testing.support.memory_layout import strided, transposed
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation

MODULE_GRADIENT_CHECKS = Checks("module")
GRADIENTS = (*FUNCTION, "input_gradient", "parameter_gradients")
T = TypeVar("T")
FLOAT32 = 1e-4
REFUSE = "support this shape too, or refuse it in check()"


@MODULE_GRADIENT_CHECKS.add(since="0.1", after=FUNCTION)
def input_gradient(trial: Trial) -> None:
    """The gradient of the input agrees with central differences in float64."""
    if not any(each.is_floating_point() for each in trial.inputs()):
        raise NotApplicable("its inputs are integers, which have no gradient")
    parameters = dict(trial.build().named_parameters())
    _refuse_wrong(trial.gradients, lambda name: name not in parameters)


@MODULE_GRADIENT_CHECKS.add(since="0.1", after=FUNCTION)
def parameter_gradients(trial: Trial) -> None:
    """The gradient of each parameter agrees with central differences in float64."""
    if not trial.build().parameters():
        raise NotApplicable("it has no parameters")
    parameters = dict(trial.build().named_parameters())
    _refuse_wrong(trial.gradients, lambda name: name in parameters)


@MODULE_GRADIENT_CHECKS.add(since="0.1", after=GRADIENTS)
def batch_of_one(trial: Trial) -> None:
    """Gradients agree for a batch of one too, or it is refused."""
    _gradients_on(_batch_of(trial, 1))


@MODULE_GRADIENT_CHECKS.add(since="0.1", after=GRADIENTS)
def leading_dimension(trial: Trial) -> None:
    """Gradients agree with another leading dimension too, or it is refused."""
    if trial.draws:
        raise NotApplicable("its case draws the inputs, of shapes of their own")
    _gradients_on(replace(trial, case=replace(trial.case, shape=(2, *trial.case.shape))))


@MODULE_GRADIENT_CHECKS.add(since="0.1", after=FUNCTION)
def empty_batch(trial: Trial) -> None:
    """An empty batch gives an empty output, an empty gradient and zero parameter gradients, or it is refused."""
    empty = _batch_of(trial, 0)
    found = _result_on(empty, forward_backward)
    for output in found.outputs:
        if output.numel():
            raise Violation(f"an empty batch gives an output of {tuple(output.shape)}")
    for name, gradient in found.grad_inputs.items():
        if gradient.numel():
            raise Violation(f"an empty batch has a gradient of {name} of {tuple(gradient.shape)}")
    adds_penalty = run(trial.build(), empty.inputs()).penalty is not None  # which no row takes part in
    for name, gradient in found.parameters.items():
        if gradient.any() and not adds_penalty:
            raise Violation(f"an empty batch gives {name} a gradient of up to {gradient.abs().max().item():g}")


@MODULE_GRADIENT_CHECKS.add(since="0.1", after=FUNCTION)
def accumulates(trial: Trial) -> None:
    """A second backward adds its gradient to the first, in the same tensor."""
    module = trial.build()
    if not module.parameters():
        raise NotApplicable("it has no parameters")
    before = {name: parameter.grad for name, parameter in module.named_parameters()}
    state = module.state_dict()
    once = forward_backward(module, trial.inputs()).parameters
    module.load_state_dict(state)  # a running statistic may have moved
    kept = {name: gradient.clone() for name, gradient in once.items()}
    with seeded(0):
        module.backward(*drawn_like(module(*trial.inputs())))
    for name, parameter in module.named_parameters():
        if name not in kept:
            continue  # it is frozen
        if parameter.grad is not before[name]:
            raise Violation(f"backward replaces {name}.grad by a new tensor", "write += where it says =")
        if not torch.allclose(parameter.grad, 2 * kept[name], rtol=1e-9, atol=1e-12):
            meaning = _explained(parameter.grad, kept[name])
            raise Violation(f"two backwards give {name} another gradient than twice that of one", meaning)


def _explained(twice: Tensor, once: Tensor) -> str:
    if torch.allclose(twice, once, rtol=1e-9, atol=1e-12):
        return "assigned, not accumulated: the second replaces the first; write += where it says ="
    if torch.allclose(twice, 3 * once, rtol=1e-9, atol=1e-12):
        return "right in the first call and doubled in the second: it adds the previous .grad again"
    return "the second backward depends on the first: something is kept between the two"


# Other dtypes and memory layouts.


@MODULE_GRADIENT_CHECKS.add(since="0.1", after=FUNCTION)
def float32(trial: Trial) -> None:
    """Float32 gives float32, and agrees with float64 within its precision."""
    inputs = [cast(each, torch.float32) for each in trial.inputs()]
    found = forward_backward(trial.build().to(dtype=torch.float32), inputs)
    for name, tensor in found.named().items():
        if tensor.dtype != torch.float32 and tensor.is_floating_point():
            raise Violation(f"for a float32 input, {name} is {tensor.dtype}")
    if is_random(trial):
        return  # torch draws other numbers in float32
    exact = forward_backward(trial.build(), [cast(each, torch.float64) for each in inputs])
    if wrong := found.differs(exact, FLOAT32):
        raise Violation(f"in float32 {wrong} as in float64; the tolerance is {FLOAT32:g}")


@MODULE_GRADIENT_CHECKS.add(since="0.1", after=FUNCTION)
def strides(trial: Trial) -> None:
    """Inputs and upstream gradients that are strided or expanded give what contiguous ones do."""
    inputs = trial.inputs()
    if is_random(trial):  # which numbers it draws may depend on the layout, its gradient may not
        if trial.gradients.status == "wrong":
            raise NotApplicable("its gradient is wrong on the case itself already")
        _refuse_wrong(examine(trial.build(), *map(transposed, inputs), seed=trial.seed), lambda _: True)
        return

    def result(inputs: Iterable[Tensor], upstreams: Iterable[Tensor | None]) -> ForwardBackward:
        return forward_backward(trial.build(), list(inputs), list(upstreams))

    upstreams = drawn_like(trial.build()(*inputs))
    straight = result(inputs, upstreams)
    for how, laid_out in {"strided": strided, "transposed": transposed}.items():
        turned = [each if each is None else laid_out(each) for each in upstreams]
        _same(straight, result(map(laid_out, inputs), turned), how)
    ones = [each if each is None else torch.ones((), dtype=each.dtype).expand(each.shape) for each in upstreams]
    _same(
        result(inputs, (each if each is None else each.contiguous() for each in ones)), result(inputs, ones), "expanded"
    )
    if all(each.dim() and len(each) > 1 for each in inputs):
        repeated = [each[:1].expand(each.shape) for each in inputs]
        _same(result((each.contiguous() for each in repeated), upstreams), result(repeated, upstreams), "expanded")


def _same(straight: ForwardBackward, found: ForwardBackward, how: str) -> None:
    if wrong := found.differs(straight):
        meaning = "correct only for contiguous tensors: something ignores the strides"
        raise Violation(f"for {how} tensors {wrong}", meaning)


def _refuse_wrong(report: GradientReport, chosen: Callable[[str], bool]) -> None:
    """Raise for the gradients of the ``chosen`` names, unless they agree."""
    tensors = [tensor for tensor in report.tensors if chosen(tensor.name)]
    wrong = [tensor for tensor in tensors if tensor.status == "wrong"]
    if wrong:
        right = [tensor.name for tensor in report.tensors if tensor.ok and tensor.checked]
        others = f"; that of {', '.join(dict.fromkeys(right))} is right" if right else ""
        message = "\n".join(str(replace(tensor, diagnosis="")) for tensor in wrong)
        meaning = "\n".join(dict.fromkeys(each.diagnosis for each in wrong if each.diagnosis))
        raise Violation(f"the gradient of {message}{others}", meaning)
    if tensors and not any(tensor.checked for tensor in tensors):
        names = ", ".join(tensor.name for tensor in tensors)
        raise Violation(f"no element of {names} could be compared", "give a Case with its kinks, or another domain")
    if unsure := report.unsure:
        names = ", ".join(tensor.name for tensor in tensors)
        raise Violation(f"the gradient of {names}: {unsure}", "give a Case with another domain")


def _batch_of(trial: Trial, size: int) -> Trial:
    if not trial.draws and len(trial.case.shape) < 2:
        raise NotApplicable("its input has no batch dimension")
    return trial.of_rows(size)


def _gradients_on(trial: Trial) -> None:
    found = _result_on(trial, lambda module, inputs: examine(module, *inputs, seed=trial.seed))
    _refuse_wrong(found, lambda _: True)


def _result_on(trial: Trial, function: Callable[[Module, Sequence[Tensor]], T]) -> T:
    """Return the result of ``function`` on a trial's inputs; the check does not apply if the module refuses them."""
    inputs = trial.inputs()
    shape = " and ".join(map(form, inputs))
    try:
        outputs = trial.build()(*inputs)
    except Exception as error:
        raise NotApplicable(f"it refuses {shape}: {reason_of(error)}") from error
    if not all_finite(outputs):
        raise Violation(f"an input of {shape} gives an output that is not finite", REFUSE)
    try:
        return function(trial.build(), inputs)
    except Violation:
        raise
    except Exception as error:
        raise Violation(f"forward accepts {shape}, but backward fails: {reason_of(error)}", REFUSE) from error
