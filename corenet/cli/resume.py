"""``corenet resume``: a training that was stopped goes on."""

from __future__ import annotations

from pathlib import Path

import click

from corenet.cli import options
from corenet.cli.no_plugins import no_plugins
from corenet.cli.warned import warned_in_lines


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@options.workers
@click.option("--quiet", is_flag=True, help="Print where the run is, and nothing else.")
@no_plugins
@options.json
def command(folder: Path, workers: int, quiet: bool, as_json: bool) -> None:
    """Go on with a training that was stopped, by Ctrl-C or a kill, in the folder RUN.

    It comes to the weights of a training that was never stopped. Of several rounds, those that are finished stay.
    """
    from corenet.cli.run_lines import Telling, finish, stopping
    from corenet.experiments.train_along import train_along
    from corenet.experiments.train_run import go_on, unfinished
    from corenet.training.ranks.joining import is_launched, sharing

    tell = Telling(is_quiet=quiet or as_json)
    with sharing(is_launched()) as world, stopping(folder), warned_in_lines():
        if world is not None and not world.is_first:
            train_along(*unfinished(folder))
            return
        run = go_on(folder, progress=tell.progress, tell=tell.line, workers=workers)
    finish(run, tell, as_json=as_json)
