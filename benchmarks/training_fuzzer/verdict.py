"""Whether an engine trained as the plain one did, within the rounding that this training magnifies."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.training_fuzzer.problem import Problem, drawn
from benchmarks.training_fuzzer.training import Outcome, trained

NUDGES = (4.0, -8.0, 32.0)  # roundings
FACTOR = 300  # by which an engine may differ more than a nudge
BASE = {torch.float64: 1e-12, torch.float32: 2e-5}
IN_SINGLE = {"draws_tensor", "draws_tensor_of_own_generator"}  # which compute in float32, whatever the dtype is
BLIND = 1e-2  # of the weights: where rounding makes that much, nothing can be told


@dataclass
class Verdict:
    """What came of one seed: ``kind`` counts it, ``line`` says it."""

    kind: str
    line: str


def judged(problem: Problem) -> Verdict:
    """Train by both engines and compare."""
    plain, found = trained(problem, "plain"), trained(problem, problem.engine)
    said = "told" if found.told else "silent"
    if _words(found.error) != _words(plain.error):
        nudged = {_words(trained(problem, "plain", each).error) for each in NUDGES}
        if _words(found.error) in nudged:
            return Verdict("unjudged: rounding decides on an error", "")
        return _finding(problem, said, f"error {found.error!r}, plain {plain.error!r}", found)
    if found.settings != plain.settings:
        keys = [key for key in plain.settings if found.settings.get(key) != plain.settings[key]]
        what = "; ".join(f"{key} {found.settings.get(key)!r:.50}, plain {plain.settings[key]!r:.50}" for key in keys)
        return _finding(problem, said, f"settings {what}", found)
    is_single = bool(IN_SINGLE & {name for name, _ in problem.layers})
    far, base = distance(found, plain), BASE[torch.float32 if is_single else problem.dtype]
    if far > base:
        rounding = max(distance(trained(problem, "plain", each), plain) for each in NUDGES)
        if FACTOR * rounding > BLIND and far < 3 * FACTOR * rounding:
            return Verdict("unjudged: rounding is magnified", "")
        if far > FACTOR * rounding + base:
            return _finding(problem, said, f"weights apart by {far:.1e}, a nudge makes {rounding:.1e}", found)
    return Verdict(f"as plain, {said}, {problem.engine} ran {found.engines[-1] if found.engines else 'nothing'}", "")


def _words(error: str) -> str:
    """Return an error but for how far numbers went, which rounding decides where they diverge.

    >>> _words("the loss is inf; all outputs are finite, the model's output up to 3.24e+24; rows 1, 2")
    "the loss is inf; all outputs are finite, the model's output up to …; rows 1, 2"
    """
    return re.sub(r"(?<=up to )[\d.e+-]+", "…", error)


def distance(one: Outcome, other: Outcome) -> float:
    """Return how far the tensors are apart at most."""
    measured = (torch.tensor(each.measured, dtype=torch.float64) for each in (one, other))
    return max(map(apart, one.numbers, other.numbers), default=0.0) + apart(*measured)


def apart(one: Tensor, other: Tensor) -> float:
    """Return the largest difference beside the largest number."""
    if not one.numel() or one.shape != other.shape:
        return 0.0 if one.shape == other.shape else 1.0
    one, other = (each.double().nan_to_num(0.0) for each in (one, other))
    return float((one - other).abs().max() / (1e-3 + other.abs().max()))


def _finding(problem: Problem, said: str, what: str, found: Outcome) -> Verdict:
    layers = ", ".join(name for name, _ in problem.layers)
    line = f"{problem.seed} {problem.engine} [{layers}] {problem.loss} {problem.rule} {problem.data}: {what}"
    return Verdict(f"FINDING, {said}", f"{line}; told {found.told}")


def verdict(seed: int, compiling: float = 0.0, kind: str = "") -> Verdict:
    """Return what comes of a seed."""
    return judged(drawn(seed, compiling, kind))
