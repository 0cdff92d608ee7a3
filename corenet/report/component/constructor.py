"""What the constructor of a component takes: names, types, defaults and meanings."""

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
        """The default as one writes it."""
        return plain(repr(self.default))

    def __str__(self) -> str:
        typed = self.name if self.hint is ABSENT else f"{self.name}: {type_name(self.hint)}"
        return typed if self.required else f"{typed} = {self.shown_default}"


def arguments(cls: type, meanings: Mapping[str, str]) -> list[Argument]:
    """Return what the constructor of ``cls`` takes by name, each with its meaning.

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
    """Return whether the constructor has a ``**options`` for names that it does not list."""
    return any(each.kind is each.VAR_KEYWORD for each in _parameters(cls))


def type_name(hint: object) -> str:
    """Return a type as one writes it.

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
    except (TypeError, ValueError):  # a constructor in C tells nothing of itself
        return []


def _resolved(cls: type, annotation: Any) -> Any:
    """Return the type that an annotation means; its text, if a name in it is only there for a type checker."""
    if annotation is ABSENT:
        return ABSENT
    names = getattr(inspect.unwrap(cls.__init__), "__globals__", {})  # type: ignore[misc]
    try:
        return get_type_hints(_Annotated(annotation), names)["it"]
    except Exception:  # noqa: BLE001 - an annotation may be any expression
        return annotation


class _Annotated:
    """One annotation by itself, so that what is wrong with another costs it nothing."""

    def __init__(self, annotation: object) -> None:
        self.__annotations__ = {"it": annotation}
