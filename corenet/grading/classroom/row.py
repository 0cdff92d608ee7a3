"""The row of a student: the points of a submission, check by check, or why there are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from corenet.grading.result import CheckResult


@dataclass(frozen=True)
class Layer:
    """The checks of one layer of an assignment."""

    layer: str
    points: float
    out_of: float
    checks: tuple[CheckResult, ...] = ()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """Return what a grader says of a layer, as JSON has it."""
        checks = tuple(CheckResult(**each) for each in said["checks"])
        return cls(said["layer"], said["points"], said["out_of"], checks)


@dataclass(frozen=True)
class Row:
    """A student's points; ``error`` says why a submission was not graded, or not all of it.

    ``refusals``: what it tried and was not let do, such as reading a file of another student. ``walls``: whether the
    system itself kept it in; without, it was Python alone.
    """

    student: str
    submission: str
    points: float
    out_of: float
    error: str | None = None
    layers: tuple[Layer, ...] = ()
    seconds: float = 0.0
    refusals: tuple[str, ...] = ()
    walls: bool = False

    @classmethod
    def of(cls, student: str, answer: Mapping[str, Any]) -> Self:
        """Return the row of what came of a submission, with what its grader says of it as JSON has it."""
        said, fault = answer["value"], answer["fault"]
        layers = tuple(map(Layer.of, said["layers"]))
        return cls(
            student,
            said["submission"],
            said["points"],
            said["out_of"],
            fault or said["error"],
            layers,
            answer["seconds"],
            tuple(answer["refusals"]),
            answer["walls"],
        )

    @property
    def checks(self) -> Iterator[tuple[Layer, CheckResult]]:
        """Every check with its layer."""
        return ((layer, check) for layer in self.layers for check in layer.checks)

    @property
    def misconceptions(self) -> dict[str, list[str]]:
        """The layers in which there is each misconception, by its name."""
        found: dict[str, list[str]] = {}
        for layer, check in self.checks:
            if check.misconception and layer.layer not in found.setdefault(check.misconception, []):
                found[check.misconception].append(layer.layer)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)
