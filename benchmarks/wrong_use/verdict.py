"""What comes of one wrong call."""

from __future__ import annotations

import inspect
import random
import signal
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import corenet as cn
from benchmarks.wrong_use.subjects import Subject
from benchmarks.wrong_use.values import SAME, wrong
from benchmarks.wrong_use.world import World, equal, numbers_of

PATIENCE = 20  # seconds
ENDLESS = {"epochs", "rounds", "initial_epoch", "n", "times"}  # a huge number of these is meant, and takes for ever
KEPT_ON = (cn.NonFiniteError, cn.CallbackError)  # which end a training: the steps before were right


@dataclass(frozen=True)
class Outcome:
    """``kind`` is done, refused, slow or FINDING; ``line`` says what was called and what came."""

    kind: str
    line: str


def judged(subject: Subject, seed: int, folder: Path) -> Outcome:
    """Make a call with one or two arguments that are wrong, and look what it leaves."""
    draw = random.Random(f"{subject} {seed}")
    world = World(folder)
    call, arguments = subject.made(world)
    changed, said = _spoilt(arguments, draw)
    line = f"{subject} {seed}: {said}"
    watched = [world.model, world.loss, world.optimizer, world.data, world.valid, getattr(call, "__self__", call)]
    watched += [each for each in _each(changed) if isinstance(each, (Tensor, cn.Module, cn.Optimizer, cn.Loss))]
    before = dict(numbers_of(*watched))
    try:
        result = _result(call, changed)
    except TimeoutError:
        return Outcome("slow", line)
    except cn.CorenetError as error:
        message = str(error)
        if not message.strip() or len(message) > 2000:
            return Outcome("FINDING message", f"{line}: {message[:300]!r}")
        after = dict(numbers_of(*watched))
        other = [name for name in before if not equal(before[name], after.get(name))]
        if other and not isinstance(error, KEPT_ON):
            return Outcome("FINDING half-changed", f"{line}: {other[0]} after {type(error).__name__}: {message[:200]}")
        return Outcome("refused", line)
    except Exception as error:  # noqa: BLE001 - which is what is looked for
        if _is_of_signature(error):
            return Outcome("refused", line)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        return Outcome("FINDING error", f"{line}: {type(error).__name__} at {where}: {error!s:.200}")
    if said.partition("= ")[2] in SAME and (why := _differs(subject, folder, result)):
        return Outcome("FINDING number", f"{line}: {why}")
    return Outcome("done", line)


def _spoilt(arguments: dict[str, Any], draw: random.Random) -> tuple[dict[str, Any], str]:
    """Return arguments of which one or two are wrong, and which."""
    found, said = dict(arguments), []
    for name in draw.sample(sorted(arguments), min(len(arguments), draw.choice([1, 1, 1, 2]))):
        if name == "*":
            starred = list(found["*"])
            place = draw.randrange(len(starred) + 1)
            if place == len(starred):  # one more, or none
                found["*"] = [*starred, *starred[:1]] if draw.random() < 0.5 else starred[:-1]
                said.append(f"{len(found['*'])} arguments")
                continue
            words, starred[place] = wrong(starred[place], draw)
            found["*"] = starred
        else:
            words, value = wrong(found[name], draw)
            if name in ENDLESS and isinstance(value, int) and value > 9:
                value = -3
            found[name] = value
        said.append(f"{name} = {words}")
    return found, " and ".join(said)


def _result(call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    named = {name: value for name, value in arguments.items() if name != "*"}
    positional = _before_star(call, named) if "*" in arguments else []
    torch.manual_seed(1)
    signal.signal(signal.SIGALRM, _late)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = call(*positional, *arguments.get("*", []), **named)
            return list(found) if isinstance(found, types.GeneratorType) else found
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _before_star(call: Callable[..., Any], named: dict[str, Any]) -> list[Any]:
    """Take out what stands before a starred argument."""
    positional = []
    for each in inspect.signature(call).parameters.values():
        if each.kind is each.VAR_POSITIONAL:
            break
        if each.name in named:
            positional.append(named.pop(each.name))
    return positional


def _late(*_: object) -> None:
    raise TimeoutError


def _is_of_signature(error: Exception) -> bool:
    """Tell whether Python could not bind the arguments: then no line of the function has run."""
    trace = error.__traceback__
    depth = 0
    while trace is not None:
        depth, trace = depth + 1, trace.tb_next
    return isinstance(error, TypeError) and depth <= 2


def _differs(subject: Subject, folder: Path, result: Any) -> str:
    """Tell whether the result of the same numbers in another form is another."""
    call, arguments = subject.made(World(folder))
    plain = _result(call, arguments)
    pairs = [*zip(_numbers(plain), _numbers(result), strict=False)]
    if len(list(_numbers(plain))) != len(list(_numbers(result))):
        return "it gives other results than of a plain tensor"
    for one, other in pairs:
        if one.shape != other.shape or not torch.allclose(one, other, rtol=1e-4, atol=1e-6, equal_nan=True):
            return f"it gives {other.flatten()[:3].tolist()}, of a plain tensor {one.flatten()[:3].tolist()}"
    return ""


def _numbers(result: Any) -> Iterator[Tensor]:
    for each in _each(result):
        if isinstance(each, Tensor) and not each.is_complex():
            yield each.detach().double()
        elif isinstance(each, float):
            yield torch.tensor(each, dtype=torch.float64)


def _each(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _each(each)
    else:
        yield value
