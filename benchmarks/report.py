"""What a workload found: races, notes, and a figure if matplotlib is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.row import Row
from benchmarks.table import environment, markdown
from corenet.errors import MissingExtraError
from corenet.files import write_text
from corenet.report.plots.style import write_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class Report:
    """``races`` by title, ``notes`` in words, ``measured`` for what is no race."""

    name: str
    title: str
    races: dict[str, list[Row]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)
    draw: Callable[[Report], Figure] | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "workload": self.name,
            "title": self.title,
            "machine": environment(),
            "races": {title: [row.to_dict() for row in rows] for title, rows in self.races.items()},
            "measured": self.measured,
            "notes": self.notes,
        }

    def markdown(self) -> str:
        parts = [f"## {self.title}", environment()]
        for title, rows in self.races.items():
            if not any(row.wall for row in rows):
                continue  # a workload that timed nothing
            parts += [f"### {title}", markdown(rows)]
        return "\n\n".join(parts + self.notes) + "\n"

    def write(self, folder: Path) -> list[Path]:
        """Write NAME.json, NAME.md and, if matplotlib is there, NAME.png."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{self.name}.json", folder / f"{self.name}.md"]
        for path, text in zip(paths, (json.dumps(self.to_dict(), indent=1) + "\n", self.markdown()), strict=True):
            write_text(path, text)
        if self.draw is not None:
            try:
                paths.append(write_png(self.draw(self), folder / f"{self.name}.png"))
            except MissingExtraError as error:
                print(f"no figure: {error}")
        return paths
