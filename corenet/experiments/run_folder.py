"""The folder of a run: what a training leaves behind, its files by name, and reading it back.

========================  ==============================================================================
``experiment.toml``       all of the training, resolved; the first file that is written
``history.jsonl``         a line for each epoch, as it goes
``checkpoint``            a folder from which a training that was stopped goes on; gone at the end
``model.safetensors``     the model with its table, optimizer, loss and history
``results.json``          what it came to; a folder without it is no finished run
``curves.png``            loss and metrics over the epochs, if matplotlib is there
``report.html``           all of it on one page
========================  ==============================================================================

Of several rounds each is such a folder, ``round-1`` and so on, beside an ``experiment.toml`` and a ``results.json`` of
all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corenet.checkpoint.loading import MODEL, Loaded, load
from corenet.errors import OutputError
from corenet.experiments.experiment import Experiment, experiment

EXPERIMENT = "experiment.toml"
HISTORY = "history.jsonl"
CHECKPOINT = "checkpoint"
CURVES = "curves.png"
REPORT = "report.html"
RESULTS = "results.json"
ROUND = "round-{}"
SCHEMA = 1


@dataclass(frozen=True)
class RunFolder:
    """A finished run. ``results`` is what ``results.json`` says, ``rounds`` the runs that it is made of, if several.

    >>> import tempfile
    >>> from corenet.experiments import experiment, train_run
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = train_run(experiment("003a", ["epochs=2"]), Path(folder, "disk-1"))
    ...     len(run.history()), run.load().model[0], sorted(run.results["metrics"])
    (2, Linear(2 → 25), ['test', 'train', 'valid'])
    """

    path: Path
    results: Mapping[str, Any]
    rounds: tuple[RunFolder, ...] = ()

    @property
    def experiment(self) -> Experiment:
        """What was trained, everything resolved."""
        return experiment(str(self.path / EXPERIMENT))

    @property
    def model(self) -> Path:
        """The file of the model; of several rounds there is one in each."""
        return self.path / MODEL

    def history(self) -> list[dict[str, Any]]:
        """Return what each epoch came to, by the names of the columns of :meth:`corenet.History.to_csv`."""
        return history_of(self.path)

    def load(self) -> Loaded:
        """Return the model and what was saved with it."""
        return load(self.model)


def run_folder(path: str | Path) -> RunFolder:
    """Return the run that lies in a folder.

    Raises:
        OutputError: there is none, or one that is not finished, or another version of corenet wrote it.
    """
    path = Path(path)
    results = _results(path)
    names = results.get("rounds", ())
    return RunFolder(path, results, tuple(run_folder(path / name) for name in names))


def is_run(path: Path) -> bool:
    """Tell whether a folder is of a run, finished or not."""
    return (path / EXPERIMENT).is_file()


def is_finished(path: Path) -> bool:
    """Tell whether a folder is of a run that is finished."""
    return is_run(path) and (path / RESULTS).is_file()


def history_of(path: Path) -> list[dict[str, Any]]:
    """Return the epochs of a run that may not be finished.

    Raises:
        OutputError: they cannot be read.
    """
    return [_parsed(path / HISTORY, line) for line in _read(path / HISTORY).splitlines()]


def _results(path: Path) -> dict[str, Any]:
    if not path.is_dir():
        raise OutputError(f"there is no folder {path}; corenet train makes the folder of a run")
    if not is_finished(path):
        fix = f"corenet resume {path} goes on" if is_run(path) else f"it has no {EXPERIMENT}"
        raise OutputError(f"{path} is no finished run; {fix}")
    found = _parsed(path / RESULTS, _read(path / RESULTS))
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise OutputError(f"{path / RESULTS} is not of the schema {SCHEMA}, which this corenet reads")
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"cannot read {path}: {error}") from error


def _parsed(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise OutputError(f"{path} is damaged: {error}") from error
