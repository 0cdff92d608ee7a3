"""One draw, checked as it is and with each fault."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import torch

from benchmarks.gradcheck_survey.draw import drawn
from benchmarks.gradcheck_survey.faults import OneElement, OneTerm
from corenet.testing.gradcheck.deterministic import Deterministic
from corenet.testing.gradcheck.examination import Examination
from corenet.testing.gradcheck.other_parameters import with_other_parameters
from corenet.testing.gradcheck.report import GradientReport

RTOL, MOST = 1e-6, 2000


@dataclass
class Tally:
    """Counts of what the check said, and the seeds of what it should not have."""

    counts: Counter[str] = field(default_factory=Counter)
    blamed: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.counts.update(other.counts)
        self.blamed += other.blamed


def surveyed(seed: int, name: str = "") -> Tally:
    """Return what the check says of one draw: of the right component, and of two wrong ones."""
    draw, tally = drawn(seed, name), Tally()
    try:
        clean = _examined(Deterministic, draw.component, draw.inputs, seed)
    except Exception as error:  # noqa: BLE001 - to be told
        return Tally(Counter({"right: error": 1}), [f"{seed} {draw.name}: {type(error).__name__}: {error}"])
    report = with_other_parameters(clean)
    tally.counts[f"right: {report.status}{_why(report)}"] += 1
    if report.status == "inconclusive":
        tally.counts[f"inconclusive {draw.name}{_why(report)}"] += 1
    if report.status == "wrong":
        tally.blamed.append(f"{seed} {draw.name} accused: {report}")
    for kind in (OneElement, OneTerm):
        faulty = _examined(kind, draw.component, draw.inputs, seed)
        outcome = judged(clean, faulty, faulty.report())
        tally.counts[f"{kind.__name__}: {outcome}"] += 1
        if outcome == "missed":
            tally.blamed.append(f"{seed} {draw.name} missed {kind.__name__}: {faulty.report()}")
    return tally


def _why(report: GradientReport) -> str:
    if report.status != "inconclusive":
        return ""
    if not any(tensor.checked for tensor in report.tensors):
        return ": every element left out"
    if any(tensor.left_out and not tensor.checked for tensor in report.tensors):
        return ": every element of a tensor left out"
    weak = [each for each in report.tensors if each.status == "inconclusive"]
    return ": flat" if all(each.flat for each in weak) else ": a power worse than 1 %"


def judged(clean: Examination, faulty: Examination, report: GradientReport) -> str:
    """Return whether a fault was seen, or is beyond the power that the report states, or missed."""
    if report.status == "wrong":
        return "seen"
    size = fault(clean, faulty, report)
    if size == 0:
        return "no fault: what was changed is zero, or left out and counted"
    if report.status == "inconclusive":
        return "inconclusive"
    return "missed" if report.power is None or size > report.power else "beyond the stated power"


def fault(clean: Examination, faulty: Examination, report: GradientReport) -> float:
    """Return the largest relative fault in an element that the report does not leave out or call small.

    Of upstream gradients, which a fault touches differently, that one counts for which it is least.
    """
    largest = 0.0
    for tensor in report.tensors:
        if tensor.left_out or tensor.small or not tensor.checked or tensor.power is None:  # None: all is rounding
            continue
        right, wrong = (torch.stack([each[tensor.name] for each in part.ours]) for part in (clean, faulty))
        relative = ((wrong - right).abs() / right.abs()).nan_to_num(nan=torch.inf)
        relative[(right == 0) & (wrong == 0)] = torch.inf  # an upstream gradient that doesn't reach it
        least = relative.amin(0)
        least = least[least.isfinite()]
        largest = max(largest, least.max().item() if least.numel() else 0.0)
    return largest


def _examined(kind, component, inputs, seed) -> Examination:  # type: ignore[no-untyped-def]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Examination(kind(component, list(inputs), seed), RTOL, 0.0, MOST)
