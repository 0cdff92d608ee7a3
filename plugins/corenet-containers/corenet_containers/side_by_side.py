"""Modules side by side: on one input, or each on an input of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import corenet as cn
from torch import Tensor

from corenet_containers.drawing import normal
from corenet_containers.joining import Concat
from corenet_containers.parts import listed, located, only_output, refuse_unfit


class Parallel(cn.Module):
    r"""Several modules on the same input: ``y₁, …, yₖ = f₁(x), …, fₖ(x)``, such as the heads of a model.

    With ``dyᵢ = ∂L/∂yᵢ``, what x changes in each output adds up::

        dx = Σᵢ fᵢ′(x)ᵀ dyᵢ

    Of several inputs each module takes all. With ``Sequential(Parallel(…), Concat())`` the outputs become one.

    Args:
        branches: f₁, …, fₖ, each with one output.

    Shape: ``(*) -> (*₁), …, (*ₖ)``, a tuple with an output for each module.

    Raises:
        StructureError: an argument is no module, one occurs twice, there is none, or one gives several outputs.

    >>> import torch
    >>> heads = Parallel(cn.ReLU(), cn.Dropout(1.0))
    >>> heads(torch.tensor([2.0, -1.0]))
    (tensor([2., 0.]), tensor([0., 0.]))
    >>> heads.backward(torch.tensor([3.0, 3.0]), torch.tensor([5.0, 5.0]))
    tensor([3., 0.])

    Reference: R. Caruana, "Multitask learning", Machine Learning 28, 1997, for several heads on one trunk.
    """

    def __init__(self, *branches: cn.Module) -> None:
        refuse_unfit("Parallel", branches)
        self.branches = branches

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: several modules, one, and several inputs."""
        chain = cn.Sequential(cn.Linear(3, 4), cn.Tanh())
        return [
            cn.Case(args=(cn.Linear(3, 2), chain, cn.Dropout(0.3)), shape=(5, 3)),
            cn.Case(args=(chain,), shape=(2, 2, 3)),
            cn.Case(args=(Concat(0), Concat(1)), inputs=normal((4, 2), (4, 2))),
        ]

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        outputs = []
        for place, module in enumerate(self.branches):
            with located(f"Parallel[{place}]"):
                outputs.append(only_output(f"Parallel[{place}]", module(*inputs)))
        return tuple(outputs)

    def backward(self, *grad_outputs: Tensor) -> Any:
        pairs = zip(self.branches, grad_outputs, strict=True)
        return added([module.backward(grad_output) for module, grad_output in pairs])  # dx = Σᵢ fᵢ′ᵀ dyᵢ

    def backward_parameters(self, *grad_outputs: Tensor) -> None:
        for module, grad_output in zip(self.branches, grad_outputs, strict=True):
            module.backward_parameters(grad_output)

    def __repr__(self) -> str:
        return listed("Parallel", self.branches)


class Branches(cn.Module):
    r"""Several modules, each on an input of its own: ``y₁, …, yₖ = f₁(x₁), …, fₖ(xₖ)``.

    With ``dyᵢ = ∂L/∂yᵢ`` each has its own derivative::

        dxᵢ = fᵢ′(xᵢ)ᵀ dyᵢ

    Args:
        branches: f₁, …, fₖ, each with one input and one output.

    Shape: ``(*₁), …, (*ₖ) -> (*₁′), …, (*ₖ′)``, as many outputs as inputs; one output of one alone is a tuple still.

    Raises:
        StructureError: an argument is no module, one occurs twice, there is none, one gives several outputs, or there
            are more or fewer inputs than modules.

    >>> import torch
    >>> towers = Branches(cn.ReLU(), cn.Tanh())
    >>> towers(torch.tensor([-1.0]), torch.tensor([0.0, 1.0]))
    (tensor([0.]), tensor([0.0000, 0.7616]))
    >>> towers.backward(torch.tensor([1.0]), torch.tensor([1.0, 1.0]))
    (tensor([0.]), tensor([1.0000, 0.4200]))

    Reference: J. Bromley et al., "Signature verification using a 'Siamese' time delay neural network", NIPS 1993, for
    networks side by side, joined at the end.
    """

    def __init__(self, *branches: cn.Module) -> None:
        refuse_unfit("Branches", branches)
        self.branches = branches

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: several modules, and one."""
        chain = cn.Sequential(cn.Linear(2, 4), cn.Tanh())
        return [
            cn.Case(args=(cn.Linear(3, 2), chain), inputs=normal((5, 3), (5, 2))),
            cn.Case(args=(chain, cn.Linear(3, 1)), inputs=normal((2, 2, 2), (4, 3))),
            cn.Case(args=(chain,), shape=(3, 2)),
        ]

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        outputs = []
        for place, (module, input) in enumerate(zip(self.branches, inputs, strict=True)):
            with located(f"Branches[{place}]"):
                outputs.append(only_output(f"Branches[{place}]", module(input)))
        return tuple(outputs)

    def backward(self, *grad_outputs: Tensor) -> Any:
        pairs = zip(self.branches, grad_outputs, strict=True)
        gradients = tuple([module.backward(grad_output) for module, grad_output in pairs])  # dxᵢ = fᵢ′ᵀ dyᵢ
        return gradients if len(gradients) > 1 else gradients[0]

    def backward_parameters(self, *grad_outputs: Tensor) -> None:
        for module, grad_output in zip(self.branches, grad_outputs, strict=True):
            module.backward_parameters(grad_output)

    def check(self, *inputs: Tensor) -> None:
        if len(inputs) != len(self.branches):
            raise cn.StructureError(
                f"Branches of {len(self.branches)} modules takes an input for each, got {len(inputs)}"
            )

    def __repr__(self) -> str:
        return listed("Branches", self.branches)


def added(gradients: Sequence[Any]) -> Any:
    """Return the sum of gradients; of tuples place by place, and None where an input of integers has none.

    >>> import torch
    >>> added([(torch.tensor(1.0), None), (torch.tensor(2.0), None)])
    (tensor(3.), None)
    """
    first, *others = gradients
    if isinstance(first, tuple):
        return tuple([added(each) for each in zip(*gradients, strict=True)])
    return None if first is None else sum(others, start=first)
