"""A table larger than memory: ``python -m benchmarks.large_table [--rows N] [--form parquet] [--folder DIR]``.

Shards of a million rows are drawn, four different ones and then copies of these. ``corenet train`` learns them for an
epoch in a process of its own, whose memory at its peak and whose processor time are told. Beside it one shard is learnt
streamed and in memory, by the same network with the same seed: rows a second of processor time, and accuracy.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import polars as pl
import torch

import corenet as cn
from corenet.data import Dataset
from corenet.machine import machine

SHARD = 1_000_000
DIFFERENT = 4
NUMBERS = 16
CITIES = np.array(["Bonn", "Ulm", "Jena", "Kiel", "Gera", "Hof"])
BATCH = 256
EPOCHS = 3


def drawn(number: int, rows: int) -> pl.DataFrame:
    """Return a shard: 17 numbers, two columns of words, and a target of three classes."""
    weights = np.random.default_rng(7).normal(size=(2, NUMBERS))
    draw = np.random.default_rng(number)
    x = draw.normal(size=(rows, NUMBERS)).astype(np.float32)
    city, kind = draw.integers(0, len(CITIES), rows), draw.integers(0, 3, rows)
    score = 2 * np.tanh(x @ weights[0] / 4) + (x @ weights[1] / 4) * (city % 2 * 2 - 1) + 0.5 * kind
    score += 0.3 * draw.normal(size=rows)
    return pl.DataFrame(
        {
            **{f"x{place}": x[:, place] for place in range(NUMBERS)},
            "city": CITIES[city],
            "kind": np.array(["a", "b", "c"])[kind],
            "when": (number * rows + np.arange(rows)) * 3 % 997,
            "y": np.where(score > 1, "high", np.where(score < -0.5, "low", "mid")),
        }
    )


def write(folder: Path, rows: int, form: str) -> None:
    """Write a table of so many rows into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(-(-rows // SHARD)):
        path = folder / f"part-{number:04}.{form}"
        size = min(SHARD, rows - number * SHARD)
        if number >= DIFFERENT and size == SHARD:
            shutil.copyfile(folder / f"part-{number % DIFFERENT:04}.{form}", path)
        elif form == "csv":
            drawn(number, size).write_csv(path, float_precision=6)
        else:
            drawn(number, size).write_parquet(path)


def learn_all(folder: Path, out: Path) -> str:
    """Let ``corenet train`` learn the table for an epoch, and return what that took."""
    start = perf_counter()
    asked = ["--target", "y", "--epochs", "1", "--set", f"batch_size={BATCH}", "--out", str(out), "--quiet"]
    subprocess.run([sys.executable, "-m", "corenet", "train", str(folder), *asked], check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (
        f"{perf_counter() - start:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of processor time, "
        f"{used.ru_maxrss / 1024:.0f} MiB at its peak"
    )


def learnt(train: Dataset, test: Dataset, loss: Any) -> tuple[float, float]:
    """Return the rows a second of processor time that were learnt from, and the accuracy after that."""
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(train.inputs.shape[1], 64), cn.ReLU(), cn.Linear(64, 3))
    optimizer = cn.Adam(model.parameters(), lr=0.003)
    start = process_time()
    cn.fit(model, loss, optimizer, train, epochs=EPOCHS, batch_size=BATCH, progress=False)
    return EPOCHS * len(train) / (process_time() - start), cn.accuracy(model, test, loss)


def compare(path: Path) -> None:
    """Learn a file streamed, with a buffer for all rows and with the usual one, and in memory."""
    start, loss = process_time(), cn.CrossEntropyLoss()
    streamed = cn.stream_table(path, "y", buffer=2 * SHARD)
    print(f"pass: {len(streamed) / (process_time() - start):,.0f} rows a second of processor time")
    start = process_time()
    table = cn.table(path, "y")
    memory = table.split()[0]
    print(f"read and coded in memory: {len(table) / (process_time() - start):,.0f}")
    mixed = cn.stream_table(path, "y", buffer=SHARD // 10)
    parts = {
        "in memory": memory,
        "streamed, all rows in the buffer": streamed.train,
        "streamed, a tenth of the rows in the buffer": mixed.train,
    }
    assert streamed.test is not None
    for name, train in parts.items():
        test = streamed.test if name != "in memory" else table.split()[2]
        speed, accuracy = learnt(train, test, loss)
        print(f"{name}: {speed:,.0f} rows a second of processor time, accuracy {accuracy:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=30 * SHARD)
    parser.add_argument("--form", choices=("parquet", "csv"), default="parquet")
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    print(machine(), f"load {os.getloadavg()[0]:.1f}")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary, "shards")
        if not folder.is_dir():
            write(folder, asked.rows, asked.form)
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{asked.rows:,} rows, {size / 1e9:.3g} GB of {asked.form}: {learn_all(folder, Path(temporary, 'run'))}")
        compare(folder / f"part-0000.{asked.form}")


if __name__ == "__main__":
    main()
