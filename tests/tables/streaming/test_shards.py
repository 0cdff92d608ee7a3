"""The files of a table: which they are, and that they stay as they were."""

import os

import pytest

import corenet as cn
from corenet.tables.streaming.shards import shards_of


def test_the_files_of_a_folder_are_its_tables_by_name(tmp_path):
    for name in ("b.csv", "a.tsv", "_SUCCESS", ".hidden.csv", "notes.md"):
        (tmp_path / name).write_text("a,y\n1,2\n")
    assert [each.path.name for each in shards_of(tmp_path)] == ["a.tsv", "b.csv"]
    assert [each.path.name for each in shards_of(tmp_path / "*.csv")] == ["b.csv"]
    assert [each.path.name for each in shards_of(tmp_path / "b.csv")] == ["b.csv"]


@pytest.mark.parametrize(
    ("name", "kind", "match"),
    [
        ("missing.csv", cn.OutputError, "there is no file"),
        ("none-*.csv", cn.OutputError, "no file is called"),
        ("folder", cn.OutputError, "a folder without tables"),
        ("empty.csv", cn.DataError, "is empty"),
        ("x.npy", cn.DataError, "of NumPy, which is not read block by block"),
        ("*", cn.DataError, "are of two kinds"),
    ],
)
def test_what_is_no_table_of_files_is_refused(tmp_path, name, kind, match):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.csv").touch()
    if name != "empty.csv":
        (tmp_path / "empty.csv").write_text("a\n1\n")
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    if name == "x.npy":
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(kind, match=match):
        shards_of(tmp_path / name)


def gone(path):
    path.unlink()


def longer(path):
    path.write_text(path.read_text() + "1,2,yes\n")


def touched(path):
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize(
    ("change", "match"), [(gone, "is gone since"), (longer, "was changed since"), (touched, "was changed since")]
)
def test_a_file_that_changes_in_an_epoch_ends_it(written, change, match):
    folder = written("folder")
    train = cn.stream_table(folder, "vote", buffer=50).train
    blocks = train.blocks(10, seed=0)
    next(blocks)
    for path in folder.iterdir():
        change(path)
    with pytest.raises(cn.ShardError, match=match):
        list(blocks)


def test_files_of_other_columns_are_refused(tmp_path):
    (tmp_path / "1.csv").write_text("a,y\n1,2\n3,4\n")
    (tmp_path / "2.csv").write_text("a,b,y\n1,2,3\n")
    with pytest.raises(cn.DataError, match=r"2\.csv has the columns a, b, y, the first file a, y: 'b' is not in both"):
        cn.stream_table(tmp_path, "y")


def test_files_may_have_their_columns_in_another_order(tmp_path):
    (tmp_path / "1.csv").write_text("a,y\n" + "1.5,no\n2.5,yes\n" * 20)
    (tmp_path / "2.csv").write_text("y,a\n" + "no,1.5\nyes,2.5\n" * 20)
    table = cn.stream_table(tmp_path, "y")
    for block in table.train.blocks(8, seed=0):
        assert ((block.inputs[:, 0] > 0).long() == block.targets).all()
