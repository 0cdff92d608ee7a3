"""The page of a run: what was learnt from what, by which network, how well, and whether its gradients are right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from corenet.errors import CorenetError
from corenet.experiments.run_folder import EXPERIMENT, RunFolder, run_folder
from corenet.registry.collect import reason_of
from corenet.report.html.scatter import Scatter
from corenet.report.html.templates import environment
from corenet.report.run.charts import curves_of
from corenet.report.run.figures import PARTS, duration, figures_of, title_of
from corenet.report.run.findings import COLUMNS, ELEMENTS, Findings, findings
from corenet.report.trace.formatting import format_number, format_shape, gradients, layer_title
from corenet.report.trace.histogram import Histogram

SHOWN = 40  # columns of a table; further ones are folded
MOST = 400  # columns at all
CLASSES = 25  # of a confusion matrix that is shown whole
CONFUSED = 15  # pairs of classes that are shown of a larger one
SPLIT = 10  # classes that are counted for each part


def page(folder: Path) -> str:
    """Return the page of a finished run as HTML. All that data or plugins say is text in it, never markup.

    The data is read or drawn again for what is looked for with the model; where it is gone, the page says so.
    Of several rounds, metrics and curves are of all, and what is looked for in a model is of the first.

    Raises:
        OutputError: the folder is of no finished run.

    >>> import tempfile
    >>> from corenet.experiments import experiment, train_run
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = train_run(experiment("003a", ["epochs=2"]), Path(folder, "disk-1"))
    ...     "No gradient is wrong." in page(run.path)
    True
    """
    run = run_folder(folder)
    one = run.rounds[0] if run.rounds else run
    found, missing = _found(one)
    return (
        _environment()
        .get_template("run.html.jinja")
        .render(
            title=title_of(run),
            run=run,
            one=one.results,
            recipe=run.experiment.recipe,
            toml=(run.path / EXPERIMENT).read_text(encoding="utf-8"),
            figures=figures_of(run.results),
            charts=curves_of(run),
            matrix=Matrix.of(one.results),
            found=found,
            missing=missing,
        )
    )


def _found(run: RunFolder) -> tuple[Findings | None, str]:
    """Return what is found with the model of a run, or why nothing is."""
    try:
        return findings(run), ""
    except CorenetError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the training itself went well
        return None, reason_of(error)


@dataclass(frozen=True)
class Cell:
    """A count of a confusion matrix, its share of its row, and whether it is of what was read right."""

    count: int
    share: float
    is_right: bool


@dataclass(frozen=True)
class Matrix:
    """The confusion matrix of a part: a row for each class, with what its rows were read as."""

    part: str
    names: list[str]
    rows: list[list[Cell]]

    @classmethod
    def of(cls, results: Mapping[str, Any]) -> Matrix | None:
        """Return that of the last part; None of values.

        >>> Matrix.of({"confusion": {"test": [[3, 1], [0, 2]]}, "classes": ["no", "yes"]}).rows[0]
        [Cell(count=3, share=0.75, is_right=True), Cell(count=1, share=0.25, is_right=False)]
        """
        if not results["confusion"]:
            return None
        part, counts = list(results["confusion"].items())[-1]
        names = [str(each) for each in results["classes"] or range(len(counts))]
        rows = [
            [Cell(count, count / (sum(row) or 1), read == is_) for read, count in enumerate(row)]
            for is_, row in enumerate(counts)
        ]
        return cls(part, names, rows)

    @property
    def confused(self) -> list[tuple[int, str, str]]:
        """What was read wrong, as ``(count, is, read as)``, the most frequent first."""
        wrong = [
            (cell.count, self.names[is_], self.names[read])
            for is_, row in enumerate(self.rows)
            for read, cell in enumerate(row)
            if cell.count and not cell.is_right
        ]
        return sorted(wrong, key=lambda each: -each[0])


@cache
def _environment() -> Environment:
    made = environment("corenet.report.run")
    made.filters.update(
        shape=format_shape, number=format_number, title=layer_title, gradients=gradients, duration=duration
    )
    made.globals.update(
        parts=PARTS,
        scatter_of=Scatter.of,
        histogram=Histogram.of,
        shown=SHOWN,
        most=MOST,
        most_classes=CLASSES,
        most_confused=CONFUSED,
        most_split=SPLIT,
        most_columns=COLUMNS,
        elements=ELEMENTS,
    )
    return made
