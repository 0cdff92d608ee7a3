"""One module, several times."""

from __future__ import annotations

from numbers import Integral

import corenet as cn
from torch import Tensor

from corenet_containers.parts import located, only_output, refuse_unfit


class Repeat(cn.Module):
    r"""One module applied k times, with the same parameters each time: ``y = f(f(… f(x)))``.

    With ``xᵢ = f(xᵢ₋₁)``, ``x₀ = x`` and ``y = xₖ``, from the last time to the first::

        dxᵢ₋₁ = f′(xᵢ₋₁)ᵀ dxᵢ        dW = Σᵢ (∂f/∂W at xᵢ₋₁)ᵀ dxᵢ

    Args:
        module: f, whose output it can take as input again.
        times: k, at least 1.

    Shape: that of ``f``, unchanged.

    Raises:
        StructureError: ``module`` is no module, or gives several outputs.
        ConfigError: ``times`` is no positive integer.

    >>> import torch
    >>> linear = cn.Linear(1, 1, bias=False)
    >>> _ = linear.weight.fill_(3)
    >>> repeat = Repeat(linear, 2)
    >>> repeat(torch.tensor([1.0]))
    tensor([9.])
    >>> repeat.backward(torch.tensor([1.0]))  # of y = w² x
    tensor([9.])
    >>> linear.weight.grad
    tensor([[6.]])

    Reference: M. Dehghani et al., "Universal transformers", ICLR 2019, where a block is repeated so.
    """

    def __init__(self, module: cn.Module, times: int) -> None:
        refuse_unfit("Repeat", [module])
        _refuse_count(times)
        self.module = self.repeat(module)
        self.times = times

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: once, and several times."""
        return [
            cn.Case({"module": cn.Sequential(cn.Linear(3, 3), cn.Tanh()), "times": times}, shape)
            for times, shape in ((1, (5, 3)), (2, (2, 2, 3)), (3, (4, 3)))
        ]

    def forward(self, input: Tensor) -> Tensor:
        self.save()
        with located("Repeat"):
            for _ in range(self.times):
                input = only_output("Repeat.module", self.module(input))
        return input

    def backward(self, grad_output: Tensor) -> Tensor:
        self.saved()
        for _ in range(self.times):
            grad_output = self.module.backward(grad_output)
        return grad_output

    def backward_parameters(self, grad_output: Tensor) -> None:
        self.saved()
        for _ in range(self.times - 1):
            grad_output = self.module.backward(grad_output)
        self.module.backward_parameters(grad_output)

    def __repr__(self) -> str:
        return f"Repeat({self.times} × {self.module!r})"


def _refuse_count(times: object) -> None:
    if not isinstance(times, Integral) or isinstance(times, bool) or times < 1:
        raise cn.ConfigError(f"Repeat: times must be an integer ≥ 1, not {times!r}", name="times", value=times)
