"""Files are written whole or not at all."""

import errno
import os
import stat
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


@pytest.fixture
def usual_mask():
    """Files are made readable for all, as on most machines."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_mask")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o755])
def test_an_older_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "a"
    write_text(path, "old")
    path.chmod(mode)
    write_text(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", mode)


@pytest.mark.usefixtures("usual_mask")
def test_a_private_file_is_at_no_time_readable_for_others(tmp_path, monkeypatch):
    path, modes = tmp_path / "a", []
    write_text(path, "old")
    path.chmod(0o600)
    write = Path.write_bytes

    def watched(self, content):
        write(self, content)
        modes.append(stat.S_IMODE(self.stat().st_mode))

    monkeypatch.setattr(Path, "write_bytes", watched)
    write_text(path, "new")
    assert modes == [0o600]


@pytest.mark.usefixtures("usual_mask")
def test_a_new_file_has_the_mode_that_open_gives(tmp_path):
    write_text(tmp_path / "a", "new")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


@pytest.mark.parametrize("older", [True, False])
def test_a_symbolic_link_is_followed_and_stays(tmp_path, older):
    (tmp_path / "store").mkdir()
    target, link = tmp_path / "store" / "a", tmp_path / "latest"
    if older:
        target.write_text("old")
    link.symlink_to("store/a")
    assert write_bytes(link, b"new") == link
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "latest", "store"]
