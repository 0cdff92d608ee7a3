"""A problem, trained by one engine; what it left, and what it said."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor

import corenet as cn
from benchmarks.training_fuzzer.problem import Problem
from benchmarks.training_fuzzer.world import World
from corenet.training.engines.cpu import cc

PLAIN = (bool, int, float, str)


@dataclass
class Outcome:
    """What a training left."""

    numbers: list[Tensor]
    measured: list[float]
    settings: dict[str, object]
    error: str
    told: list[str]
    engines: list[str]


def trained(problem: Problem, engine: str, nudge: float = 0.0) -> Outcome:
    """Train by an engine, from weights that are nudged by so many roundings."""
    world = World(problem)
    _nudge(world, nudge)
    engines: list[str] = []
    measured: list[float] = []
    error = ""
    with listening() as told, compiling(problem.compiles and engine != "plain"):
        try:
            for fit, epochs in enumerate(problem.epochs):
                if problem.renewed[fit]:
                    world.renew()
                    _nudge(world, nudge)
                history = fitted(world, fit, epochs, engine)
                engines.append(engine if history is None else history.engine)
                measured += [] if history is None else _figures(history)
        except Exception as raised:  # noqa: BLE001 - the two engines are to raise the same
            error = f"{type(raised).__name__}: {raised}"
        finally:
            torch.set_default_dtype(torch.float32)
    numbers = [*world.model.state_dict().values(), *(each.grad.clone() for each in world.model.parameters())]
    return Outcome(numbers, measured, settings_of(world), error, told, engines)


def _nudge(world: World, roundings: float) -> None:
    for parameter in world.model.parameters() if roundings else ():
        signs = torch.arange(parameter.numel()).reshape(parameter.shape).to(parameter) % 2 * 2 - 1
        parameter.mul_(1 + roundings * torch.finfo(parameter.dtype).eps * signs)


def fitted(world: World, fit: int, epochs: int, engine: str) -> cn.History | None:
    """Do one fit of the problem, with its changes, and return its history."""
    problem, epoch = world.problem, count(1)

    def changing(model=None, data=None):
        now = next(epoch) // (2 if world.valid is not None and model is not None else 1)
        for change in problem.changes:
            if (change.fit, change.epoch) == (fit, now):
                world.change(change)
        return 0.0

    for change in problem.changes:
        if (change.fit, change.epoch) == (fit, 0):
            world.change(change)
    if problem.engine == "step":
        _looped(world, epochs, engine, changing)
        return None
    metrics = [changing] if any(change.fit == fit for change in problem.changes) else None
    options = {"epochs": epochs, "batch_size": problem.batch_size, "seed": problem.seed, "progress": False}
    return cn.fit(
        world.model, world.loss, world.optimizer, world.data, world.valid, metrics=metrics, engine=engine, **options
    )


def _figures(history: cn.History) -> list[float]:
    return [figure for each in history for figure in (each.loss, each.lr, *each.train.values(), *each.valid.values())]


def _looped(world, epochs, engine, changing):
    """Do what ``fit`` does, step by step; somebody changes something in the midst of an epoch."""
    parts = world.model, world.loss, world.optimizer
    step = cn.compile_step(*parts) if engine == "step" else lambda *batch: cn.train_step(*parts, *batch)
    with torch.random.fork_rng():
        torch.manual_seed(world.problem.seed)
        world.model.train()
        for epoch in range(epochs):
            batches = world.data.batches(world.problem.batch_size, world.problem.seed, epoch)
            for place, (input, target) in enumerate(batches):
                step(input, target)
                if place == 2:
                    changing()


def settings_of(world: World) -> dict[str, object]:
    """Return the plain values that model, loss, optimizer and data hold, and those of their classes."""
    parts = [module for _, module in world.model.named_modules()] + [world.loss, world.optimizer, world.data]
    found: dict[str, object] = {}
    for place, part in enumerate(parts):
        for name, value in {**vars(type(part)), **vars(part)}.items():
            if isinstance(value, PLAIN) and not name.startswith("__"):
                found[f"{place}.{name}"] = value
            if isinstance(value, list) and all(isinstance(each, (*PLAIN, type(None))) for each in value):
                found[f"{place}.{name}"] = [*value]
    return found


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect what engines say, in the log and by warnings."""
    told: list[str] = []
    logger = logging.getLogger("corenet")
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield told
    finally:
        told += [str(each.message) for each in warned if issubclass(each.category, cn.EngineWarning)]
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def compiling(may: bool) -> Iterator[None]:
    """Let there be no compiler here unless it may be used."""
    before = os.environ.get("CC")
    if not may:
        os.environ["CC"] = "no-compiler-here"
    cc.compiler.cache_clear()
    cc._command.cache_clear()
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("CC", None)
        else:
            os.environ["CC"] = before
        cc.compiler.cache_clear()
        cc._command.cache_clear()
