"""Tables that ranks read together: each row once an epoch by one of them, and the training of one process."""

import json
import random
import re
import shutil
from itertools import pairwise

import numpy as np
import pytest

pl = pytest.importorskip("polars")

SEED = random.randrange(1000)


def drawn(rows):
    """Return a table with words, gaps and numbers."""
    draw = np.random.default_rng(SEED)
    x, city = draw.normal(size=rows), draw.choice(["Bonn", "Ulm", "Köln", None], rows)
    gaps = pl.Series(x).set(pl.Series(draw.random(rows) < 0.1), None)
    vote = np.where((x > 0) != (city == "Ulm"), "yes", "no")
    return pl.DataFrame({"x": gaps, "city": pl.Series(city.tolist(), dtype=pl.String), "n": x.round(2), "vote": vote})


@pytest.fixture
def shards(tmp_path):
    """Write a table of an odd number of rows in files of unequal sizes, as text and as Parquet."""

    def written(folder, form):
        table = drawn(2 * random.randint(250, 400) + 1)
        cuts = [0, 7, random.randint(8, 200), random.randint(201, 400), len(table)]
        (tmp_path / folder).mkdir()
        for number, (start, end) in enumerate(pairwise(cuts)):
            part = table[start:end]
            path = tmp_path / folder / f"{number}.{form}"
            part.write_csv(path) if form == "csv" else part.write_parquet(path)
        return folder

    return written


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_ranks_read_each_row_once_and_come_to_the_training_of_one_process(torchrun, program, shards, tmp_path, ranks):
    sources = [shards("texts", "csv"), shards("columns", "parquet")]
    done = torchrun(ranks, program("streams"), SEED, *sources)
    assert done.code == 0, done.err
    told = [tmp_path.joinpath(f"rank-{rank}.jsonl").read_text(encoding="utf-8").splitlines() for rank in range(ranks)]
    cases = [[json.loads(line) for line in lines] for lines in zip(*told, strict=True)]
    assert [(each[0]["source"], each[0]["buffer"]) for each in cases] == [
        (source, buffer) for source in sources for buffer in (90, 5000)
    ]
    for first, *others in cases:
        assert all((each["weights"], each["history"]) == (first["weights"], first["history"]) for each in others)
        np.testing.assert_allclose(first["weights"], first["alone"], rtol=0, atol=1e-12, err_msg=str(SEED))
        np.testing.assert_allclose(*first["numbers"], rtol=0, atol=1e-12, err_msg=str(SEED))
        for epoch in range(3):
            by_rank = [each["read"][epoch] for each in (first, *others)]
            assert sorted(row for rows in by_rank for row in rows) == sorted(first["rows"])
            assert min(map(len, by_rank)) > 0, "each has read a part"


@pytest.fixture
def machines(shards, tmp_path):
    """Give each of two ranks the same files in a folder of its own, as on two machines."""
    folder = tmp_path / shards("shards", "csv")
    for rank in range(2):
        shutil.copytree(folder, tmp_path / f"machine-{rank}" / "shards")  # with the times of the files
    return tmp_path


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("gone", r"shards/\d\.csv is gone since the table was first read; put it back"),
        ("changed", r"shards/\d\.csv was changed since the table was first read"),
    ],
)
def test_a_file_that_one_rank_cannot_read_ends_all_and_the_training_goes_on(torchrun, program, machines, way, said):
    done = torchrun(2, program("shards"), way)
    assert done.code != 0
    (line,) = done.lines("corenet.errors.ShardError: ") or done.lines("[rank0]: corenet.errors.ShardError: ")
    assert re.search(f"rank 1: {said}", line)
    assert re.search(r"the same call of fit goes on from .*checkpoint-000001-\d{8}\.safetensors", done.err), done.err
    assert torchrun(2, program("shards"), "back").code == 0
    assert torchrun(2, program("shards"), "whole").code == 0
    found, whole = (json.loads((machines / f"{name}.json").read_text()) for name in ("back", "whole"))
    for own, other in zip(found, whole, strict=True):
        np.testing.assert_allclose(own, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("other bytes", "rank 1 differs from rank 0 in train data"),
        ("missing", "rank 1 differs from rank 0 in train data"),
        ("stranger", "rank 1 has read a block of 20 points, rank 0 one of 40; give each the same data"),
    ],
)
def test_ranks_with_other_files_are_refused_in_one_line(torchrun, program, machines, way, said):
    done = torchrun(2, program("shards"), way)
    assert machines.name
    assert done.code != 0
    lines = [line for line in done.err.splitlines() if re.match(r"(\[rank\d\]: )?corenet\.errors\.\w+: ", line)]
    assert len(lines) == 1
    assert said in lines[0]
