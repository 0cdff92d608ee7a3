"""A training that leaves the folder of a run."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from corenet.checkpoint.loading import MODEL
from corenet.checkpoint.saving import save
from corenet.errors import ConfigError, OutputError, RankError, ShardError
from corenet.experiments.building import callbacks_of
from corenet.experiments.experiment import Experiment, Recipe, experiment
from corenet.experiments.parts import Parts, rounds_of
from corenet.experiments.resolved import resolved
from corenet.experiments.results import results_of, results_over
from corenet.experiments.rounds import Round
from corenet.experiments.run_folder import (
    CHECKPOINT,
    EXPERIMENT,
    HISTORY,
    RESULTS,
    ROUND,
    RunFolder,
    is_finished,
    is_run,
    run_folder,
)
from corenet.experiments.train_along import announce, announce_end, round_of
from corenet.experiments.training import begun, trained
from corenet.experiments.writing import write
from corenet.files import write_text
from corenet.history import History
from corenet.interrupted import Interrupted, leaving
from corenet.registry.named import class_of
from corenet.side_by_side import SideBySide
from corenet.training.going_on.folder import Folder

Tell = Callable[[str], None]
ToTrain = tuple[int, Parts, Path]  # the number of a round, its data, its folder


def _nothing(_: str) -> None:
    """Tell nobody."""


def train_run(
    chosen: Experiment,
    out: Path,
    *,
    data: Sequence[Parts] | None = None,
    force: bool = False,
    progress: bool | None = False,
    tell: Tell = _nothing,
    workers: int = 1,
) -> RunFolder:
    """Train the recipe of an experiment, and return the folder of the run, which is ``out``.

    Where an error ends the training no folder is left; Ctrl-C leaves one from which :func:`go_on` goes on, and so do
    the files of a streamed table that can no longer be read, and another rank that has ended.

    Args:
        chosen: what to train.
        out: a folder that is not there yet.
        data: that of each round, if it was read already.
        force: take the place of a run that is there.
        progress: as for :func:`~corenet.fit`.
        tell: hears of each round of several as it begins, or, by several workers, as it is done.
        workers: how many processes of this machine share the rounds, each with one thread.

    Raises:
        OutputError: the folder is there, or cannot be written.
        RankError: a worker was killed; :func:`go_on` goes on.
        DataError, ConfigError: the data cannot be learnt from, or what is said of it not be built; there are several
            workers and one round.
    """
    data = list(rounds_of(chosen.recipe, chosen.folder)) if data is None else data
    refuse_taken(out, force=force)
    begun(chosen.recipe, data[0], chosen.folder)  # what cannot be built is told before there is a folder
    with _new_folder(out):
        _describe(chosen, chosen.recipe, data[0], out)
        return _train_all(chosen, data, out, progress, tell, workers)


def go_on(path: Path, *, progress: bool | None = False, tell: Tell = _nothing, workers: int = 1) -> RunFolder:
    """Go on with a training that was stopped, by Ctrl-C or a kill, and return the folder of the run.

    Raises:
        OutputError: it is no folder of a run.
        ConfigError: the run is finished.
    """
    return _train_all(*unfinished(path), path, progress, tell, workers)


def unfinished(path: Path) -> tuple[Experiment, list[Parts]]:
    """Return what a run trains that was stopped, and the data of each of its rounds.

    Raises:
        OutputError, ConfigError: as :func:`go_on`.
    """
    if not is_run(path):
        raise OutputError(f"{path} is no folder of a run: it has no {EXPERIMENT}")
    if is_finished(path):
        raise ConfigError(f"{path} is finished; corenet train {path / EXPERIMENT} trains it anew")
    chosen = experiment(str(path / EXPERIMENT))
    return chosen, list(rounds_of(chosen.recipe, path))


def next_folder(parent: Path, name: str) -> Path:
    """Return a folder that is not there yet: ``runs/iris-1``, then ``runs/iris-2``."""
    return next(path for number in count(1) if not (path := parent / f"{name}-{number}").exists())


def refuse_taken(path: Path, *, force: bool) -> None:
    """Refuse a folder that is there, but for one that is empty, and a run that ``force`` says to replace.

    Raises:
        OutputError: it is, or the run is still being trained.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        if not is_run(path):
            raise OutputError(f"{path} is there and is no folder of a run; choose another by --out")
        if not force:
            raise OutputError(f"{path} is there already; choose another folder by --out, or replace it by --force")
        for checkpoints in path.rglob(CHECKPOINT):
            with Folder(checkpoints, keep=1).owned():  # by nobody else: a training holds its own
                pass


@contextmanager
def _new_folder(path: Path) -> Iterator[None]:
    """Make a folder in the place of what is there, and let it be gone when this ends by an error."""
    try:
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path}: {error.strerror}; choose another by --out") from error
    try:
        yield
    except (ShardError, RankError):
        raise
    except Exception:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _train_all(
    chosen: Experiment, data: Sequence[Parts], out: Path, progress: bool | None, tell: Tell, workers: int
) -> RunFolder:
    """Train every round that is not finished."""
    recipe = chosen.recipe
    if recipe.rounds == 1:
        if workers > 1:
            raise ConfigError("workers share rounds, and there is one; say rounds=2, or workers=1", name="workers")
        announce(0, out)
        _train(chosen, recipe, data[0], out, progress)
        announce_end()
        return run_folder(out)
    folders = [out / ROUND.format(number) for number in range(1, recipe.rounds + 1)]
    left = [(number, parts, folders[number]) for number, parts in enumerate(data) if not is_finished(folders[number])]
    if workers > 1 and len(left) > 1:
        _side_by_side(chosen, left, workers, tell)
    else:
        for number, parts, folder in left:
            tell(f"round {number + 1} of {recipe.rounds}")
            _train_round(chosen, number, parts, folder, progress)
    announce_end()
    _write(out, results_over({folder.name: run_folder(folder).results for folder in folders}))
    return run_folder(out)


def _side_by_side(chosen: Experiment, left: Sequence[ToTrain], workers: int, tell: Tell) -> None:
    """Let each of several processes train its share of the rounds."""
    shares = [left[worker::workers] for worker in range(min(workers, len(left)))]
    with leaving("stopped"), SideBySide(_share, [(chosen, share) for share in shares]) as processes:
        for number, advice in processes.found():
            tell(f"round {number + 1} of {chosen.recipe.rounds} is done")
            for each in advice:
                warnings.warn(each, stacklevel=2)


def _share(chosen: Experiment, share: Sequence[ToTrain]) -> Iterator[tuple[int, list[Warning | str]]]:
    for number, parts, folder in share:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always", UserWarning)
            _train_round(chosen, number, parts, folder, False)
        yield number, [each.message for each in found]


def _train_round(chosen: Experiment, number: int, parts: Parts, folder: Path, progress: bool | None) -> None:
    recipe = round_of(chosen.recipe, number)
    folder.mkdir(exist_ok=True)
    _describe(chosen, recipe, parts, folder)
    announce(number, folder)
    _train(chosen, recipe, parts, folder, progress)


def _describe(chosen: Experiment, recipe: Recipe, parts: Parts, out: Path) -> None:
    """Write what is trained, everything resolved, with the Python files that it names."""
    write(out / EXPERIMENT, chosen, resolved(recipe, parts))


def _train(chosen: Experiment, recipe: Recipe, parts: Parts, out: Path, progress: bool | None) -> None:
    """Train one round into a folder; one that is stopped leaves its model as it is then, the best weights in it."""
    round = begun(recipe, parts, chosen.folder)
    own = callbacks_of(recipe, parts)
    try:
        logger = class_of("callback", "jsonl_logger")(out / HISTORY)
        history = trained(recipe, round, [*own, logger], out / CHECKPOINT, progress)
    except (Interrupted, ShardError) as stopped:
        _save(out, replace(round, history=History(stopped.history)))  # type: ignore[union-attr, arg-type]  # epochs, out of fit
        raise
    round = replace(round, history=history)
    _save(out, round)
    _write(out, results_of(chosen, recipe, round, _best_epoch(own)))
    shutil.rmtree(out / CHECKPOINT, ignore_errors=True)


def _save(out: Path, round: Round) -> None:
    save(
        out / MODEL,
        round.model,
        round.optimizer,
        loss=round.loss,
        table=round.parts.coding,
        history=round.history,
    )


def _best_epoch(callbacks: Sequence[Any]) -> int | None:
    """Return the epoch whose weights were put back, if a callback did so."""
    return next((each.best_epoch for each in callbacks if getattr(each, "restore_best", False)), None)


def _write(out: Path, results: Mapping[str, Any]) -> None:
    write_text(out / RESULTS, json.dumps(results, indent=1, allow_nan=False) + "\n")
