"""The cases of a component: those that it declares, or a guess at its arguments and inputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.case import Case
from corenet.errors import ConfigError
from corenet.registry.collect import reason_of
from corenet.registry.spec import Kind
from corenet.testing.gradcheck.arguments import POSITIONAL
from corenet.testing.support.trial import Trial, seeded

SHAPES = ((5, 3), (2, 2, 3), (1, 3), (2, 3, 8), (2, 3, 8, 8))
DECLARE = "its inputs are guessed; if it takes others, write conformance_cases() with Case(inputs=…)"


class RefusedGuess(Case):
    """A guess that a module refuses, as it does all others."""


def cases_of(cls: Callable[..., Any], kind: Kind = "module") -> list[Case]:
    """Return the cases that a component declares, or a guess from its constructor and its ``forward``.

    Integer arguments without a default are sizes: 3, 4, …, of which the first is the width of the
    input, or its channels. Of the input shapes (5, 3), (2, 2, 3), (1, 3), (2, 3, 8) and (2, 3, 8, 8)
    the guess keeps those that the module accepts. There are as many inputs, alike, as ``forward`` has arguments
    without a default.

    Raises:
        ConfigError: an argument cannot be guessed.

    >>> import corenet as cn
    >>> class Scale(cn.Module):
    ...     def __init__(self, width): ...
    ...     def forward(self, input): return input
    >>> cases_of(Scale)[0].arguments
    {'width': 3}
    """
    declared = getattr(cls, "conformance_cases", None)
    if declared is not None:
        return list(declared())
    arguments = _guessed(cls, kind)
    if kind != "module":
        return [Case(arguments)]
    count = _count_of_inputs(Trial(cls, Case(arguments)))
    cases = [_of_shape(shape, arguments, count) for shape in SHAPES]
    return [case for case in cases if _accepts_its_input(Trial(cls, case))] or [RefusedGuess(**vars(cases[0]))]


def trials_of(cls: Callable[..., Any], kind: Kind = "module", seed: int = 0) -> list[Trial]:
    """Return a trial for each case of a component."""
    return [Trial(cls, case, seed) for case in cases_of(cls, kind)]


@contextmanager
def told_of_guesses(case: Case) -> Iterator[None]:
    """Let what fails on a refused guess say how its author tells what the component takes.

    Raises:
        ConfigError: it failed, on such a guess.
    """
    try:
        yield
    except Exception as error:
        if isinstance(case, RefusedGuess):
            raise ConfigError(f"{reason_of(error)}; {DECLARE}") from error
        raise


def _guessed(cls: Callable[..., Any], kind: Kind) -> Mapping[str, Any]:
    parameters = list(inspect.signature(cls).parameters.values())
    if kind == "optimizer":
        parameters = parameters[1:]  # the first is the parameters
    named = [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    guessed: dict[str, Any] = {}
    for parameter in named:
        if parameter.name == "lr":
            guessed["lr"] = 0.01
        elif parameter.default is parameter.empty:
            if parameter.annotation not in ("int", int, parameter.empty):
                name = getattr(cls, "__name__", type(cls).__name__)
                raise ConfigError(
                    f"cannot guess how to build {name}{inspect.signature(cls)}; "
                    "give it a conformance_cases() that returns a list of corenet.Case"
                )
            guessed[parameter.name] = 3 + len(guessed)
    return guessed


def _count_of_inputs(trial: Trial) -> int:
    """Return how many inputs the forward of a trial's module needs; 1 where that cannot be told."""
    try:
        takes = inspect.signature(trial.build().forward).parameters.values()
    except Exception:  # noqa: BLE001 - a stranger's code may raise anything; the checks report it
        return 1
    return max(1, sum(each.kind in POSITIONAL and each.default is each.empty for each in takes))


def _of_shape(shape: tuple[int, ...], arguments: Mapping[str, Any], count: int) -> Case:
    return Case(arguments, shape, inputs=partial(_drawn, shape, count) if count > 1 else None)


def _drawn(shape: tuple[int, ...], count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    low, high = Case().domain
    drawn = (torch.rand(shape, generator=generator, dtype=torch.float64) for _ in range(count))
    return tuple(low + (high - low) * each for each in drawn)


def _accepts_its_input(trial: Trial) -> bool:
    """Tell whether forward accepts the trial's input in both modes; in training, batch norm refuses one sample."""
    try:
        module = trial.build()
        with seeded(trial.seed):
            module(*trial.inputs())
            module.forget()
            module.eval()(*trial.inputs())
    except Exception:  # noqa: BLE001 - a stranger's code may raise anything; the checks report it
        return False
    return True
