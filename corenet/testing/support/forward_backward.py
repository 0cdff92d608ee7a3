"""One pass through a module, forward and backward, and everything that came of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.testing.checks.check import tensor_from
from corenet.testing.support.compare import differences
from corenet.testing.support.trial import Trial, seeded


@dataclass(frozen=True)
class Pass:
    """The output, the gradient of the input, and that of each parameter by name."""

    output: Tensor
    grad_input: Tensor
    parameters: dict[str, Tensor]

    def named(self) -> dict[str, Tensor]:
        """Return all of it by the names that a message would use."""
        gradients = {f"the gradient of {name}": tensor for name, tensor in self.parameters.items()}
        return {"the output": self.output, "the gradient of input": self.grad_input, **gradients}

    def differs(self, expected: Pass, rtol: float = 1e-9) -> str:
        """Return where this differs from ``expected``; nothing if it agrees within ``rtol``.

        That is of the size of a part, or of 1 where it is smaller: what goes in is of that size, and a small
        number that comes out may be what rounding left of larger ones.
        """
        return differences(self.named(), expected.named(), rtol, least=1.0)


def run(module: Module, input: Tensor, grad_output: Tensor | None = None, seed: int = 0) -> Pass:
    """Return a pass of ``module`` in training mode, with gradients that start at zero.

    Without ``grad_output`` one is drawn, the same for outputs of one shape.
    """
    module.train().zero_grad()
    with seeded(seed):
        output = tensor_from("forward", module(input))
        upstream = drawn_like(output) if grad_output is None else grad_output
        grad_input = tensor_from("backward", module.backward(upstream))
    gradients = {name: parameter.grad.clone() for name, parameter in module.named_parameters()}
    return Pass(output.clone(), grad_input.clone(), gradients)


def drawn_like(output: Tensor, seed: int = 1) -> Tensor:
    """Return normal numbers in the shape and dtype of ``output``."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(output.shape, generator=generator, dtype=torch.float64).to(output.dtype)


def is_random(trial: Trial) -> bool:
    """Tell whether the output of a trial's module depends on torch's generator."""
    first, second = (run(trial.build(), trial.input(), seed=seed).output for seed in (0, 1))
    return not torch.equal(first, second)
