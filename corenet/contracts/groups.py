"""Groups of parameters, each with hyper-parameters of its own, by PyTorch's convention."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter as Argument
from inspect import signature
from typing import Any
from weakref import ref

import torch
from torch import Tensor

from corenet.contracts.numbers import non_negative
from corenet.contracts.parameter import Parameter
from corenet.errors import ConfigError, StructureError, did_you_mean

Parameters = Iterable[Tensor] | Iterable[Mapping[str, Any]]
OF_ALL = ("max_grad_norm", "schedule")
_NAMED = (Argument.POSITIONAL_OR_KEYWORD, Argument.KEYWORD_ONLY)


class Group(UserDict[str, Any]):
    """Parameters that are trained alike: ``params``, and each hyper-parameter of which the group has its own value.

    What it does not name is the optimizer's, of which it is read too. A value may be assigned at any time,
    ``optimizer.groups[1]["lr"] *= 0.1``.

    Raises:
        ConfigError: ``kind``, the class of the optimizer, has no such hyper-parameter, or would refuse the value.
    """

    def __init__(self, kind: type, params: Sequence[Tensor], own: Mapping[str, Any]) -> None:
        self._kind = kind
        self._owner: Callable[[], Any] = _nobody
        super().__init__()
        self.data["params"] = tuple(params)
        self.update(own)

    def belong_to(self, optimizer: Any) -> None:
        """Read of ``optimizer`` what the group does not name, and let it judge what the group is given."""
        self._owner = ref(optimizer)

    def __setitem__(self, name: str, value: Any) -> None:
        _refuse_unknown(self._kind, name)
        owner = self._owner()
        if owner is not None:
            values = {each: self[each] for each in hyperparameters(self._kind) if hasattr(owner, each)}
            made = self._kind([Parameter(torch.zeros(1))], **{**values, name: value})
            value = getattr(made, name)
        self.data[name] = non_negative(name, value) if name == "lr" else value

    def __missing__(self, name: str) -> Any:
        _refuse_unknown(self._kind, name)
        return getattr(self._owner(), name)

    def __delitem__(self, name: str) -> None:
        if name == "params":
            raise StructureError("a group keeps its params")
        del self.data[name]

    @property
    def own(self) -> dict[str, Any]:
        """The hyper-parameters that it has a value of."""
        return {name: value for name, value in self.data.items() if name != "params"}


def _nobody() -> None:
    """Return the optimizer of a group that belongs to none yet."""


def groups_of(parameters: Parameters, kind: type) -> list[Group]:
    """Return what an optimizer of class ``kind`` is given as groups; parameters without any are one group.

    Raises:
        StructureError: there is no parameter, one that is not a Parameter, or one that is given twice; a group has no
            ``params``.
        ConfigError: a group names a hyper-parameter that ``kind`` does not have.

    >>> import corenet as cn
    >>> layer = cn.Linear(2, 1)
    >>> [group.own for group in groups_of([{"params": layer.weight}, {"params": layer.bias, "lr": 0.01}], cn.SGD)]
    [{}, {'lr': 0.01}]
    """
    if isinstance(parameters, Tensor):
        raise StructureError("an optimizer takes an iterable of parameters: model.parameters(), or [parameter]")
    if not isinstance(parameters, Iterable):
        raise StructureError(f"an optimizer takes model.parameters(), not {parameters!r:.80}")
    given = tuple(parameters)
    if any(isinstance(each, Mapping) for each in given):
        groups = [_group(place, each, kind) for place, each in enumerate(given)]
    else:
        groups = [Group(kind, given, {})]  # type: ignore[arg-type]  # they are looked at below
    _refuse_wrong_parameters(groups)
    return groups


def grouped(init: Callable[..., None]) -> Callable[..., None]:
    """Return the constructor ``init`` of an optimizer, which first makes one of each group, with the group's values.

    So what it refuses it refuses of a group too, and what it makes of a value is what the group has.
    """

    @wraps(init)
    def constructor(self: Any, *given: Any, **options: Any) -> None:
        if type(self).__init__ is not constructor or first is None:
            init(self, *given, **options)  # called by that of a class derived from this one
            return
        try:
            bound = signature(init).bind(self, *given, **options)
        except TypeError:
            init(self, *given, **options)  # which names an unknown argument before a missing one
            raise
        if first in bound.arguments:
            bound.arguments[first] = _tried(type(self), first, _by_name(init, bound.arguments))
        init(*bound.args, **bound.kwargs)

    named = [each.name for each in [*signature(init).parameters.values()][1:2] if each.kind in _NAMED]
    first = named[0] if named else None
    return constructor


@contextmanager
def having(owner: object, values: Mapping[str, Any]) -> Iterator[None]:
    """Let attributes have these values for a while.

    >>> from types import SimpleNamespace
    >>> optimizer = SimpleNamespace(lr=0.1)
    >>> with having(optimizer, {"lr": 0.01}):
    ...     print(optimizer.lr)
    0.01
    >>> optimizer.lr
    0.1
    """
    kept = {name: getattr(owner, name) for name in values if hasattr(owner, name)}
    try:
        for name, value in values.items():
            setattr(owner, name, value)
        yield
    finally:
        for name in values:
            if name in kept:
                setattr(owner, name, kept[name])
            elif name in vars(owner):
                delattr(owner, name)


def hyperparameters(kind: type) -> list[str]:
    """Return what a group may set of an optimizer of class ``kind``: what the constructor takes by name.

    >>> import corenet as cn
    >>> hyperparameters(cn.SGD)[:3]
    ['lr', 'momentum', 'dampening']
    """
    found: dict[str, None] = {}
    for each in kind.__mro__:
        if "__init__" in vars(each):
            taken = [*signature(vars(each)["__init__"]).parameters.values()][2:]  # but self and the parameters
            found |= {argument.name: None for argument in taken if argument.kind in _NAMED}
            if all(argument.kind is not Argument.VAR_KEYWORD for argument in taken):
                break  # else the class that it is derived from takes the rest
    return [name for name in found if name not in OF_ALL]


def _refuse_unknown(kind: type, name: str) -> None:
    known = hyperparameters(kind)
    if name in OF_ALL:
        raise ConfigError(f"{name} is of all groups together: give it to {kind.__name__} itself", name=name)
    if name not in known:
        text = f"{kind.__name__} has no hyper-parameter {name!r}{did_you_mean(name, known)}"
        raise ConfigError(f"{text}; a group may set {', '.join(known)}", name=name)


def _group(place: int, given: object, kind: type) -> Group:
    if not isinstance(given, Mapping):
        raise StructureError(f"group {place} is a {type(given).__name__}; give a dict with 'params' for each group")
    if "params" not in given:
        found = did_you_mean("params", map(str, given))
        raise StructureError(f"group {place} has no 'params'{found}; it has {', '.join(map(repr, given)) or 'nothing'}")
    params = given["params"]
    own = {name: value for name, value in given.items() if name != "params"}
    return Group(kind, [params] if isinstance(params, Tensor) else tuple(params), own)


def _refuse_wrong_parameters(groups: Sequence[Group]) -> None:
    if not any(group["params"] for group in groups):
        raise StructureError("an optimizer needs at least one parameter; model.parameters() gave none")
    found: dict[int, int] = {}
    for place, group in enumerate(groups):
        of = f" of group {place}" if len(groups) > 1 else ""
        for index, parameter in enumerate(group["params"]):
            if not isinstance(parameter, Parameter):
                raise StructureError(f"parameter {index}{of} is a {type(parameter).__name__}, not a Parameter")
            if found.setdefault(id(parameter), place) != place:
                raise StructureError(f"parameter {index}{of} is in group {found[id(parameter)]} too; give it to one")
    if len(found) < sum(len(group["params"]) for group in groups):
        raise StructureError("the same parameter was given twice; model.parameters() gives each once")


def _by_name(init: Callable[..., None], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a constructor but ``self``, those of ``**options`` among them."""
    _, *named = signature(init).parameters.values()
    found = {each.name: arguments[each.name] for each in named if each.name in arguments}
    for each in named:
        if each.kind is Argument.VAR_KEYWORD:
            found |= found.pop(each.name, {})
    return found


def _tried(kind: type, first: str, arguments: Mapping[str, Any]) -> Sequence[Any]:
    """Return the groups, or the parameters of the only one, after an optimizer was made of each that has own values."""
    groups = groups_of(arguments[first], kind)
    for group in groups:
        if own := group.own:
            made = kind(**{**arguments, first: group["params"], **own})
            for name in own:
                if not hasattr(made, name):
                    text = f"a group cannot set {name}: {kind.__name__} does not keep it as self.{name}"
                    raise ConfigError(text, name=name)
                group[name] = getattr(made, name)
    return groups if len(groups) > 1 or groups[0].own else groups[0]["params"]
