"""A module beside a way around it."""

from __future__ import annotations

import corenet as cn
from torch import Tensor

from corenet_containers.parts import listed, located, only_output, refuse_unfit


class Residual(cn.Module):
    r"""A module and a way around it: ``y = s(x) + f(x)``, where s is the identity unless a shortcut is given.

    With ``dy = ∂L/∂y``, the derivatives of both ways add up::

        dx = s′(x)ᵀ dy + f′(x)ᵀ dy        and of the identity  s′(x)ᵀ dy = dy

    Args:
        module: f.
        shortcut: s, for one a linear map where f changes the width; None for the identity.

    Shape: that of ``f``; ``s(x)`` and ``f(x)`` have one shape, without broadcasting.

    Raises:
        StructureError: an argument is no module, both are one, or one gives several outputs.
        ShapeError: ``f(x)`` has another shape than ``s(x)``.

    >>> import torch
    >>> residual = Residual(cn.ReLU())
    >>> residual(torch.tensor([1.0, -2.0]))
    tensor([ 2., -2.])
    >>> residual.backward(torch.tensor([1.0, 1.0]))
    tensor([2., 1.])

    Reference: K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016.
    """

    def __init__(self, module: cn.Module, shortcut: cn.Module | None = None) -> None:
        refuse_unfit("Residual", [module] if shortcut is None else [module, shortcut])
        self.module = module
        self.shortcut = shortcut

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: around one module, a chain, and with a shortcut."""
        return [
            cn.Case({"module": cn.Linear(3, 3)}, (5, 3)),
            cn.Case({"module": cn.Sequential(cn.Linear(3, 4), cn.Tanh(), cn.Linear(4, 3))}, (2, 2, 3)),
            cn.Case({"module": cn.Linear(3, 2), "shortcut": cn.Linear(3, 2, bias=False)}, (4, 3)),
        ]

    def forward(self, input: Tensor) -> Tensor:
        with located("Residual"):
            output = only_output("Residual.module", self.module(input))
            around = input if self.shortcut is None else only_output("Residual.shortcut", self.shortcut(input))
        if output.shape != around.shape:
            expected = f"expected the shape {tuple(around.shape)} of what is added to it; give a shortcut=Module"
            raise cn.ShapeError("Residual: the output of its module", output.shape, expected)
        return around + output

    def backward(self, grad_output: Tensor) -> Tensor:
        around: Tensor = grad_output if self.shortcut is None else self.shortcut.backward(grad_output)
        through: Tensor = self.module.backward(grad_output)
        return around + through  # dx = s′ᵀ dy + f′ᵀ dy

    def backward_parameters(self, grad_output: Tensor) -> None:
        self.module.backward_parameters(grad_output)
        if self.shortcut is not None:
            self.shortcut.backward_parameters(grad_output)

    def __repr__(self) -> str:
        return listed("Residual", [self.module] if self.shortcut is None else [self.module, self.shortcut])
