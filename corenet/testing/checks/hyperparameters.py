"""The hyper-parameters of an optimizer, and other values to try for each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Literal, get_args, get_origin

from corenet.contracts.groups import OF_ALL
from corenet.testing.support.trial import Trial

FLOATS = (0.5, 0.1, 0.9, 0.01, 1.5)
INTEGERS = (1, 2, 3, 5)


def declared(trial: Trial) -> dict[str, Any]:
    """Return each hyper-parameter of the constructor with the value that it has in the case.

    What the base class alone makes of its arguments is no promise of the optimizer's.

    >>> import corenet as cn
    >>> list(declared(Trial(cn.SGD, cn.Case({"lr": 0.1}))).items())[:3]
    [('lr', 0.1), ('momentum', 0.0), ('dampening', 0.0)]
    """
    _, *rest = inspect.signature(trial.factory).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    named = [each for each in rest if each.kind in kinds and each.name not in OF_ALL]
    given = dict(trial.case.arguments)
    return {each.name: given.get(each.name, each.default) for each in named} | given


def others(trial: Trial, name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield other values of an argument, each with the name of what differs: the argument, or an entry of it."""
    return _replaced(name, value, partial(_candidates, trial, name))


def with_wrong_number(name: str, value: Any, wrong: float) -> Iterator[tuple[str, Any]]:
    """Yield ``value`` with one float in it replaced by ``wrong``, and the name of that entry."""
    return _replaced(name, value, lambda each: (wrong,) if isinstance(each, float) else ())


def contexts(trial: Trial, values: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield settings of the other arguments in which ``name`` may have an effect: those given, then others switched on.

    A Nesterov flag needs momentum, a dampening needs it too, a correction may need all of them.
    """
    yield {}
    switched_on: dict[str, Any] = {}
    for other, value in values.items():
        if other in (name, "lr") or (value and not isinstance(value, tuple | list | bool)):
            continue
        candidates = [each for _, each in others(trial, other, value)]
        if candidates:
            switched_on[other] = candidates[0]
            yield {other: candidates[0]}
    yield switched_on


def _replaced(name: str, value: Any, candidates: Callable[[Any], Iterable[Any]]) -> Iterator[tuple[str, Any]]:
    """Yield the name of each entry of ``value``, and ``value`` with another candidate for that entry."""
    if isinstance(value, tuple | list):
        for place, entry in enumerate(value):
            for _, other in _replaced(name, entry, candidates):
                yield f"{name}[{place}]", type(value)([*value[:place], other, *value[place + 1 :]])
    else:
        yield from ((name, other) for other in candidates(value) if other != value)


def _candidates(trial: Trial, name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return tuple(value + each for each in INTEGERS) + INTEGERS
    if isinstance(value, float):
        return (value / 2, *FLOATS, value * 2)
    if value is None:
        return (*FLOATS, True, *INTEGERS)
    return _choices(trial, name) if isinstance(value, str) else ()


def _choices(trial: Trial, name: str) -> tuple[Any, ...]:
    """Return what a ``Literal`` annotation lists; any other annotation of a string lists nothing."""
    try:
        annotation = inspect.signature(trial.factory, eval_str=True).parameters[name].annotation
    except NameError:  # imported for type checkers only
        return ()
    return get_args(annotation) if get_origin(annotation) is Literal else ()
