"""A training interrupted somewhere: what it leaves must be whole, and go on training as by the plain engine."""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from benchmarks.training_fuzzer.problem import Problem, drawn
from benchmarks.training_fuzzer.training import compiling, fitted, listening, settings_of
from benchmarks.training_fuzzer.verdict import BASE, Verdict, apart
from benchmarks.training_fuzzer.world import World
from corenet.training.engines.cpu.engine import KEPT

OURS = ("/corenet/training/", "/corenet/contracts/", "/benchmarks/training_fuzzer/")
OF_CONTEXTS = ("/torch/overrides.py", "/torch/utils/_python_dispatch.py", "/torch/random.py", "/contextlib.py")
READING = ("reachable.py", "known_values.py", "code_names.py", "watches.py")  # long, and nothing is half done in it
DELICATE = 0.8  # of the interrupts fall where something is tried or half done


class Clock:
    """Counts the instructions of Python code of ours, and interrupts before one of them."""

    def __init__(self, at: int = 0) -> None:
        self.at, self.now = at, 0
        self.delicate: list[int] = []

    def __call__(self, frame, event, argument):
        path = frame.f_code.co_filename
        is_seen = any(place in path for place in (*OURS, *OF_CONTEXTS)) and not path.endswith(READING)
        if not is_seen or frame.f_code.co_name == "compiling":
            return None
        frame.f_trace_opcodes = True
        is_delicate = path.endswith(OF_CONTEXTS) or "/engines/" in path
        return self.look_closely if is_delicate else self.look

    def look(self, frame, event, argument):
        if event == "opcode":
            self.now += 1
            if self.now == self.at:
                signal.raise_signal(signal.SIGINT)  # which Python notices right here
        return self.look

    def look_closely(self, frame, event, argument):
        self.look(frame, event, argument)
        if event == "opcode" and not self.at:
            self.delicate.append(self.now)
        return self.look_closely

    def drawn(self, seed: int) -> int:
        """Return a moment."""
        chance = random.Random(seed)
        if self.delicate and chance.random() < DELICATE:
            return chance.choice(self.delicate)
        return chance.randint(1, self.now)


@contextmanager
def interruptible() -> Iterator[None]:
    """Have Python's own handler of Ctrl-C, which a process in the background starts without."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def ticking(clock: Clock) -> Iterator[None]:
    before = sys.gettrace()
    sys.settrace(clock)
    try:
        yield
    finally:
        sys.settrace(before)


def _started(problem: Problem, clock: Clock) -> tuple[World, bool]:
    """Train until the clock interrupts."""
    KEPT._kept.clear()
    world = World(problem)
    try:
        with ticking(clock):
            fitted(world, 0, problem.epochs[0], problem.engine)
    except KeyboardInterrupt:
        return world, True
    return world, False


def _went_on(world: World, engine: str) -> tuple[list[torch.Tensor], object, str]:
    """Train on, and return weights, settings and the error that there was."""
    error = ""
    try:
        fitted(world, 1, 2, engine)
    except Exception as raised:  # noqa: BLE001 - the two engines are to raise the same
        error = f"{type(raised).__name__}: {raised}"
    return numbers(world), settings_of(world), error


def numbers(world: World) -> list[torch.Tensor]:
    return [each.clone() for each in world.model.state_dict().values()]


def interrupted(seed: int, compile_part: float = 0.0, kind: str = "") -> Verdict:
    """Return what comes of an interrupt that ``seed`` draws."""
    problem = replace(drawn(seed, compile_part, kind), renewed=(False, False))
    problem = replace(problem, epochs=(min(3, problem.epochs[0]), 2))
    with interruptible():
        return _judged(problem, seed)


def _judged(problem: Problem, seed: int) -> Verdict:
    before, fresh = process(), World(problem)
    with listening(), compiling(problem.compiles):
        try:
            dry = Clock()
            _started(problem, dry)
            at = dry.drawn(seed)
            world, came = _started(problem, Clock(at))
        except Exception as error:  # noqa: BLE001 - of the training itself, interrupted or not
            return Verdict(f"raises {type(error).__name__} anyway", "")
        if not came:
            return Verdict("over before", "")
        wrong = broken(world, fresh, before)
        if wrong:
            return _finding(problem, at, wrong)
        left = numbers(world), settings_of(world)
        found = _went_on(world, problem.engine)
        counterpart, _ = _started(problem, Clock(at))
        if settings_of(counterpart) != left[1] or any(map(_differ, numbers(counterpart), left[0])):
            return Verdict("unjudged: not the same twice", "")
        plain = _went_on(counterpart, "plain")
        most = max(map(apart, found[0], plain[0]))
        if most > 1e4 * BASE[problem.dtype] or found[1:] != plain[1:]:
            what = f"apart by {most:.1e}, {found[2]!r} and {plain[2]!r}"
            return _finding(problem, at, f"goes on otherwise than by the plain engine: {what}")
    return Verdict(f"whole, {problem.engine}", "")


def _differ(one: torch.Tensor, other: torch.Tensor) -> bool:
    return not torch.equal(one, other)


def process() -> list[object]:
    """Return what belongs to the process and must be as before."""
    return [
        torch._C._len_torch_dispatch_stack(),
        torch._C._len_torch_function_stack(),
        torch.is_inference_mode_enabled(),
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        signal.getsignal(signal.SIGINT),
        torch.get_num_threads(),
    ]


def broken(world: World, fresh: World, before: list[object]) -> str:
    """Say what is not whole."""
    now = process()
    if now != before:
        return f"the process has {now}, had {before}"
    for (path, module), (_, whole) in zip(world.model.named_modules(), fresh.model.named_modules(), strict=True):
        missing = vars(whole).keys() - vars(module).keys()
        if missing:
            return f"{path} lacks {sorted(missing)}"
    parameters: list[Callable[[], bool]] = [
        lambda: len(world.model.parameters()) == len(fresh.model.parameters()),
        lambda: all(bool(each.isfinite().all()) for each in world.model.parameters()),
        lambda: all(each.grad is not None and each.grad.shape == each.shape for each in world.model.parameters()),
        lambda: world.optimizer.layout.is_current(),
        lambda: type(world.optimizer.steps) is int,
    ]
    wrong = [place for place, holds in enumerate(parameters) if not holds()]
    return f"conditions {wrong} on parameters" if wrong else ""


def _finding(problem: Problem, at: int, what: str) -> Verdict:
    layers = ", ".join(name for name, _ in problem.layers)
    line = f"{problem.seed} {problem.engine} [{layers}] {problem.loss} {problem.rule}, instruction {at}: {what}"
    return Verdict("FINDING", line)
