"""A component in words: its name and its arguments, in JSON, and the component built again from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from corenet.checkpoint.arguments import NotKeptError, arguments_of, called
from corenet.contracts.initializer import Initializer
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.parameter import Parameter
from corenet.contracts.schedule import Schedule
from corenet.contracts.sequential import Sequential
from corenet.registry.spec import Kind

KINDS: dict[Kind, type] = {"module": Module, "loss": Loss, "schedule": Schedule, "initializer": Initializer}
DTYPES = {str(each).removeprefix("torch."): each for each in vars(torch).values() if isinstance(each, torch.dtype)}
Named = Callable[[type], str | None]


class Describer:
    """Describes components; ``named`` gives the name of a class, or None if it is no component.

    The tensors among the arguments are kept in ``tensors``, by the names that the description has of them, the classes
    of all that was described in ``classes``.

    >>> import corenet as cn
    >>> Describer({cn.Dropout: "corenet:dropout"}.get).component(cn.Dropout(0.25))
    {'module': 'corenet:dropout', 'arguments': {'p': 0.25}}
    """

    def __init__(self, named: Named) -> None:
        self._named = named
        self._seen: set[int] = set()
        self.tensors: dict[str, Tensor] = {}
        self.classes: list[type] = []

    def component(self, part: Any, path: str = "") -> dict[str, Any]:
        """Return the description of a module, a loss, a schedule or an initializer.

        Raises:
            NotKeptError: it cannot be described: it is no component, or does not keep an argument.
        """
        if id(part) in self._seen and isinstance(part, (Module, Loss)):
            raise NotKeptError(f"{_where(part, path)} is there twice, which no description can say")
        self._seen.add(id(part))
        if type(part) is Sequential:
            return {"sequential": [self.component(each, _joined(path, index)) for index, each in enumerate(part)]}
        kind = next(kind for kind, contract in KINDS.items() if isinstance(part, contract))
        return {kind: self.name(part, path), "arguments": self.arguments(part, path)}

    def name(self, part: object, path: str = "") -> str:
        """Return the name of a component's class."""
        name = self._named(type(part))
        if name is None:
            raise NotKeptError(f"{_where(part, path)} is no component of an installed distribution")
        self.classes.append(type(part))
        return name

    def arguments(self, part: object, path: str = "", but: int = 0) -> dict[str, Any]:
        """Return the arguments of a component, without the first ``but``, as JSON holds them."""
        try:
            found = arguments_of(part, but)
        except NotKeptError as error:
            raise NotKeptError(f"{_where(part, path)} {error}") from None
        return {name: self.value(value, _joined(path, name)) for name, value in found.items()}

    def value(self, value: Any, path: str) -> Any:
        """Return an argument as JSON: what JSON does not have is a table of one entry that names its type."""
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, Integral):
            return int(value)
        if isinstance(value, Real):
            return float(value) if isfinite(value) else {"float": repr(float(value))}
        if type(value) is list:
            return [self.value(each, _joined(path, index)) for index, each in enumerate(value)]
        if type(value) in (tuple, torch.Size):
            return {"tuple": [self.value(each, _joined(path, index)) for index, each in enumerate(value)]}
        if type(value) is dict:
            pairs = [[self.value(each, path) for each in pair] for pair in value.items()]
            return {"dict": pairs}
        if isinstance(value, torch.dtype):
            return {"dtype": str(value).removeprefix("torch.")}
        if isinstance(value, torch.device):
            return {"device": str(value)}
        if isinstance(value, Tensor) and not isinstance(value, Parameter):
            return {"tensor": self._kept(value)}
        if isinstance(value, tuple(KINDS.values())):
            return self.component(value, path)
        raise NotKeptError(f"{path or 'a value'} is a {type(value).__name__}, which a file cannot hold")

    def _kept(self, tensor: Tensor) -> str:
        name = str(len(self.tensors))
        self.tensors[name] = tensor.detach().clone(memory_format=torch.contiguous_format)
        return name


class Builder:
    """Builds what was described; ``found`` gives the class of a kind and a name, ``tensors`` those of arguments.

    The components that it has built are in ``made``, those that are arguments of others too.

    >>> import corenet as cn
    >>> Builder(cn.get, {}).component({"module": "corenet:dropout", "arguments": {"p": 0.25}})
    Dropout(0.25)
    """

    def __init__(self, found: Callable[[Any, str], type], tensors: Mapping[str, Tensor]) -> None:
        self._found = found
        self._tensors = tensors
        self._given: set[str] = set()
        self.made: list[Any] = []

    def component(self, described: Any) -> Any:
        """Return a new component.

        Raises:
            ValueError: this is no description; and what the constructor raises.
        """
        if _is_table(described, "sequential") and isinstance(described["sequential"], list):
            return Sequential(*map(self.component, described["sequential"]))
        for kind in KINDS:
            if _is_table(described, kind, "arguments") and isinstance(described[kind], str):
                cls = self._found(kind, described[kind])
                self.made.append(called(cls, (), self.arguments(described["arguments"])))
                return self.made[-1]
        raise ValueError(f"{str(described)[:80]!r} describes no component")

    def arguments(self, described: Any) -> dict[str, Any]:
        """Return arguments by name."""
        if type(described) is not dict:
            raise ValueError(f"{str(described)[:80]!r} are no arguments")
        return {name: self.value(each) for name, each in described.items()}

    def value(self, described: Any) -> Any:
        """Return the value of an argument."""
        if isinstance(described, list):
            return list(map(self.value, described))
        if not isinstance(described, dict):
            return described
        if len(described) == 1:
            ((form, value),) = described.items()
            if form in _FORMS:
                return _FORMS[form](self, value)
        return self.component(described)

    def tensor(self, name: Any) -> Tensor:
        """Return a copy of a tensor among the arguments; each is there once, or a short list could fill the memory."""
        if name in self._given:
            raise ValueError(f"the tensor {name!r} is there twice")
        self._given.add(name)
        return self._tensors[name].clone()


def _float(_: Builder, text: Any) -> float:
    if text not in ("nan", "inf", "-inf"):
        raise ValueError(f"{str(text)[:80]!r} is no number")
    return float(text)


def _dict(builder: Builder, pairs: Any) -> dict[Any, Any]:
    return {builder.value(name): builder.value(value) for name, value in pairs}


_FORMS: dict[str, Callable[[Builder, Any], Any]] = {
    "float": _float,
    "tuple": lambda builder, items: tuple(map(builder.value, items)),
    "dict": _dict,
    "dtype": lambda _, name: DTYPES[name],
    "device": lambda _, name: torch.device(name),
    "tensor": Builder.tensor,
}


def _is_table(value: Any, *names: str) -> bool:
    return isinstance(value, dict) and value.keys() == set(names)


def _joined(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _where(part: object, path: str) -> str:
    return f"{path}, {type(part).__name__}," if path else type(part).__name__
