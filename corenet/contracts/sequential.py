"""A chain of modules, and the chain rule along it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.parameter import Parameter
from corenet.contracts.sequential_html import as_html
from corenet.contracts.several import Tensors, each_of
from corenet.errors import ShapeError, StructureError


class Sequential(Module):
    r"""Composition ``f = fₖ ∘ … ∘ f₂ ∘ f₁`` of modules, itself a module.

    ``forward`` applies them from first to last, ``backward`` the derivatives from
    last to first: ``∂L/∂xᵢ₋₁ = fᵢ′(xᵢ₋₁)ᵀ ∂L/∂xᵢ``.

    ``model[i]`` is the module at a place, ``model[i:j]`` a chain of the same modules,
    numbered from 0: what one of the two chains trains, the other has.

    Shape: the first module's input, or inputs, to the last one's output. Several outputs of a module are the inputs
    of the next.

    Raises:
        StructureError: an argument is not a module, or one instance occurs twice.
        ShapeError: a module cannot take what the one before it gives; names both.

    >>> import corenet as cn, torch
    >>> model = cn.Sequential(cn.Linear(2, 25), cn.ReLU(), cn.Linear(25, 1))
    >>> model(torch.zeros(100, 2)).shape
    torch.Size([100, 1])
    >>> model
    Sequential(
      [0] Linear(2 → 25)
      [1] ReLU()
      [2] Linear(25 → 1)
    )
    >>> model[1:][-1] is model[2]
    True
    """

    def __init__(self, *modules: Module) -> None:
        _refuse_unfit(modules)
        self._modules = modules

    def forward(self, *inputs: Tensor) -> Tensors:
        values: Tensors = inputs if len(inputs) > 1 else inputs[0]
        for index, module in enumerate(self._modules):
            try:
                values = module(*values) if isinstance(values, tuple) else module(values)
            except ShapeError as error:
                raise self._locate(error, index) from None
        return values

    def backward(self, *grad_outputs: Tensor, input_gradient: bool = True) -> Tensors:
        """Propagate ``grad_outputs`` back through every module.

        With ``input_gradient=False`` the first module that has parameters to train does only their half of its
        backward, those before it do none, and what is returned is the gradient of that module's output.
        """
        gradients: Tensors = grad_outputs if len(grad_outputs) > 1 else grad_outputs[0]
        if not self._modules:
            return gradients
        start = 0 if input_gradient else first_trained(self._modules)
        for module in self._modules[:start]:
            module.forget()
        for module in self._modules[:start:-1]:
            gradients = module.backward(*gradients) if isinstance(gradients, tuple) else module.backward(gradients)
        if input_gradient:
            whole: Tensors = self._modules[0].backward(*each_of(gradients))
            return whole
        if start < len(self):
            self._modules[start].backward_parameters(*each_of(gradients))
        return gradients

    def backward_parameters(self, *grad_outputs: Tensor) -> None:
        self.backward(*grad_outputs, input_gradient=False)

    def named_members(self) -> Iterator[tuple[str, object]]:
        return ((name.removeprefix("_modules."), value) for name, value in super().named_members())  # PyTorch's keys

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module:
        if not isinstance(index, slice):
            return self._at(index)
        chain = Sequential(*self._modules[index])
        chain.training = self.training
        return chain

    def _at(self, index: int) -> Module:
        try:
            return self._modules[index]
        except IndexError:
            raise IndexError(f"Sequential has {len(self)} modules, none at index {index}") from None
        except TypeError:
            raise TypeError(f"Sequential takes an integer or a slice as index, not {index!r}") from None

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules)

    def __repr__(self) -> str:
        if not self._modules:
            return "Sequential()"
        lines = (f"[{index}] {module!r}".replace("\n", "\n  ") for index, module in enumerate(self))
        return "Sequential(\n  " + "\n  ".join(lines) + "\n)"

    def _repr_html_(self) -> str:
        return as_html(self)

    def _locate(self, error: ShapeError, index: int) -> ShapeError:
        """Return ``error`` with this container in it, and the module that the input came from."""
        source = error.source
        if source is None and index > 0:
            source = f"[{index - 1}] {label(self[index - 1])}"
        return ShapeError(f"Sequential[{index}] {error.component}", error.shape, error.expected, source=source)


def first_trained(modules: Sequence[Module]) -> int:
    """Return the place of the first module with parameters to train; how many modules there are, if none has any.

    The gradients of what is before it nobody needs.

    >>> import corenet as cn
    >>> first_trained([cn.Flatten(), cn.Linear(2, 3).freeze(), cn.Linear(3, 1), cn.Linear(1, 1)])
    2
    """
    places = (place for place, each in enumerate(modules) if not each.frozen and _has_parameters(each))
    return next(places, len(modules))


def _has_parameters(module: Module) -> bool:
    for value in vars(module).values():  # where most have theirs; asked in each step, so the costly look comes last
        if type(value) is Tensor and isinstance(value, Parameter):
            return True
    return bool(module.parameters())


def label(part: object) -> str:
    """Return the name of a module or a loss in one line: its repr, of a container the class alone."""
    return repr(part).partition("\n")[0].removesuffix("(")


def _refuse_unfit(modules: tuple[Module, ...]) -> None:
    seen: set[int] = set()
    for index, module in enumerate(modules):
        if not isinstance(module, Module):
            hint = f"; write {module.__name__}()" if isinstance(module, type) else ""
            raise StructureError(f"Sequential[{index}] is {module!r}, not a Module{hint}")
        for path, each in module.named_modules():
            if id(each) in seen:
                raise StructureError(
                    f"{label(each)} at Sequential[{index}]{'.' if path else ''}{path} occurs twice: the second "
                    "forward would overwrite what the first saved; make a second one, and tie weights with "
                    "b.weight = a.weight"
                )
            seen.add(id(each))
