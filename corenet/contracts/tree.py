"""The tree of modules and tensors: found by looking, never registered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, cast

import torch
from torch import Tensor

from corenet.contracts.parameter import Buffer, Parameter, gradient
from corenet.device import usable
from corenet.errors import DTypeError, ShapeError, StructureError

if TYPE_CHECKING:
    from corenet.contracts.module import Module

_PASSING = ("_saved", "_input_shape")  # what lives from a forward to its backward only
_CONTAINERS = (list, tuple, dict)


class Tree:
    """What a module is besides its mathematics: a node with parameters, buffers and modules below.

    They are what is assigned to its attributes, also in lists, tuples and dicts.
    """

    # The tree of modules and tensors.

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield ``(name, module)`` for the modules that this one holds directly."""
        return ((name, value) for name, value in self._members() if isinstance(value, Tree))  # type: ignore[misc]

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Yield ``(path, module)`` for this module and all below it, each once."""
        found: dict[int, tuple[str, Module]] = {}
        self._collect(prefix, found)
        return iter(found.values())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield ``(path, parameter)``, a shared one once, under its first name."""
        return ((name, value) for name, value in self.named_tensors() if isinstance(value, Parameter))

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield ``(path, tensor)`` for parameters and buffers, a shared one once, under its first name."""
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in module._members():
                if isinstance(value, (Parameter, Buffer)) and id(value) not in seen:
                    seen.add(id(value))
                    yield _join(path, name), value

    def parameters(self) -> list[Parameter]:
        """Return every parameter once, in the order of the modules.

        >>> import corenet as cn
        >>> [tuple(p.shape) for p in cn.Linear(2, 3).parameters()]
        [(3, 2), (3,)]
        """
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        for parameter in self.parameters():
            gradient(parameter).zero_()

    # State.

    def state_dict(self) -> dict[str, Tensor]:
        """Return a copy of every parameter and buffer, by path, as PyTorch names them."""
        return {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in self.named_tensors()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Copy ``state`` into the parameters and buffers; all of it or, on an error, nothing.

        Raises:
            StructureError: a name is missing or unknown.
            ShapeError, DTypeError: a tensor does not fit the one it replaces.
        """
        own = dict(self.named_tensors())
        if not (isinstance(state, Mapping) and all(isinstance(value, Tensor) for value in state.values())):
            raise StructureError(
                f"load_state_dict takes tensors by name, as state_dict() gives them, not {state!r:.80}"
            )
        if own.keys() != state.keys():
            missing = sorted(own.keys() - state.keys()) or "nothing"
            unknown = sorted(state.keys() - own.keys()) or "nothing"
            raise StructureError(f"the state does not fit {type(self).__name__}: missing {missing}, unknown {unknown}")
        for name, tensor in own.items():
            if state[name].shape != tensor.shape:
                raise ShapeError(f"{name!r}", state[name].shape, f"expected {tuple(tensor.shape)}")
            if state[name].dtype != tensor.dtype:
                raise DTypeError(
                    f"{name!r} is {tensor.dtype} and the state has {state[name].dtype}; convert one with .to()"
                )
        for name, tensor in own.items():
            tensor.copy_(state[name])

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move every parameter and buffer, and convert the floating ones; each stays the same object.

        Raises:
            DTypeError: ``dtype`` is not a floating-point one.
            DeviceError: there is no such device here; nothing was moved.
        """
        if isinstance(device, torch.dtype):
            raise DTypeError(f"to() takes the dtype by name: to(dtype={device})")
        if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
            raise DTypeError(f"a module needs a floating torch.dtype such as torch.float64, not {dtype!r}")
        device = usable(device)
        for _, tensor in self.named_tensors():
            wanted = dtype if tensor.is_floating_point() else None
            tensor.data = tensor.data.to(device=device, dtype=wanted)
            if tensor.grad is not None:
                # A new object: an optimizer sees by it that its flat tensor is left behind.
                moved = tensor.grad.to(device=device, dtype=wanted)
                tensor.grad = None
                tensor.grad = moved
        return self

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, Tensor) and value.requires_grad:
            raise StructureError(
                f"{type(self).__name__}.{name} requires grad, which corenet does not use; assign cn.Parameter(value)"
            )
        if type(value).__module__.startswith("torch.nn."):
            raise StructureError(
                f"{type(self).__name__}.{name} is torch.nn.{type(value).__name__}, whose gradient corenet cannot find"
            )
        # A plain tensor in the place of a parameter would silently never be trained again.
        current = self.__dict__.get(name)
        if isinstance(value, Tensor) and isinstance(current, Tensor) and value is not current:
            for kind in (Parameter, Buffer):
                if isinstance(current, kind) and not isinstance(value, kind):
                    raise StructureError(
                        f"{type(self).__name__}.{name} is a {kind.__name__}; write in place, "
                        f"self.{name}.copy_(value), or assign {kind.__name__}(value)"
                    )
        object.__setattr__(self, name, value)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for parameter in self.parameters():  # pickle leaves a tensor's .grad behind
            gradient(parameter)

    def _members(self) -> Iterator[tuple[str, object]]:
        return members(self)

    def _collect(self, path: str, found: dict[int, tuple[str, Module]]) -> None:
        found[id(self)] = path, cast("Module", self)
        for name, value in self._members():
            if isinstance(value, Tree) and id(value) not in found:
                value._collect(_join(path, name), found)


def members(part: object) -> Iterator[tuple[str, object]]:
    """Yield ``(name, value)`` for what a module or a loss holds, also in lists, tuples and dicts."""
    for name, value in vars(part).items():
        if name in _PASSING:
            continue
        if isinstance(value, _CONTAINERS):
            yield from _unpack(name, value)
        else:
            yield name, value


def _unpack(name: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield ``value`` under ``name``, or, of a container, each of its items."""
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _unpack(_join(name, str(index)), item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unpack(_join(name, str(key)), item)
    else:
        yield name, value


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
