"""A module on some inputs: its gradients by hand against the slopes of its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.parameter import is_frozen
from corenet.registry.collect import reason_of
from corenet.testing.gradcheck.arguments import Arguments
from corenet.testing.gradcheck.outputs import Outputs, run
from corenet.testing.support.drawing import form
from corenet.testing.support.forward_backward import all_finite, forward_backward
from corenet.testing.support.magnitudes import takes_little
from corenet.testing.support.slope import Slopes, slopes
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation

Inputs = tuple[Tensor, ...]


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

    def drawn(self, seed: int) -> Tensor:
        """Return an upstream gradient, as one tensor."""
        output = self.outputs.joined()
        return torch.randn(output.shape, generator=torch.Generator().manual_seed(seed), dtype=output.dtype)

    def must_agree(self, upstream: Tensor, when: str, meaning: str) -> None:
        """Raise unless the gradients by hand agree with the slopes; ``meaning`` is the diagnosis if they do not."""
        upstream = self.outputs.weighed(upstream)
        try:
            gradients = self.by_hand(upstream)
        except Violation:
            raise
        except Exception as error:
            raise Violation(f"{when} backward fails: {reason_of(error)}", meaning) from error
        for name, gradient in gradients.items():
            if gradient.shape != self.slopes.directions[name].shape:
                raise Violation(f"{when} the gradient of {name} has the shape {tuple(gradient.shape)}", meaning)
        if wrong := self.slopes.disagree(gradients, upstream):
            shape = " and ".join(map(form, self.inputs))
            text = f"{when}, an input of {shape}, the slope in a random direction {wrong}"
            raise Violation(text, meaning)

    def is_right(self) -> bool:
        """Tell whether the gradients by hand agree with the slopes."""
        upstream = self.outputs.weighed(self.drawn(1))
        return not self.slopes.disagree(self.by_hand(upstream), upstream)

    def by_hand(self, upstream: Tensor) -> Mapping[str, Tensor]:
        """Return the gradients for ``upstream``, and leave the module as it was."""
        state = _state(self.module)
        inputs = [each.clone() for each in self.inputs]
        found = forward_backward(self.module, inputs, self.outputs.parted(upstream)).gradients
        _put_back(self.module, state)
        return found

    def wrong_rows(self, upstream: Tensor) -> list[int]:
        """Return of which rows alone the gradient is wrong; none where that is all of them, or not clear."""
        input = self.inputs[0]
        if input.dim() < 2 or len(self.outputs.sizes) > 1 or not upstream.dim() or len(upstream) != len(input):
            return []
        wrong = self._wrong_among(range(len(input)), upstream)
        return wrong if len(wrong) < len(input) else []

    def _wrong_among(self, rows: range, upstream: Tensor) -> list[int]:
        """Return the wrong ones of ``rows`` by halving: a gradient is the sum of those for each row of an upstream."""
        alone = torch.zeros_like(upstream)
        alone[rows.start : rows.stop] = upstream[rows.start : rows.stop]
        if not self.slopes.disagree(self.by_hand(alone), alone):
            return []
        half = len(rows) // 2
        return (
            [*rows] if not half else self._wrong_among(rows[:half], upstream) + self._wrong_among(rows[half:], upstream)
        )


def is_refused(trial: Trial, inputs: Inputs) -> bool:
    """Tell whether a trial's module refuses the inputs, or has no finite output for them."""
    try:
        return not all_finite(_outputs(trial.build(), tuple(each.clone() for each in inputs)))
    except Exception:  # noqa: BLE001 - a refusal
        return True


def is_quick(trial: Trial, inputs: Inputs) -> bool:
    """Tell whether a trial's module takes the inputs, and so little time for them that more may be tried."""
    return takes_little(lambda: _outputs(trial.build(), inputs))


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
