"""What commands that train say: what the data was taken for, what came of it, and how to go on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corenet.cli import options
from corenet.cli.echo import echo
from corenet.errors import ConfigError, DataError, MissingExtraError, RankError, ShardError
from corenet.interrupted import Interrupted

if TYPE_CHECKING:
    from corenet.experiments.parts import Parts
    from corenet.experiments.run_folder import RunFolder

ARGUMENT = re.compile(r"\b(columns|missing|delimiter|encoding|header)=")  # of cn.table, in the advice of its errors
VALUES = {"columns": ".NAME=drop", "missing": '=\'["", "-999"]\'', "header": '=\'["a", "b"]\''}


@dataclass(frozen=True)
class Telling:
    """Says on the terminal what happens, unless it is to be quiet."""

    is_quiet: bool

    @property
    def progress(self) -> bool | None:
        """What :func:`corenet.fit` is to show."""
        return False if self.is_quiet else None

    def line(self, text: str = "") -> None:
        """Say a line."""
        if not self.is_quiet:
            echo(text)

    def data(self, parts: Parts) -> None:
        """Say what was decided for each column of a table, and how the rows are divided."""
        from corenet.streamed_data import StreamedDataset

        for line in [] if parts.table is None else repr(parts.table).splitlines():
            self.line(line)
        sizes = ", ".join(f"{len(part):,} {name}" for name, part in parts.named.items())
        self.line(f"rows: {sizes}")
        if isinstance(parts.train, StreamedDataset):
            sample = f"{len(parts.train.targets):,} of its rows"
            self.line(f"the training part is shuffled as it is read; its metrics are those of {sample}")


@contextmanager
def as_options() -> Iterator[None]:
    """Let the advice of errors about tables name the options of the command line too."""
    try:
        yield
    except (ConfigError, DataError) as error:
        text = str(error)
        if isinstance(error, ConfigError) and error.name == "target":
            raise ConfigError(text.replace("say target=", "say --target "), name="target") from error
        if asked := ARGUMENT.search(text):
            name = asked[1]
            raise type(error)(f"{text} (here: --set data.{name}{VALUES.get(name, '=…')})") from error
        raise


@contextmanager
def stopping(folder: Path) -> Iterator[None]:
    """Let what is said of an interrupted training be how to go on."""
    try:
        yield
    except (RankError, ShardError) as error:
        from corenet.experiments.run_folder import is_run

        raise type(error)(f"{error}; corenet resume {folder} goes on" if is_run(folder) else str(error)) from error
    except ConfigError as error:
        if error.name != "checkpoint":
            raise
        from corenet.experiments.run_folder import EXPERIMENT

        first, *_ = str(error).partition("; give another folder")
        fix = f"put it back as it was, or train it anew: corenet train {folder / EXPERIMENT}"
        raise ConfigError(f"{first}; {fix}", name="checkpoint", value=error.value) from error
    except Interrupted as stopped:
        text = f"stopped; {folder} keeps the best model and the history: corenet resume {folder} goes on"
        raise Interrupted(text, signal=stopped.signal) from stopped


def finish(run: RunFolder, tell: Telling, *, as_json: bool) -> None:
    """Add figures and the page of a run, and say what came of it, where it is, and what may come next."""
    from corenet.experiments.run_folder import REPORT
    from corenet.files import write_text
    from corenet.report.results_table import results_table
    from corenet.report.run.page import page

    for each in run.rounds or (run,):
        _draw(each, tell)
    write_text(run.path / REPORT, page(run.path))
    if as_json:
        options.print_json({"run": str(run.path), **run.results})
        return
    for line in ["", *results_table(run.results), ""]:
        tell.line(line)
    model = (run.rounds or (run,))[0].path
    following = f"corenet predict {model} NEW.csv" if run.results["target"] else f"corenet summary {model}"
    echo(f"all of it is in {run.path}/; next: {following}")


def _draw(run: RunFolder, tell: Telling) -> None:
    from corenet.experiments.run_folder import CURVES
    from corenet.report.plots.run_curves import run_curves

    try:
        run_curves(run.path / CURVES, run.history(), run.results["experiment"], run.results["best_epoch"])
    except MissingExtraError as error:
        tell.line(f"no figures: {error}")
