"""``corenet sweep``: an experiment with other numbers, many times, towards the best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corenet.cli import options
from corenet.cli.echo import echo
from corenet.text_table import text_table

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

    from corenet.search.sweep import Search

SHOWN = 5
FIGURE = "trials.png"


@click.command()
@click.argument("name", metavar="FILE|ID")
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="ENTRY=VALUES",
    help="What to try: optimizer.lr=log:1e-3:1, optimizer.momentum=0:0.99, batch_size=16,32,64. Several times.",
)
@click.option(
    "--set", "changes", multiple=True, metavar="ENTRY=VALUE", help="Change an entry for all trials. Several times."
)
@click.option("--trials", type=click.IntRange(1), default=50, show_default=True, metavar="N", help="How many in all.")
@click.option("--metric", default="loss", show_default=True, help="What to make better, on the validation part.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Processes here.")
@click.option("--storage", metavar="PATH|URL", help="Where trials are kept, if not in the output folder.")
@click.option("--study", metavar="NAME", help="The name of the search in the storage, by default that of the file.")
@options.seed
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Output folder.  [default: sweeps/NAME]")
@options.json
@click.option("--quiet", is_flag=True, help="Print the result alone.")
def command(
    name: str,
    params: tuple[str, ...],
    changes: tuple[str, ...],
    trials: int,
    metric: str,
    workers: int,
    storage: str | None,
    study: str | None,
    seed: int,
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Search for the numbers with which an experiment does best, and write it with them.

    FILE is an experiment file (.toml), ID that of an experiment; what it selects by is the part that is looked at,
    never the test part. The same command again goes on where it was stopped, and several at once, on several machines
    too, share one storage.
    """
    from corenet.search import results
    from corenet.search.space import space
    from corenet.search.storage import reached, refuse_without_folder
    from corenet.search.study import JOURNAL
    from corenet.search.sweep import Search, sweep
    from corenet.search.trial import Objective

    if not params:
        raise click.UsageError("say what to try, as in --param optimizer.lr=log:1e-3:1")
    if storage is not None:
        refuse_without_folder(storage)
    stem = Path(name).stem
    folder = out or Path("sweeps") / stem
    options.prepare(folder)
    objective = Objective(name, changes, space(params), metric)
    search = Search(objective, storage or str(folder / JOURNAL), study or stem, trials, seed)
    drawing = options.can_draw()
    stopped = None
    try:
        for fault in sweep(search, workers, None if quiet or as_json else Told(search)):
            echo(f"{fault}; the others did what it had begun", err=True)
    except KeyboardInterrupt as error:
        stopped = error
    found = search.study()
    if stopped is not None and not results.best_first(found):
        raise stopped
    with reached(search.storage):
        results.write(search, found, folder)
        if drawing:
            _draw(search, found, folder)
        if as_json:
            options.print_json(results.to_dict(search, found))
        else:
            _show(search, found, folder)
    if stopped is not None:
        raise stopped


class Told:
    """A line for each trial that is better than all before."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._best: int | None = None

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        from corenet.search.results import best_first, ended, values

        best = best_first(study)
        if best and best[0].number != self._best:
            self._best = best[0].number
            tried = ", ".join(f"{name} {_text(value)}" for name, value in values(self._search, best[0]).items())
            done = f"{len(ended(study))}/{self._search.trials}"
            echo(f"{done:>9}  {self._search.objective.metric} {_text(best[0].value)}  {tried}", indent=11, err=True)


def _show(search: Search, study: optuna.Study, folder: Path) -> None:
    from corenet.search import results

    names = list(search.objective.params)
    rows = [
        (str(trial.number), _text(trial.value), *(_text(results.values(search, trial)[name]) for name in names))
        for trial in results.best_first(study)[:SHOWN]
    ]
    found = results.to_dict(search, study)
    columns = ("TRIAL", search.objective.metric.upper(), *(name.upper() for name in names))
    for line in ["", *text_table(columns, rows, right=set(range(1, len(columns)))), ""]:
        click.echo(line)
    echo(f"{found['trials']} trials, {found['pruned']} of them given up early")
    if found["importance"]:
        parts = sorted(found["importance"].items(), key=lambda each: -each[1])
        echo("what matters: " + ", ".join(f"{name} {share:.0%}" for name, share in parts))
    echo(f"the best experiment is {folder / results.BEST}, all trials are in {folder / results.TRIALS} and {FIGURE}")
    echo(f"train it: corenet train {folder / results.BEST}")


def _draw(search: Search, study: optuna.Study, folder: Path) -> None:
    from corenet.report.plots.search_figure import search_figure
    from corenet.search import results

    trials = sorted(results.best_first(study), key=lambda trial: trial.number)
    sign = -1 if search.objective.direction == "maximize" else 1
    tried = [results.values(search, trial) for trial in trials]
    search_figure(
        folder / FIGURE,
        f"{study.study_name}: {len(trials)} trials trained to the end",
        search.objective.metric if sign > 0 else f"−{search.objective.metric}",
        [sign * (trial.value or 0.0) for trial in trials],
        {name: [each[name] for each in tried] for name in search.objective.params},
        {name for name, values in search.objective.params.items() if getattr(values, "log", False)},
    )


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
