"""The trajectory of an optimizer: parameters to start from, gradients to follow, the weights after each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import Parameter

SHAPES = ((3, 2), (4,), ())

Objective = Callable[[Sequence[Tensor]], tuple[float, list[Tensor]]]


def start(seed: int = 0, dtype: torch.dtype = torch.float64) -> list[Parameter]:
    """Return parameters of a matrix, a vector and a number, none of them near 0."""
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in SHAPES]
    return [Parameter((each.sign() * (each.abs() + 0.5)).to(dtype)) for each in drawn]


def quadratic(weights: Sequence[Tensor]) -> tuple[float, list[Tensor]]:
    """Return ``½ Σ aᵢ wᵢ²`` and its gradient ``aᵢ wᵢ``, with curvatures from ½ to 2.

    >>> quadratic([torch.tensor([2.0])])
    (1.0, [tensor([1.])])
    """
    gradients = [torch.linspace(0.5, 2, each.numel()).to(each.dtype).view_as(each) * each for each in weights]
    value = sum((gradient * each).sum().item() / 2 for gradient, each in zip(gradients, weights, strict=True))
    return value, gradients


def rosenbrock(weights: Sequence[Tensor]) -> tuple[float, list[Tensor]]:
    """Return Rosenbrock's function ``Σ 100 (y − x²)² + (1 − x)²`` in pairs (x, y), and its gradient.

    >>> rosenbrock([torch.tensor([1.0, 2.0])])
    (100.0, [tensor([-400.,  200.])])

    Reference: H. Rosenbrock, "An automatic method for finding the greatest or least value of a
    function", The Computer Journal 3, 1960.
    """
    value, gradients = 0.0, []
    for each in weights:
        x, y = each.view(-1, 2).unbind(1)
        off = y - x.square()
        value += (100 * off.square() + (1 - x).square()).sum().item()
        gradients.append(torch.stack([-400 * x * off - 2 * (1 - x), 200 * off], 1).view_as(each))
    return value, gradients


def descend(optimizer: Optimizer, objective: Objective, steps: int) -> tuple[float, float]:
    """Return the objective's value before and after ``steps`` steps along its gradient."""
    before, _ = objective(optimizer.parameters)
    for _ in range(steps):
        set_gradients(optimizer.parameters, objective(optimizer.parameters)[1])
        optimizer.step()
    return before, objective(optimizer.parameters)[0]


def follow(optimizer: Optimizer, steps: int, first: int = 0) -> list[Tensor]:
    """Make ``steps`` steps, and return a copy of all weights after each. The gradients depend on the step number alone.

    Large and small gradients alternate, with both signs, so that clipping, momentum and normalization
    have an effect.
    """
    trajectory = []
    for step in range(first, first + steps):
        set_gradients(optimizer.parameters, gradients_at(step, optimizer.parameters))
        optimizer.step()
        trajectory.append(weights_of(optimizer))
    return trajectory


def gradients_at(step: int, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradients of one step, drawn by its number."""
    generator = torch.Generator().manual_seed(1000 + step)
    drawn = [torch.randn(each.shape, generator=generator, dtype=torch.float64) for each in parameters]
    return [each * (0.05 if step % 2 else 3.0) for each in drawn]


def set_gradients(parameters: Sequence[Tensor], gradients: Sequence[Tensor]) -> None:
    """Write ``gradients`` into the parameters' own."""
    for parameter, gradient in zip(parameters, gradients, strict=True):
        assert parameter.grad is not None
        parameter.grad.copy_(gradient)


def weights_of(optimizer: Optimizer) -> Tensor:
    """Return a copy of all weights in one row, in float64."""
    return torch.cat([each.detach().double().reshape(-1) for each in optimizer.parameters])


def gradients_of(optimizer: Optimizer) -> Tensor:
    """Return a copy of all gradients in one row, in float64."""
    return torch.cat([each.grad.double().reshape(-1) for each in optimizer.parameters if each.grad is not None])
