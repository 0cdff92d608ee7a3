"""``corenet grade``: the submissions of a class, each in a process of its own, and a page for each student."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corenet.cli import options
from corenet.cli.echo import echo

if TYPE_CHECKING:
    from corenet.grading.classroom.grades import Format
    from corenet.grading.classroom.row import Row
    from corenet.grading.classroom.submissions import Submission

FORMATS = ("gradescope", "otter", "nbgrader")

NO_WALLS = (
    "this system permits no namespaces, so Python alone kept the submissions in; "
    "grade strangers in a container or as a user who has nothing"
)


@click.command()
@click.argument("submissions", metavar="SUBMISSIONS", type=click.Path(path_type=Path))
@click.option(
    "--assignment", required=True, type=click.Path(path_type=Path), metavar="DIR", help="What new-assignment wrote."
)
@click.option("--csv", "table", type=click.Path(path_type=Path), metavar="FILE", help="Write the points to a CSV file.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write results.json, and a page for each student."
)
@click.option(
    "--format", "formats", type=click.Choice(FORMATS), multiple=True, help="Also write what such a tool reads to DIR."
)
@options.json
def command(
    submissions: Path,
    assignment: Path,
    table: Path | None,
    out: Path | None,
    formats: tuple[Format, ...],
    as_json: bool,
) -> None:
    """Grade each submission of a class, and show what is often misunderstood.

    SUBMISSIONS is a folder with a .py file of each student, or a folder of each with one in it. Each is graded in a
    process of its own, which may write nowhere but in a folder of its own and reach no network; one that takes too
    long or too much memory, or ends Python, is a row with the reason, and harms no other.

    \b
      corenet new-assignment hw1 --layers linear,layernorm
      corenet grade handed-in --assignment hw1 --out graded --csv grades.csv
    """
    if formats and out is None:
        raise click.UsageError(f"--format {formats[0]} is written to a folder; give it with --out DIR")
    from corenet.files import write_text
    from corenet.grading.classroom.class_table import class_table, summary
    from corenet.grading.classroom.grades import grades_csv
    from corenet.grading.classroom.written import PAGES, write_folder
    from corenet.grading.misconceptions import MISCONCEPTIONS

    for folder in filter(None, (out, table and table.parent)):
        options.prepare(folder)
    begin = time.monotonic()
    graded = _graded(submissions, assignment)
    rows = [row for _, row in graded]
    name = assignment.resolve().name
    report = {
        "schema": 1,
        "assignment": name,
        "seconds": round(time.monotonic() - begin, 2),
        "summary": summary(rows),
        "submissions": [row.to_dict() for row in rows],
    }
    if table is not None:
        write_text(table, grades_csv(rows))
    if out is not None:
        write_folder(out, report, graded, name, formats)
    if any(row.layers and not row.walls for row in rows):
        echo(f"corenet: {NO_WALLS}", err=True)
    if as_json:
        options.print_json(report)
        return
    for line in class_table(rows, MISCONCEPTIONS):
        click.echo(line)
    click.echo(f"\n{report['seconds']:.1f} s")
    if out is not None:
        echo(f"a page for each student in {out / PAGES}")


def _graded(folder: Path, assignment: Path) -> list[tuple[Submission, Row]]:
    """Return each submission with its row, and meanwhile count on a terminal."""
    from corenet.grading.assignment import read_assignment
    from corenet.grading.classroom.grade_class import Classroom
    from corenet.grading.classroom.submissions import submissions_in

    asked = read_assignment(assignment)
    submissions = submissions_in(folder)
    out_of = sum(sum(points.values()) for points in asked.points.values())
    classroom = Classroom(assignment, asked.seconds, out_of, [folder, assignment])
    with _Progress(len(submissions)) as progress:
        rows = classroom.grade(submissions, progress.count)
    return list(zip(submissions, rows, strict=True))


class _Progress:
    """A line on a terminal that counts, and goes when all is done."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> _Progress:
        self._show()
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)

    def count(self, _: Row) -> None:
        """Count one more."""
        self._done += 1
        self._show()

    def _show(self) -> None:
        if self._shown:
            click.echo(f"\rgraded {self._done} of {self._total} ", nl=False, err=True)
