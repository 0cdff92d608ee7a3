"""Files are written whole or not at all."""

import errno
import os
import stat
import subprocess
import sys

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


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_older_file_and_nothing_else(step, tmp_path, monkeypatch):
    path = tmp_path / "a"
    write_text(path, "old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)  # when all of it, or a part, is on the disk
    with pytest.raises(cn.OutputError) as caught:
        write_text(path, "new")
    monkeypatch.undo()
    assert str(caught.value) == (
        f"cannot write {path}: No space left on device; free some space, or choose a folder that exists and is writable"
    )
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links_that_lead_in_a_circle_stay_and_are_named(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(cn.OutputError, match=r"cannot write .*a: Too many levels of symbolic links"):
        write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").is_symlink()


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be asked there")
def test_content_and_name_are_on_the_disk_in_this_order(tmp_path, monkeypatch):
    calls = []

    def fsync(descriptor, own=os.fsync):
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else os.fstat(descriptor).st_size)
        own(descriptor)

    def replace(partial, target, own=os.replace):
        calls.append("replace")
        own(partial, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_bytes(tmp_path / "a", b"new")
    assert calls == [3, "replace", "folder"]


KILLED = """
import os, sys
from corenet.files import write_bytes
os.replace = lambda partial, target: os._exit(9)
write_bytes(sys.argv[1], b"half")
"""


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path):
    path = tmp_path / "a"
    write_text(path, "old")
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False).returncode == 9
    assert (len(list(tmp_path.iterdir())), path.read_text()) == (2, "old")
    write_text(tmp_path / "b", "another")
    assert len(list(tmp_path.iterdir())) == 3  # each cleans up for its own file
    write_text(path, "new")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "b"]
    assert path.read_text() == "new"


def test_what_another_writer_is_writing_is_left_alone(tmp_path):
    path, living = tmp_path / "a", f".a.{os.getpid()}.{'0' * 16}.partial"
    for other in (living, ".a.x.partial", f".b.99999999.{'0' * 16}.partial"):
        (tmp_path / other).touch()
    write_text(path, "new")
    assert len(list(tmp_path.iterdir())) == 4


def test_what_a_writer_on_another_machine_is_writing_is_left_alone(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    written = tmp_path / f".a.99999999.{'0' * 16}.partial"  # of no process here
    with written.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        write_text(tmp_path / "a", "new")
        assert written.exists()
    write_text(tmp_path / "a", "newer")
    assert not written.exists()


def test_two_writers_do_not_mix(tmp_path, monkeypatch):
    path = tmp_path / "a"

    def replace(partial, target, own=os.replace):
        monkeypatch.undo()
        write_text(path, "the second, which ends first")
        own(partial, target)

    monkeypatch.setattr(os, "replace", replace)
    write_text(path, "the first")
    assert path.read_text() == "the first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with a name")
def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_bytes(pipe, b"new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


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

    def watched(descriptor, own=os.fsync):
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        own(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    write_text(path, "new")
    assert modes[0] == 0o600


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
