import random

import numpy as np
import pytest

pl = pytest.importorskip("polars")
chunks = pytest.importorskip("corenet.tables.streaming.chunks")


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    """Let a chunk be so small that a short table has many."""
    monkeypatch.setattr(chunks, "BYTES", 2000)
    monkeypatch.setattr(chunks, "ROWS", 37)


@pytest.fixture
def frame():
    """Return a messy table of an odd number of rows: a counter, gaps, words, whole numbers, truth values."""

    def made(rows=None, seed=0):
        draw = np.random.default_rng(seed)
        n = rows or random.Random(seed).randint(700, 1300)
        x, city = draw.normal(size=n), draw.choice(["Bonn", "Ulm", "Köln", None], n)
        return pl.DataFrame(
            {
                "id": np.arange(1, n + 1),
                "x": pl.Series(x).set(pl.Series(draw.random(n) < 0.1), None),
                "city": pl.Series(city.tolist(), dtype=pl.String),
                "rooms": draw.integers(1, 30, n),
                "owner": draw.random(n) < 0.5,
                "rent": np.round(300 + 100 * x + draw.normal(size=n), 3),
                "class": draw.integers(0, 3, n),
                "vote": np.where((x > 0) != (city == "Ulm"), "yes", "no"),
            }
        )

    return made


@pytest.fixture
def written(frame, tmp_path):
    """Write the table in one of the forms, and return its path."""

    def path(form, rows=None, seed=0):
        table = frame(rows, seed)
        if form == "parquet":
            table.write_parquet(tmp_path / "t.parquet")
        elif form == "tsv":
            table.write_csv(tmp_path / "t.tsv", separator="\t")
        elif form == "csv":
            table.write_csv(tmp_path / "t.csv")
        else:
            for number, start in enumerate(range(0, len(table), 301)):
                table[start : start + 301].write_csv(tmp_path / f"part-{number}.csv")
            return tmp_path if form == "folder" else tmp_path / "part-*.csv"
        return tmp_path / f"t.{form}"

    return path
