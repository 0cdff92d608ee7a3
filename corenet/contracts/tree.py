"""The tree of modules and tensors: found by looking, never registered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, Self, TypeVar, cast

import torch
from torch import Tensor

from corenet.contracts.containers import flattened, join
from corenet.contracts.packed import PackedState
from corenet.contracts.parameter import Buffer, Parameter, gradient
from corenet.device import placement
from corenet.errors import DTypeError, ShapeError, StructureError

NodeT = TypeVar("NodeT")

# What lives until a backward only; what is found elsewhere.
_NO_MEMBERS = frozenset({"_saved", "_input_shape", "_have_gradients", "_repeats"})
_CONTAINERS = (list, tuple, dict)
_Node = tuple[str, "Tree[Any]", list[tuple[str, object]]]


class Tree(PackedState, Generic[NodeT]):
    """A node of a model, and all of it that is no mathematics: its parameters, its buffers, the nodes below.

    They are what is assigned to its attributes, also in lists, tuples and dicts.
    ``NodeT`` is the class of every node: a module is a ``Tree["Module"]``.
    """

    # The tree of modules and tensors.

    def named_members(self) -> Iterator[tuple[str, object]]:
        """Yield ``(name, value)`` for all that this node holds: its attributes, and the items of its containers.

        >>> import corenet as cn
        >>> [name for name, _ in cn.Linear(2, 3).named_members()][-2:]
        ['weight', 'bias']
        """
        return members(self)

    def children(self) -> Iterator[tuple[str, NodeT]]:
        """Yield ``(name, module)`` for the modules directly below this one."""
        return ((name, cast("NodeT", value)) for name, value in self.named_members() if isinstance(value, Tree))

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, NodeT]]:
        """Yield ``(path, module)`` for this module and all below it, each once."""
        found = [(path, node) for path, node, _ in self._nodes(prefix).values()]
        return iter(cast("Iterable[tuple[str, NodeT]]", found))

    def nodes(self) -> list[_Node]:
        """Return this module and all below it, each once: its path, itself, and its members by their names."""
        return [*self._nodes("").values()]

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield ``(path, parameter)``, a shared one once, under its first name."""
        return ((name, value) for name, value in self.named_tensors() if isinstance(value, Parameter))

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield ``(path, tensor)`` for parameters and buffers, a shared one once, under its first name."""
        seen: set[int] = set()
        for path, _, held in self._nodes("").values():
            for name, value in held:
                if not isinstance(value, Tensor):  # which is asked in no time
                    continue
                if isinstance(value, (Parameter, Buffer)) and id(value) not in seen:
                    seen.add(id(value))
                    yield join(path, name), value

    def parameters(self) -> list[Parameter]:
        """Return every parameter once, in the order of the modules.

        >>> import corenet as cn
        >>> [tuple(p.shape) for p in cn.Linear(2, 3).parameters()]
        [(3, 2), (3,)]
        """
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Set the gradient of every parameter to zero.

        ``set_to_none`` is accepted as in PyTorch and changes nothing: here a gradient is always a tensor.
        """
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
        _refuse_other_names(type(self).__name__, own, state)
        for name, tensor in own.items():
            _refuse_misfit(name, tensor, state[name])
        for name, tensor in own.items():
            tensor.copy_(state[name])

    def to(
        self, device: torch.device | str | int | torch.dtype | None = None, dtype: torch.dtype | None = None
    ) -> Self:
        """Move every parameter and buffer, and convert the floating ones; each stays the same object.

        As in PyTorch: ``to("cuda")``, ``to(torch.float64)``, ``to("cuda", torch.float64)``, or by name.

        Raises:
            DTypeError: ``dtype`` is not a floating-point one.
            DeviceError: there is no such device here; nothing was moved.

        >>> import corenet as cn
        >>> cn.Linear(2, 1).to(torch.float64).weight.dtype
        torch.float64
        """
        device, dtype = placement(device, dtype)
        with torch.inference_mode(False):  # parameters that inference mode makes could never be trained
            for _, tensor in self.named_tensors():
                _move(tensor, device, dtype if tensor.is_floating_point() else None)
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
        super().__setstate__(state)
        for parameter in self.parameters():  # pickle leaves a tensor's .grad behind
            gradient(parameter)

    def _nodes(self, path: str) -> dict[int, _Node]:
        """Return this node and all below it, each once, by its id: its path, itself, and its members."""
        found: dict[int, _Node] = {}
        self._collect(path, found)
        return found

    def _collect(self, path: str, found: dict[int, _Node]) -> None:
        held = [*self.named_members()]
        found[id(self)] = path, self, held
        for name, value in held:
            if isinstance(value, Tree) and id(value) not in found:
                value._collect(join(path, name), found)


def members(owner: object) -> Iterator[tuple[str, object]]:
    """Yield ``(name, value)`` for the attributes of a module or a loss, and for the items of its containers.

    >>> import corenet as cn
    >>> [name for name, _ in members(cn.Sequential(cn.ReLU(), cn.Tanh()))]
    ['_modules.0', '_modules.1']
    """
    for name, value in vars(owner).items():
        if name in _NO_MEMBERS:
            continue
        if isinstance(value, _CONTAINERS):
            yield from flattened(name, value)
        else:
            yield name, value


def refuse_tensors_of_class(cls: type) -> None:
    """Raise if a class holds a parameter or a buffer itself: it would be in no instance."""
    for name, value in vars(cls).items():
        if isinstance(value, (Parameter, Buffer)):
            raise StructureError(
                f"{cls.__name__}.{name} belongs to the class, so no instance would train it; assign it in __init__"
            )


def _move(tensor: Tensor, device: torch.device | None, dtype: torch.dtype | None) -> None:
    tensor.data = tensor.data.to(device=device, dtype=dtype)
    if tensor.grad is not None:
        # A new object: an optimizer sees by it that its flat tensor is left behind.
        moved = tensor.grad.to(device=device, dtype=dtype)
        tensor.grad = None
        tensor.grad = moved


def _refuse_other_names(owner: str, own: Mapping[str, Tensor], state: object) -> None:
    if not (isinstance(state, Mapping) and all(isinstance(value, Tensor) for value in state.values())):
        raise StructureError(f"load_state_dict takes tensors by name, as state_dict() gives them, not {state!r:.80}")
    if own.keys() != state.keys():
        missing = sorted(own.keys() - state.keys()) or "nothing"
        unknown = sorted(state.keys() - own.keys()) or "nothing"
        raise StructureError(f"the state does not fit {owner}: missing {missing}, unknown {unknown}")


def _refuse_misfit(name: str, own: Tensor, other: Tensor) -> None:
    if other.shape != own.shape:
        raise ShapeError(f"{name!r}", other.shape, f"expected {tuple(own.shape)}")
    if other.dtype != own.dtype:
        raise DTypeError(f"{name!r} is {own.dtype} and the state has {other.dtype}; convert one with .to()")
