"""Files are written whole or not at all."""

import errno
from pathlib import Path

import pytest

import corenet as cn
from corenet.files import write_bytes, write_text


def test_text_and_bytes(tmp_path):
    write_text(tmp_path / "a", "σ\n")
    assert (tmp_path / "a").read_bytes() == "σ\n".encode()
    assert write_bytes(str(tmp_path / "b"), b"\x00\xff") == tmp_path / "b"
    assert (tmp_path / "b").read_bytes() == b"\x00\xff"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_an_older_file_is_replaced(tmp_path):
    write_text(tmp_path / "a", "long and old")
    write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "new"


@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_a_failed_write_leaves_the_older_file_and_nothing_else(step, tmp_path, monkeypatch):
    path = tmp_path / "a"
    write_text(path, "old")
    write = Path.write_bytes

    def full(self, content):
        if step == "write_bytes":
            write(self, b"ha")  # half of it is on the disk
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, step, full)
    with pytest.raises(cn.OutputError) as caught:
        write_text(path, "new")
    monkeypatch.undo()
    assert str(caught.value) == (
        f"cannot write {path}: No space left on device; choose a folder that exists and is writable"
    )
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_cannot_be_overwritten(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(cn.OutputError, match="cannot write"):
        write_text(tmp_path / "folder", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_path_below_a_file_is_refused(tmp_path):
    write_text(tmp_path / "file", "x")
    with pytest.raises(cn.OutputError, match="Not a directory"):
        write_text(tmp_path / "file" / "below", "x")


def test_no_path_at_all_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(cn.OutputError, match="cannot write"):
        write_text("", "x")
    assert list(tmp_path.iterdir()) == []
