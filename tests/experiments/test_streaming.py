"""``corenet train`` on tables that are read anew in each epoch: by their size, in shards, stopped and gone on with."""

import json

import numpy as np
import pytest
import torch

import corenet as cn
from corenet.cli import main
from corenet.experiments import run_folder

pl = pytest.importorskip("polars")


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch, tmp_path):
    from corenet.tables.streaming import chunks, size

    monkeypatch.setattr(chunks, "BYTES", 4000)
    monkeypatch.setattr(size, "SMALL", 1)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def shards(tmp_path):
    """Write a table in three files, and return their folder."""
    draw = np.random.default_rng(0)
    x, city = draw.normal(size=901), draw.choice(["Bonn", "Ulm", ""], 901)
    table = pl.DataFrame({"x": x, "city": city, "vote": np.where((x > 0) != (city == "Ulm"), "yes", "no")})
    folder = tmp_path / "shards"
    folder.mkdir()
    for number, start in enumerate(range(0, 901, 301)):
        table[start : start + 301].write_csv(folder / f"part-{number}.csv")
    table.write_csv(tmp_path / "votes.csv")
    return folder


@pytest.fixture
def train(capsys):
    """Train for some epochs, and return the exit code and what was said."""

    def run(*arguments, command="train", options=("--target", "vote", "--set", "data.buffer=200")):
        with pytest.raises(SystemExit) as ended:
            main([command, *map(str, arguments), *options])
        told = capsys.readouterr()
        return ended.value.code, told.out, told.err

    return run


def weights(run):
    return run_folder(run).load().model.state_dict()


@pytest.mark.parametrize("source", ["shards", "shards/part-*.csv", "votes.csv"])
@pytest.mark.usefixtures("shards")
def test_a_table_of_files_ends_as_a_table_in_memory_does(train, source):
    code, told, _ = train(source, "--epochs", 25, "--out", "run", "--set", "data.stream=true")
    assert code == 0
    assert "read anew in each epoch, block by block:" in told
    assert "its metrics are those of" in told
    results = run_folder("run").results
    assert results["data"]["rows"] == 901
    assert results["metrics"]["test"]["accuracy"] > 0.9
    assert run_folder("run").experiment.recipe.data["stream"] is True
    code, told, _ = train("run", "votes.csv", "--json", command="evaluate", options=())
    assert json.loads(told)["metrics"]["accuracy"] > 0.9


@pytest.mark.usefixtures("shards")
def test_it_is_streamed_where_free_memory_does_not_hold_it(train, monkeypatch):
    for free, streamed in ((10**9, False), (1000, True)):
        monkeypatch.setattr("corenet.experiments.streaming.free_memory", lambda free=free: free)
        code, told, error = train("votes.csv", "--epochs", 1, "--out", f"run-{free}")
        assert code == 0, error
        assert ("read anew in each epoch" in told) == streamed
        assert run_folder(f"run-{free}").experiment.recipe.data["stream"] is streamed


@pytest.mark.usefixtures("shards")
def test_the_file_of_a_run_trains_the_same_again(train):
    train("shards", "--epochs", 3, "--out", "run")
    assert train("run/experiment.toml", "--out", "again", options=())[0] == 0
    torch.testing.assert_close(weights("again"), weights("run"), rtol=0, atol=0)


def test_a_run_of_a_pattern_is_called_by_what_is_plain_in_it(train, shards):
    for pattern in ("part-*.csv", "*.csv"):
        assert train(f"shards/{pattern}", "--epochs", 1)[0] == 0
    assert sorted(each.name for each in (shards.parent / "runs").iterdir()) == ["part-1", "shards-1"]


def test_rounds_have_their_own_parts_and_several_folders(train, shards):
    assert train(shards, "--epochs", 2, "--rounds", 2, "--out", "run")[0] == 0
    parts = [each.results["data"]["parts"] for each in run_folder("run").rounds]
    assert sum(parts[0].values()) == sum(parts[1].values()) == 901
    assert parts[0] != parts[1]


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_a_shard_that_goes_in_an_epoch_is_one_line_and_the_run_goes_on_to_the_same_weights(
    train, shards, monkeypatch, what
):
    from corenet.tables.streaming.rows import Source

    train("shards", "--epochs", 4, "--out", "whole")
    shard, kept, read, reads = shards / "part-1.csv", shards.parent / "kept", Source.block, []

    def block(source, place):
        reads.append(place)
        if len(reads) == 2 * len(source.chunks) + 3 and shard.exists():  # in the third epoch
            shard.rename(kept)
            if what == "changed":
                shard.write_text("x,city,vote\n1,Bonn,yes\n")
        return read(source, place)

    monkeypatch.setattr(Source, "block", block)
    code, _, error = train("shards", "--epochs", 4, "--out", "run")
    assert code == 2
    assert [line for line in error.splitlines() if line.startswith("corenet:")] == error.splitlines()[-1:]
    assert "part-1.csv" in error
    assert "corenet resume run goes on" in " ".join(error.split())
    monkeypatch.setattr(Source, "block", read)
    if what == "changed":
        code, _, error = train("run", command="resume", options=())
        said = " ".join(error.split())
        assert code == 2
        assert "is of another training: train is" in said
        assert said.endswith("put it back as it was, or train it anew: corenet train run/experiment.toml")
    kept.rename(shard)
    code, _, error = train("run", command="resume", options=())
    assert code == 0, error
    torch.testing.assert_close(weights("run"), weights("whole"), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("source", "match"),
    [("none-*.csv", "no file is called"), ("empty", "a folder without tables"), ("missing", "there is no")],
)
def test_what_is_no_table_is_one_line_and_leaves_no_folder(train, tmp_path, source, match):
    (tmp_path / "empty").mkdir()
    code, _, error = train(source)
    assert code == 2
    assert match in error
    assert not (tmp_path / "runs").exists()


def test_a_table_too_large_for_memory_is_refused_with_the_way_out(write_large, monkeypatch):
    monkeypatch.setattr("corenet.tables.memory.free_memory", lambda: 1000)
    with pytest.raises(cn.DataError, match=r"cn\.stream_table reads it block by block"):
        cn.table(write_large, "y")


@pytest.fixture
def write_large(tmp_path):
    path = tmp_path / "large.csv"
    path.write_text("x,y\n" + "1.5,no\n2.5,yes\n" * 100)
    return path
