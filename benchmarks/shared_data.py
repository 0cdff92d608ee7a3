"""What ranks share out beside the steps: ``torchrun --nproc-per-node 2 -m benchmarks.shared_data streams|measures``.

``python -m benchmarks.shared_data …`` is the same by one process. ``streams`` reads, and learns from, a table that is
read anew in each epoch; ``measures`` learns from a data set and measures on one as large. Told is, of the last epoch,
the time by the clock and the processor's time of the first rank, all its threads, and its memory at its peak so far.
``--each`` lets every rank read and measure all of it, as if nothing were shared out.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time
from unittest.mock import patch

import torch

import corenet as cn
from benchmarks.large_table import drawn
from corenet.contracts.callback import Training
from corenet.machine import machine
from corenet.tables.streaming.rows import TrainingRows
from corenet.training.computing import at_once
from corenet.training.ranks import fit_on_ranks
from corenet.training.ranks.joining import is_launched, joined

BATCH = 256
EPOCHS = 3


class Clock(cn.Callback):
    """Notes both times after each epoch."""

    def begin(self, training: Training) -> None:
        """Begin anew."""
        self.times = [(perf_counter(), process_time())]

    def after_epoch(self, training: Training) -> None:
        """Note the times."""
        self.times.append((perf_counter(), process_time()))

    def last(self) -> tuple[float, float]:
        """Return what the last epoch took."""
        (clock, processor), (clock_then, processor_then) = self.times[-1], self.times[-2]
        return clock - clock_then, processor - processor_then


def fit(widths: tuple[int, ...], train: cn.data.Dataset, valid: cn.data.Dataset | None, **settings: object) -> Clock:
    """Train a network on classes, and return the times."""
    torch.manual_seed(0)
    layers = [layer for sizes in pairwise(widths) for layer in (cn.Linear(*sizes), cn.ReLU())]
    model, clock = cn.Sequential(*layers[:-1]), Clock()
    cn.fit(
        model,
        cn.CrossEntropyLoss(),
        cn.Adam(model.parameters(), lr=0.001),
        train,
        valid,
        epochs=EPOCHS,
        callbacks=[clock],
        progress=False,
        distributed=is_launched(),
        **settings,  # type: ignore[arg-type]
    )
    return clock


def streams(folder: Path, each: bool) -> Iterator[str]:
    """Yield what it takes to read a table for an epoch, and to learn from it."""
    start = process_time()
    table = cn.stream_table(folder, "y")
    yield line("the pass", len(table), 0.0, process_time() - start)
    with joined() if is_launched() else nullcontext() as world:
        train = table.train if world is None or each else table.train.shared_by(world)
        for epoch in range(EPOCHS):
            clock, processor = perf_counter(), process_time()
            rows = sum(len(block.rows) for block in train.blocks(BATCH, seed=0, epoch=epoch))
            found = perf_counter() - clock, process_time() - processor
        yield line("reading", rows, *found)
    found = fit((table.train.inputs.shape[1], 64, 3), table.train, None, batch_size=BATCH).last()
    yield line("reading and learning", rows, *found)


def measures() -> Iterator[str]:
    """Yield what an epoch takes of which half is measuring, and of which nothing is."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, 40_000, 64, generator=generator)
    train, valid = (cn.data.Dataset(each, each[:, :10].argmax(1)) for each in inputs)
    asked = {"batch_size": 1000, "engine": "plain"}
    yield line("learning", len(train), *fit((64, 512, 512, 10), train, None, metrics=[], **asked).last())
    metrics = ["accuracy", "f1", "confusion_matrix"]
    found = fit((64, 512, 512, 10), train, valid, metrics=metrics, **asked).last()
    yield line("learning and measuring on both", len(train), *found)


def line(what: str, rows: int, clock: float, processor: float) -> str:
    """Return a line of the table."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{what:<32} {rows:>10,} rows {clock:>7.2f} s {processor:>7.2f} s of processor time {peak:>7,.0f} MiB"


@contextmanager
def nothing_shared(each: bool) -> Iterator[None]:
    """Let every rank do all of it, if that is asked for."""
    if not each:
        yield
        return
    own = patch.object(TrainingRows, "shared_by", lambda self, world: self)
    with own, patch.object(fit_on_ranks, "computing_of", lambda *_: at_once):
        yield


def main() -> None:
    """Measure, and print what the first rank found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("streams", "measures"))
    parser.add_argument("--each", action="store_true", help="let every rank read and measure all of it")
    parser.add_argument("--rows", type=int, default=700_000, help="of the table that is streamed")
    parser.add_argument("--form", choices=("parquet", "csv"), default="csv")
    asked = parser.parse_args()
    ranks, is_first = int(os.environ.get("WORLD_SIZE", "1")), os.environ.get("RANK", "0") == "0"
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary, nothing_shared(asked.each):
        if asked.what == "streams":
            for number in range(4):
                frame, path = drawn(number, asked.rows // 4), Path(temporary, f"part-{number}.{asked.form}")
                frame.write_csv(path, float_precision=6) if asked.form == "csv" else frame.write_parquet(path)
        lines = [*(streams(Path(temporary), asked.each) if asked.what == "streams" else measures())]
    if is_first:
        print(f"{machine()}, load {os.getloadavg()[0]:.1f}, {ranks} ranks")
        print("\n".join(lines))


if __name__ == "__main__":
    main()
