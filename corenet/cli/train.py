"""``corenet train``: from a table, or an experiment file, to a trained model in a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corenet.cli import options
from corenet.cli.no_plugins import no_plugins
from corenet.cli.warned import warned_in_lines

if TYPE_CHECKING:
    from corenet.experiments import Experiment

RUNS = Path("runs")


class Widths(click.ParamType[list[int]]):
    """Integers ≥ 1 with commas between, or none."""

    name = "widths"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        try:
            found = [int(each) for each in value.split(",") if each.strip()]
        except ValueError:
            found = [0]
        if any(each < 1 for each in found):
            self.fail(f"{value!r} is no list of widths such as 64,64", param, ctx)
        return found


@click.command()
@click.argument("name", metavar="FILE.toml|TABLE|SET")
@options.one_table
@click.option("--target", metavar="COLUMN", help="The column to predict.")
@click.option("--hidden", type=Widths(), metavar="N,N", help="Widths of the hidden layers.")
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="The most passes over the data.")
@click.option("--rounds", type=click.IntRange(1), metavar="N", help="Trainings, each with its own split.")
@options.workers
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", help="Seed of all random numbers.")
@click.option(
    "--exchange-every", type=click.IntRange(1), metavar="N", help="Batches after which processes of torchrun exchange."
)
@click.option("--set", "changes", multiple=True, metavar="ENTRY=VALUE", help="Any entry of an experiment file.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="RUN", help="Folder of the run.  [default: runs/NAME-1, …]"
)
@click.option("--force", is_flag=True, help="Replace a run that is there.")
@click.option("--quiet", is_flag=True, help="Print where the run is, and nothing else.")
@no_plugins
@options.json
def command(
    name: str,
    target: str | None,
    hidden: list[int] | None,
    epochs: int | None,
    rounds: int | None,
    workers: int,
    seed: int | None,
    exchange_every: int | None,
    changes: tuple[str, ...],
    out: Path | None,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train a network on a table, or as an experiment file says, and keep all of it in a folder.

    TABLE is a file of rows (CSV, TSV, Parquet, Arrow, NumPy), a folder of them or a pattern such as 'part-*.csv';
    nothing else is needed but the column to predict. What memory does not hold is read anew in each epoch. SET is the
    name of a set, such as iris or moons. FILE.toml says more: corenet new-experiment writes one.

    \b
      corenet train people.csv --target vote
      corenet train people.csv --target vote --hidden 64,64 --rounds 5
      corenet train people.csv --target vote --set optimizer.lr=0.01
      torchrun --nproc-per-node 2 -m corenet train people.csv --target vote
    """
    from corenet.cli.run_lines import Telling, as_options, finish, stopping
    from corenet.experiments.parts import rounds_of
    from corenet.experiments.train_along import train_along
    from corenet.experiments.train_run import next_folder, refuse_taken, train_run
    from corenet.training.ranks.joining import is_launched, sharing

    given = {"data.target": target, "network.hidden": hidden, "epochs": epochs, "rounds": rounds, "seed": seed}
    given["exchange_every"] = exchange_every
    asked = [f"{entry}={json.dumps(value, ensure_ascii=False)}" for entry, value in given.items() if value is not None]
    tell = Telling(is_quiet=quiet or as_json)
    with sharing(is_launched()) as world, as_options():
        chosen = _experiment(name, [*changes, *asked])
        if world is not None and not world.is_first:
            train_along(chosen, list(rounds_of(chosen.recipe, chosen.folder)))
            return
        folder = next_folder(RUNS, chosen.id) if out is None else out
        refuse_taken(folder, force=force)
        data = list(rounds_of(chosen.recipe, chosen.folder))
        tell.data(data[0])
        with stopping(folder), warned_in_lines():
            told = {"progress": tell.progress, "tell": tell.line}
            run = train_run(chosen, folder, data=data, force=force, workers=workers, **told)  # type: ignore[arg-type]
    finish(run, tell, as_json=as_json)


def _experiment(name: str, changes: list[str]) -> Experiment:
    """Return the experiment that a table or a set makes by itself, that of a file, or that of an id."""
    from corenet.experiments.experiment import experiment, experiments, of_table
    from corenet.experiments.parts import is_set

    is_table = is_set(name) or Path(name).exists() or name not in [each.id for each in experiments()]
    return experiment(name, changes) if name.endswith(".toml") or not is_table else of_table(name, changes)
