"""One forward and one backward of a module: its output and all gradients."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.testing.support.compare import differences
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import tensor_from


@dataclass(frozen=True)
class ForwardBackward:
    """The output, the gradient of the input, and that of each parameter by name."""

    output: Tensor
    grad_input: Tensor
    parameters: dict[str, Tensor]

    def named(self) -> dict[str, Tensor]:
        """Return all of them by the names that messages use."""
        gradients = {f"the gradient of {name}": tensor for name, tensor in self.parameters.items()}
        return {"the output": self.output, "the gradient of input": self.grad_input, **gradients}

    def differs(self, expected: ForwardBackward, rtol: float = 1e-9) -> str:
        """Return where this differs from ``expected``; an empty string if it agrees within ``rtol``.

        The tolerance is relative to the largest element of each tensor, or to 1 where all are smaller:
        inputs are of size 1, and a small result may be what rounding left of larger numbers.
        """
        return differences(self.named(), expected.named(), rtol, least=1.0)


def forward_backward(
    module: Module, input: Tensor, grad_output: Tensor | None = None, seed: int = 0
) -> ForwardBackward:
    """Run ``module`` forward and backward in training mode, with gradients that start at zero.

    Without ``grad_output`` one is drawn, the same for outputs of one shape.
    """
    module.train().zero_grad()
    with seeded(seed):
        output = tensor_from("forward", module(input))
        upstream = drawn_like(output) if grad_output is None else grad_output
        grad_input = tensor_from("backward", module.backward(upstream))
    gradients = {name: parameter.grad.clone() for name, parameter in module.named_parameters()}
    return ForwardBackward(output.clone(), grad_input.clone(), gradients)


def drawn_like(output: Tensor, seed: int = 1) -> Tensor:
    """Return normal numbers in the shape and dtype of ``output``."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(output.shape, generator=generator, dtype=torch.float64).to(output.dtype)


def is_random(trial: Trial) -> bool:
    """Tell whether the forward of a trial's module draws numbers from torch's generator."""
    module, input = trial.build(), trial.input()
    with seeded(0):
        before = torch.get_rng_state()
        module.train()(input)
        return not torch.equal(before, torch.get_rng_state())
