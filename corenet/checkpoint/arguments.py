"""With which arguments a component was made, read from its attributes: each is kept under the argument's name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from inspect import Parameter as Argument
from inspect import signature
from typing import Any

from corenet.contracts.parameter import Parameter

PLACEMENT = ("device", "dtype")  # which the tensors of a file say themselves
POSITIONAL = (Argument.POSITIONAL_ONLY, Argument.VAR_POSITIONAL)


class NotKeptError(Exception):
    """A component does not tell with what it was made; the message has the argument, or what it is."""


def arguments_of(part: object, but: int = 0) -> dict[str, Any]:
    """Return by name what the constructor of ``part`` was given, without its first ``but`` arguments.

    An argument is kept in the attribute of its name with an underscore in front, or if there is none of its very name.
    A switch such as ``bias`` is on where a parameter is kept under its name, off where None is.

    Raises:
        NotKeptError: there is no such attribute.

    >>> import corenet as cn
    >>> arguments_of(cn.Linear(2, 3, bias=False))
    {'in_features': 2, 'out_features': 3, 'bias': False, 'init': 'uniform'}
    """
    found = {}
    for argument in [*_taken(type(part))][but:]:
        if hasattr(part, _kept_as(part, argument)):
            found[argument.name] = _given(argument, getattr(part, _kept_as(part, argument)))
        elif argument.name not in PLACEMENT:
            raise NotKeptError(f"keeps no argument {argument.name!r}: assign self.{argument.name} in __init__")
    return found


def kept_arguments(part: object) -> dict[str, Any]:
    """Return by name those arguments that ``part`` keeps.

    >>> import corenet as cn
    >>> class Net(cn.Module):
    ...     def __init__(self, width, p):
    ...         self.p = p
    >>> kept_arguments(Net(5, 0.5))
    {'p': 0.5}
    """
    found = {}
    with suppress(ValueError, TypeError):  # of a constructor that has no signature
        for argument in _taken(type(part)):
            with suppress(Exception):  # of a stranger's property
                found[argument.name] = _given(argument, getattr(part, _kept_as(part, argument)))
    return found


def called(cls: type, first: tuple[Any, ...], arguments: Mapping[str, Any]) -> Any:
    """Return ``cls(*first, ...)`` of the arguments that :func:`arguments_of` has read.

    >>> import corenet as cn
    >>> called(cn.Linear, (), {"in_features": 2, "out_features": 3})
    Linear(2 → 3)
    """
    by_name = dict(arguments)
    in_order = list(signature(cls).parameters.values())
    starred = [place for place, each in enumerate(in_order) if each.kind in POSITIONAL and each.name in by_name]
    args: list[Any] = []
    for each in in_order[len(first) : max(starred, default=-1) + 1]:
        value = by_name.pop(each.name)
        args.extend(value if each.kind is Argument.VAR_POSITIONAL else [value])
    return cls(*first, *args, **by_name)


def _taken(cls: type) -> Iterator[Argument]:
    """Yield what the constructor takes, and in the place of ``**options`` what that of the class above takes."""
    named: set[str] = set()
    for each in cls.__mro__:
        if each is object or "__init__" not in vars(each):
            continue
        taken = [*signature(vars(each)["__init__"]).parameters.values()][1:]
        own = [argument for argument in taken if argument.kind is not Argument.VAR_KEYWORD]
        yield from (argument for argument in own if argument.name not in named)
        named |= {argument.name for argument in own}
        if len(own) == len(taken):
            return


def _kept_as(part: object, argument: Argument) -> str:
    return f"_{argument.name}" if f"_{argument.name}" in vars(part) else argument.name


def _given(argument: Argument, value: Any) -> Any:
    """Return what an argument was, of whose attribute this is the value."""
    is_switch = isinstance(argument.default, bool) or argument.annotation in (bool, "bool")
    if isinstance(value, Parameter):
        if is_switch:
            return True
        raise NotKeptError(f"keeps no argument {argument.name!r}, whose attribute is a parameter")
    return False if value is None and is_switch else value
