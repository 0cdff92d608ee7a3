"""One forward and one backward of a module: its outputs and all gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.parameter import is_frozen
from corenet.contracts.several import each_of
from corenet.testing.gradcheck.arguments import input_names
from corenet.testing.gradcheck.outputs import Outputs, run
from corenet.testing.support.compare import differences
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import tensor_from

Upstreams = Sequence[Tensor | None]


@dataclass(frozen=True)
class ForwardBackward:
    """Each output, the gradient of each input that has one, by name, and that of each parameter by name."""

    outputs: tuple[Tensor, ...]
    grad_inputs: dict[str, Tensor]
    parameters: dict[str, Tensor]

    @property
    def gradients(self) -> dict[str, Tensor]:
        """All gradients by name."""
        return {**self.grad_inputs, **self.parameters}

    def named(self) -> dict[str, Tensor]:
        """Return all of it by the names that messages use."""
        gradients = {f"the gradient of {name}": tensor for name, tensor in self.gradients.items()}
        return {**_named_outputs(self.outputs), **gradients}

    def differs(self, expected: ForwardBackward, rtol: float = 1e-9) -> str:
        """Return where this differs from ``expected``; an empty string if it agrees within ``rtol``.

        The tolerance is relative to the largest element of each tensor, or to 1 where all are smaller:
        inputs are of size 1, and a small result may be what rounding left of larger numbers.
        """
        return differences(self.named(), expected.named(), rtol, least=1.0)


def forward_backward(
    module: Module, inputs: Sequence[Tensor], upstreams: Upstreams | None = None, seed: int = 0
) -> ForwardBackward:
    """Run ``module`` forward and backward in training mode, with gradients that start at zero.

    Without ``upstreams``, one for each output, they are drawn, the same for outputs of one shape.
    """
    module.train().zero_grad()
    with seeded(seed):
        outputs = run(module, inputs)
        result = module.backward(*(drawn_like(outputs) if upstreams is None else upstreams))
    return result_of(module, inputs, outputs, result)


def result_of(module: Module, inputs: Sequence[Tensor], outputs: Outputs, result: object) -> ForwardBackward:
    """Return copies of what a forward and a backward gave."""
    gradients = {name: each.grad.clone() for name, each in module.named_parameters() if not is_frozen(each)}
    grad_inputs = {name: tensor.clone() for name, tensor in by_input(module, inputs, result).items()}
    return ForwardBackward(tuple(each.clone() for each in outputs.tensors), grad_inputs, gradients)


def by_input(module: Module, inputs: Sequence[Tensor], result: object) -> dict[str, Tensor]:
    """Return the gradients that backward returned, by the name of the input; integers have none."""
    gradients = result if isinstance(result, tuple) else (result,)
    named = zip(input_names(module, len(inputs)), inputs, gradients, strict=True)
    return {name: tensor_from("backward", each) for name, input, each in named if input.is_floating_point()}


def drawn_like(outputs: Outputs | Tensor | tuple[Tensor, ...], seed: int = 1) -> tuple[Tensor | None, ...]:
    """Return normal numbers in the shape and dtype of each output, None for one of integers."""
    generator = torch.Generator().manual_seed(seed)
    tensors = outputs.tensors if isinstance(outputs, Outputs) else each_of(outputs)
    return tuple(_drawn(each, generator) if each.is_floating_point() else None for each in tensors)


def all_finite(outputs: Outputs | Tensor | tuple[Tensor, ...]) -> bool:
    """Tell whether every number of every output is finite."""
    tensors = outputs.tensors if isinstance(outputs, Outputs) else each_of(outputs)
    return all(bool(each.isfinite().all()) for each in tensors)


def is_random(trial: Trial) -> bool:
    """Tell whether the forward of a trial's module draws numbers from torch's generator."""
    module, inputs = trial.build(), trial.inputs()
    with seeded(0):
        before = torch.get_rng_state()
        module.train()(*inputs)
        return not torch.equal(before, torch.get_rng_state())


def _drawn(output: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(output.shape, generator=generator, dtype=torch.float64).to(output.dtype)


def _named_outputs(outputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
    if len(outputs) == 1:
        return {"the output": outputs[0]}
    return {f"output {place}": each for place, each in enumerate(outputs)}
