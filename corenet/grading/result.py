"""What a submission gets, as data: the JSON that the grader prints."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

SCHEMA = 1


@dataclass
class CheckResult:
    """What one check said: its points, and of a failed one the misconception, the words for the student, the line."""

    id: str
    title: str
    points: float
    out_of: float
    passed: bool
    misconception: str | None = None
    message: str = ""
    line: int | None = None


@dataclass
class LayerResult:
    """The checks of one layer."""

    layer: str
    checks: list[CheckResult]

    @property
    def points(self) -> float:
        """The points of all checks."""
        return sum(check.points for check in self.checks)

    @property
    def out_of(self) -> float:
        """The points that there are."""
        return sum(check.out_of for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        checks = [asdict(check) for check in self.checks]
        return {"layer": self.layer, "points": self.points, "out_of": self.out_of, "checks": checks}


@dataclass
class Result:
    """All layers of a submission; ``error`` says why none could be graded."""

    submission: str
    layers: list[LayerResult] = field(default_factory=list)
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values.

        >>> Result("alice.py").to_dict()["out_of"]
        0
        """
        return {
            "schema": SCHEMA,
            "submission": self.submission,
            "points": sum(layer.points for layer in self.layers),
            "out_of": sum(layer.out_of for layer in self.layers),
            "error": self.error,
            "layers": [layer.to_dict() for layer in self.layers],
        }
