"""What a search may change, as ``--param`` says it: ``optimizer.lr=log:1e-3:1``."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optuna import Trial
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from corenet.errors import ConfigError

FORMS = "LOW:HIGH, log:LOW:HIGH, or A,B,C"


def space(params: Iterable[str]) -> dict[str, BaseDistribution]:
    """Return the values that each entry may have.

    ``LOW:HIGH`` are numbers from LOW to HIGH, integers if both are; ``log:LOW:HIGH`` the same, as many between 0.01
    and 0.1 as between 0.1 and 1; ``A,B,C`` are these values, written as in an experiment file or as plain words.

    Raises:
        ConfigError: one says no such thing.

    >>> space(["optimizer.lr=log:1e-3:1", "batch_size=16:64", "network.activation=relu,tanh"])["batch_size"]
    IntDistribution(high=64, log=False, low=16, step=1)
    """
    found: dict[str, BaseDistribution] = {}
    for each in params:
        name, equals, text = each.partition("=")
        if not (name and equals and text):
            raise _refused(each, f"say the entry and its values: --param optimizer.lr=log:1e-3:1 ({FORMS})")
        if name in found:
            raise _refused(each, f"{name} is given twice")
        found[name] = _range(each, text) if _is_range(text) else _choices(each, text)
    return found


def suggested(trial: Trial, name: str, distribution: BaseDistribution) -> Any:
    """Return the value that a trial is to try for an entry."""
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(name, distribution.low, distribution.high, log=distribution.log)
    assert isinstance(distribution, FloatDistribution)
    return trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)


def ends(distribution: BaseDistribution) -> Sequence[Any]:
    """Return the least and the largest value, or all choices."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return distribution.low, distribution.high


def change(name: str, distribution: BaseDistribution, value: Any) -> str:
    """Return the assignment ``entry=value`` that stands for a value of the search."""
    return f"{name}={value if isinstance(distribution, CategoricalDistribution) else json.dumps(value)}"


def described(found: Mapping[str, BaseDistribution]) -> dict[str, str]:
    """Return each entry's values as text, to tell whether two searches are of one space."""
    return {name: str(distribution) for name, distribution in found.items()}


def _is_range(text: str) -> bool:
    return ":" in text and "," not in text and "[" not in text and '"' not in text


def _range(param: str, text: str) -> BaseDistribution:
    log = text.startswith("log:")
    ends = text.removeprefix("log:").split(":")
    try:
        low, high = map(_number, ends)
    except ValueError:
        raise _refused(param, f"a range is LOW:HIGH or log:LOW:HIGH, not {text}") from None
    if not low < high:
        raise _refused(param, f"{ends[0]} is not less than {ends[1]}")
    if log and low <= 0:
        raise _refused(param, f"log: takes numbers above 0, not {ends[0]}")
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log)
    return FloatDistribution(low, high, log=log)


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _choices(param: str, text: str) -> CategoricalDistribution:
    """Return the values that are written with commas between, each as an experiment file has it."""
    try:
        values = tomllib.loads(f"x = [{text}]")["x"]
    except tomllib.TOMLDecodeError:
        values = [each.strip() for each in text.split(",")]
    choices = [json.dumps(each) for each in values]
    if len(set(choices)) < 2 or len(set(choices)) < len(choices):
        raise _refused(param, f"give at least two different values, or a range ({FORMS})")
    return CategoricalDistribution(choices)


def _refused(param: str, text: str) -> ConfigError:
    return ConfigError(f"--param {param}: {text}", name=param)
