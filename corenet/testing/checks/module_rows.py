"""That a module's gradients are right for other numbers of rows, magnitudes, patterns and upstream gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from corenet.contracts.case import Case
from corenet.contracts.module import Module
from corenet.contracts.parameter import is_frozen
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.checks.module_gradient import GRADIENTS
from corenet.testing.gradcheck.arguments import Arguments
from corenet.testing.gradcheck.outputs import Outputs, run
from corenet.testing.support.drawing import form
from corenet.testing.support.forward_backward import all_finite, forward_backward
from corenet.testing.support.slope import Slopes, slopes
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation

MODULE_ROWS_CHECKS = Checks("module")
ROWS = (7, 33, 130)
MOST_ROWS = 10  # that a message lists
LARGE, SMALL = 30.0, 1e-3
BLOCK = "right on small inputs: look for a block whose rest is lost, a fixed size, a branch on the size or the sign"

Inputs = tuple[Tensor, ...]


@MODULE_ROWS_CHECKS.add(since="0.2", after=GRADIENTS)
def rows(trial: Trial) -> None:
    """Gradients agree for 7, 33 and 130 rows, for large and small numbers, and for rows that are equal or constant."""
    for what, inputs in _inputs(trial):
        if _is_refused(trial, inputs):
            continue
        point = Point.of(trial, inputs)
        for seed in (1, 2):
            point.must_agree(_drawn_like(point.outputs.joined(), seed), f"for {what}")


@MODULE_ROWS_CHECKS.add(since="0.2", after=GRADIENTS)
def upstreams(trial: Trial) -> None:
    """Gradients agree for upstream gradients that are sparse, ones, of one sign, large, small or zero."""
    point = Point.of(trial, trial.inputs())
    for what, upstream in _upstreams(point.outputs.joined()).items():
        point.must_agree(upstream, f"with an upstream gradient of {what}")


class Point(NamedTuple):
    """A module on some inputs, with the slopes of its outputs, as one tensor, in a direction in all that it reads."""

    module: Module
    inputs: Inputs
    outputs: Outputs
    slopes: Slopes

    @classmethod
    def of(cls, trial: Trial, inputs: Inputs) -> Point:
        """Return the point of a trial's module on ``inputs``."""
        module = trial.build()
        arguments = Arguments(module, inputs)
        parameters = {name: each for name, each in module.named_parameters() if not is_frozen(each)}
        outputs = _outputs(module, inputs)
        try:
            moved = {**arguments.differentiable, **parameters}
            given = tuple(arguments.tensors.values())
            return cls(module, inputs, outputs, slopes(lambda: _outputs(module, given).joined(), moved, trial.seed))
        except Exception as error:
            raise NotApplicable(f"it refuses a point beside the input: {reason_of(error)}") from error

    def must_agree(self, upstream: Tensor, when: str) -> None:
        """Raise unless the gradients by hand agree with the slopes."""
        upstream = self.outputs.weighed(upstream)
        try:
            gradients = self.by_hand(upstream)
        except Violation:
            raise
        except Exception as error:
            raise Violation(f"{when} backward fails: {reason_of(error)}", BLOCK) from error
        for name, gradient in gradients.items():
            if gradient.shape != self.slopes.directions[name].shape:
                raise Violation(f"{when} the gradient of {name} has the shape {tuple(gradient.shape)}", BLOCK)
        if wrong := self.slopes.disagree(gradients, upstream):
            shape = " and ".join(map(form, self.inputs))
            rest = self._wrong_rows(upstream) or BLOCK
            raise Violation(f"{when}, an input of {shape}, the slope in a random direction {wrong}", rest)

    def by_hand(self, upstream: Tensor) -> Mapping[str, Tensor]:
        """Return the gradients for ``upstream``, and leave the module as it was."""
        state = _state(self.module)
        inputs = [each.clone() for each in self.inputs]
        found = forward_backward(self.module, inputs, self.outputs.parted(upstream)).gradients
        _put_back(self.module, state)
        return found

    def _wrong_rows(self, upstream: Tensor) -> str:
        """Return of which rows alone the gradient is wrong; an empty string where that is all of them, or not clear."""
        input = self.inputs[0]
        if input.dim() < 2 or len(self.outputs.sizes) > 1 or not upstream.dim() or len(upstream) != len(input):
            return ""
        wrong = []
        for row in range(len(input)):
            one = torch.zeros_like(upstream)
            one[row] = upstream[row]
            if self.slopes.disagree(self.by_hand(one), one):
                wrong.append(row)
        if not 0 < len(wrong) < len(input):
            return ""
        if wrong == list(range(wrong[0], len(input))):
            return f"right but for the last {len(wrong)} of {len(input)} rows: a block whose rest is lost"
        listed = ", ".join(map(str, wrong[:MOST_ROWS]))
        return f"right but for the rows {listed}: look for a condition that is true of them"


def _inputs(trial: Trial) -> Iterator[tuple[str, Inputs]]:
    case, inputs = trial.case, trial.inputs()
    if all(each.dim() > (not trial.draws) for each in inputs):
        for count in ROWS:
            try:
                yield f"{count} rows", trial.of_rows(count).inputs()
            except NotApplicable:
                continue
        yield "rows that are all the same", tuple(each[:1].expand(each.shape).clone() for each in inputs)
    if trial.draws:
        return
    (input,) = inputs
    if len(case.shape) > 2:
        yield "a last dimension of 33", trial.inputs((*case.shape[:-1], 33))
    if case.shape:
        yield "rows that are constant", (input[..., :1].expand(input.shape).clone(),)
    if case.domain == Case().domain:
        yield f"numbers up to {LARGE:g}", (input * LARGE / case.domain[1],)
    if case.domain[0] <= 0 <= case.domain[1]:
        yield f"numbers up to {SMALL:g}", (input * SMALL / max(map(abs, case.domain)),)


def _upstreams(output: Tensor) -> dict[str, Tensor]:
    drawn = _drawn_like(output, seed=3)
    zeros, last = drawn.clone(), torch.zeros_like(drawn)
    zeros.view(-1)[::2] = 0
    last.view(-1)[-1:] = 1
    return {
        "zeros and others": zeros,
        "a single 1, the last": last,
        "ones": torch.ones_like(drawn),
        "positive numbers": drawn.abs(),
        "negative numbers": -drawn.abs(),
        "large numbers": 1e4 * drawn,
        "small numbers": 1e-6 * drawn,
        "zeros": torch.zeros_like(drawn),
    }


def _drawn_like(output: Tensor, seed: int) -> Tensor:
    return torch.randn(output.shape, generator=torch.Generator().manual_seed(seed), dtype=output.dtype)


def _is_refused(trial: Trial, inputs: Inputs) -> bool:
    """Tell whether forward refuses the inputs, or has no finite output for them."""
    try:
        return not all_finite(_outputs(trial.build(), tuple(each.clone() for each in inputs)))
    except Exception:  # noqa: BLE001 - a refusal
        return True


def _outputs(module: Module, inputs: Inputs) -> Outputs:
    """Return the outputs in training mode, and leave the module as it was."""
    state = _state(module)
    with seeded(0):
        outputs = run(module.train(), inputs)
    copies = tuple(each.clone() for each in outputs.tensors)
    _put_back(module, state)
    return Outputs(copies, outputs.penalty)


def _state(module: Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.named_tensors()}


def _put_back(module: Module, state: dict[str, Tensor]) -> None:
    module.forget()
    for name, tensor in module.named_tensors():
        tensor.copy_(state[name])
