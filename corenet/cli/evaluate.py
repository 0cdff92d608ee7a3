"""``corenet evaluate``: how good a saved model is on a table."""

from __future__ import annotations

from pathlib import Path

import click

from corenet.cli import options
from corenet.cli.echo import echo
from corenet.cli.no_plugins import no_plugins
from corenet.cli.warned import warned_in_lines
from corenet.registry.sanitize import plain


@click.command()
@click.argument("model", metavar="RUN|MODEL", type=click.Path(path_type=Path))
@click.argument("table", metavar="TABLE")
@options.one_table
@options.allow_unseen
@no_plugins
@options.json
def command(model: Path, table: str, allow_unseen: bool, as_json: bool) -> None:
    """Measure a saved model on TABLE, which has the target: metrics beside a baseline, and where it errs.

    RUN is the folder of a run, MODEL a file that was saved with its table; TABLE a file, a folder of them or a pattern
    such as 'part-*.csv'. The baseline says the most frequent class of the training part for each row, or its mean.
    """
    from corenet.cli.saved_model import predictor
    from corenet.experiments.evaluation import evaluate
    from corenet.experiments.evaluation_table import evaluation_lines

    with warned_in_lines():
        saved = predictor(model, allow_unseen=allow_unseen)
        found = evaluate(saved.model, saved.coding, saved.datasets(table), saved.loss)
    if as_json:
        options.print_json({"schema": 1, "table": table, **found.to_dict()})
        return
    rows = "row" if found.points == 1 else "rows"
    echo(f"{click.style(plain(table), bold=True)}: {found.points:,} {rows}, the target is {plain(found.target)}")
    for line in ["", *evaluation_lines(found)]:
        echo(line)
