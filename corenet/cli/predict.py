"""``corenet predict``: what a saved model says of the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click

from corenet.cli import options
from corenet.cli.echo import echo
from corenet.cli.no_plugins import no_plugins
from corenet.cli.warned import warned_in_lines
from corenet.registry.sanitize import plain
from corenet.text_table import text_table

SHOWN = 20  # rows, without a file to write them to


@click.command()
@click.argument("model", metavar="RUN|MODEL", type=click.Path(path_type=Path))
@click.argument("table", metavar="TABLE")
@options.one_table
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write to a .csv, .tsv or .parquet file.")
@click.option("--probabilities", is_flag=True, help="Say of each class how probable it is.")
@options.allow_unseen
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@no_plugins
@options.json
def command(
    model: Path, table: str, out: Path | None, probabilities: bool, allow_unseen: bool, force: bool, as_json: bool
) -> None:
    """Say what a saved model predicts of each row of TABLE, in the words of its labels.

    RUN is the folder of a run, MODEL a file that was saved with its table; TABLE a file, a folder of them or a pattern
    such as 'part-*.csv'. Columns are found by their names. The file that is written has all columns of TABLE, and
    beside them what is predicted; without --out the first 20 rows are shown.
    """
    from corenet.cli.saved_model import predictor
    from corenet.tables.writing import refuse_unwritable, write_frames

    if out is not None:
        refuse_unwritable(out, force=force)
    with warned_in_lines():
        found = predictor(model, allow_unseen=allow_unseen)
        unused = found.unused(next(found.rows(table)))
        if out is not None:
            rows = write_frames(out, found.frames(table, probabilities=probabilities))
            result: dict[str, Any] = {"rows": rows, "unused": unused, "out": str(out)}
            lines = [f"{out}: {rows:,} row{'s' * (rows > 1)}"]
        else:
            pieces = (columns for _, columns in found.predictions(table, probabilities=probabilities))
            first = next(pieces)
            result = {"unused": unused, **(_joined([first, *pieces]) if as_json else {})}
            lines = _table(first)
    if as_json:
        options.print_json({"schema": 1, **result})
        return
    for line in lines:
        echo(line)
    if unused:
        echo(
            f"corenet: not read, as the model has no such columns: {', '.join(map(plain, unused))}", indent=2, err=True
        )


def _joined(pieces: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the columns of all pieces in one."""
    columns = {name: [value for piece in pieces for value in piece[name]] for name in pieces[0]}
    return {"rows": sum(map(len, islice(columns.values(), 1))), "predictions": columns}


def _table(columns: dict[str, Any]) -> list[str]:
    """Return the first rows of some columns as lines."""
    rows = list(zip(*columns.values(), strict=True))
    cells = [(f"{number:,}", *map(_cell, row)) for number, row in enumerate(rows[:SHOWN], 1)]
    heading = ("ROW", *(plain(name) for name in columns))
    more = len(rows) > SHOWN
    return [
        *text_table(heading, cells, right={0}),
        *(["", f"the first {SHOWN} rows; --out FILE writes all"] if more else []),
    ]


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else plain(str(value))
