"""The arguments of a component's constructor: names, types, defaults and descriptions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from corenet.registry.sanitize import plain

ABSENT = inspect.Parameter.empty
MODULES = ("typing.", "collections.abc.")


@dataclass(frozen=True)
class Argument:
    """An argument of a constructor.

    ``hint`` is its type, or the text of one that cannot be resolved; ``hint`` and ``default`` may be ``ABSENT``.

    >>> str(Argument("bias", bool, True, "whether to add b"))
    'bias: bool = True'
    """

    name: str
    hint: Any
    default: Any
    meaning: str

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is ABSENT

    @property
    def shown_default(self) -> str:
        """The default as in source code."""
        return plain(repr(self.default))

    def __str__(self) -> str:
        typed = self.name if self.hint is ABSENT else f"{self.name}: {type_name(self.hint)}"
        return typed if self.required else f"{typed} = {self.shown_default}"


def arguments(cls: type, meanings: Mapping[str, str]) -> list[Argument]:
    """Return the named arguments of the constructor of ``cls``, each with its meaning.

    >>> class Scale:
    ...     def __init__(self, by: float): ...
    >>> arguments(Scale, {"by": "the factor"})
    [Argument(name='by', hint=<class 'float'>, default=<class 'inspect._empty'>, meaning='the factor')]
    """
    return [
        Argument(each.name, _resolved(cls, each.annotation), each.default, meanings.get(each.name, ""))
        for each in _parameters(cls)
        if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]


def takes_any_keyword(cls: type) -> bool:
    """Return whether the constructor takes ``**options`` beside its named arguments."""
    return any(each.kind is each.VAR_KEYWORD for each in _parameters(cls))


def type_name(hint: object) -> str:
    """Return a type as in source code.

    >>> type_name(float | None)
    'float | None'
    """
    name = hint if isinstance(hint, str) else inspect.formatannotation(hint)
    for module in MODULES:
        name = name.replace(module, "")
    return plain(name)


def _parameters(cls: type) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(cls).parameters.values())
    except (TypeError, ValueError):  # a constructor in C has no signature
        return []


def _resolved(cls: type, annotation: Any) -> Any:
    """Return the type of an annotation; its text, if a name in it is only defined for a type checker."""
    if annotation is ABSENT:
        return ABSENT
    names = getattr(inspect.unwrap(cls.__init__), "__globals__", {})  # type: ignore[misc]
    try:
        return get_type_hints(_Annotated(annotation), names)["it"]
    except Exception:  # noqa: BLE001 - an annotation may be any expression
        return annotation


class _Annotated:
    """A single annotation, so that one that cannot be resolved does not affect the others."""

    def __init__(self, annotation: object) -> None:
        self.__annotations__ = {"it": annotation}
