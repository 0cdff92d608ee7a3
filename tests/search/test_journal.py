"""The journal: it survives who is killed with its lock, or in the middle of a line, and a disk that is full."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("optuna")

import corenet as cn
from corenet.search import journal
from corenet.search.journal import Journal, Lock
from corenet.search.results import ended
from corenet.search.sweep import sweep
from corenet.search.workers import me

HOLD = """
import sys
from corenet.search.journal import Lock
lock = Lock(sys.argv[1])
lock.acquire()
print("held", flush=True)
input()
"""


def test_the_lock_of_one_that_is_killed_is_free_at_once(tmp_path):
    path = str(tmp_path / "journal.log")
    kept = Journal(path)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    assert os.path.lexists(f"{path}.lock")
    holder.kill()
    started = time.monotonic()
    kept.append_logs([{"op_code": 0}])
    assert time.monotonic() - started < 10
    holder.communicate()
    assert list(kept.read_logs(0)) == [{"op_code": 0}]
    assert not os.path.lexists(f"{path}.lock")


def test_the_lock_of_one_elsewhere_is_waited_for_and_then_taken(tmp_path, monkeypatch):
    path = str(tmp_path / "journal.log")
    kept = Journal(path)
    monkeypatch.setattr(journal, "HELD", 0.3)
    os.symlink("another machine:1:1#7", f"{path}.lock")
    started = time.monotonic()
    kept.append_logs([{"op_code": 0}])
    assert time.monotonic() - started >= 0.3
    lock = Lock(path)
    lock.acquire()
    os.unlink(f"{path}.lock")
    os.symlink("another machine:1:1#8", f"{path}.lock")  # it took this one for gone
    lock.release()
    assert os.readlink(f"{path}.lock") == "another machine:1:1#8"


def test_what_this_process_itself_has_left_is_no_hindrance(tmp_path):
    kept = Journal(str(tmp_path / "journal.log"))
    os.symlink(f"{me()}#1", tmp_path / "journal.log.lock")
    kept.append_logs([{"op_code": 0}])


def test_a_line_that_was_written_in_part_is_cut(search, tmp_path):
    asked = search(trials=3)
    sweep(asked)
    path = tmp_path / "journal.log"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op_code":4,"worker_id":"some')
    assert len(ended(asked.study())) == 3
    sweep(search(trials=4))
    assert len(ended(asked.study())) == 4
    assert path.read_bytes().startswith(whole)
    assert all(json.loads(each) for each in path.read_bytes().splitlines())


def test_a_disk_that_is_full_is_one_line_and_the_search_goes_on_after(worker, search, tmp_path):
    path = str(tmp_path / "journal.log")
    sweep(search(trials=1))
    limit = os.path.getsize(path) + 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        full = worker(path, 5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    _, said = full.communicate(timeout=120)
    assert (full.returncode, said.count("\n")) == (2, 1)
    assert f"cannot use the storage {path}: File too large" in said
    assert os.path.getsize(path) == limit
    sweep(search(trials=5))
    assert len(ended(search().study())) == 5


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "x", "\n\n", '{"op": 1}\n{}\n'])
def test_a_file_of_something_else_is_refused_and_left_as_it_is(search, tmp_path, content):
    path = tmp_path / "journal.log"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(cn.OutputError, match=r"journal\.log: it is no journal of a search, but another file"):
        sweep(search())
    assert path.read_text(encoding="utf-8") == content


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (b'{"op_code":4,\n{"op_code":4}\n', "a line of it is damaged"),
        (b'{"op_code":99,"worker_id":"x"}\n', "it is of another version of Optuna"),
        (b'{"op_code":4}\n', "it is of another version of Optuna"),
    ],
)
def test_a_damaged_one_is_one_line(search, tmp_path, damage, message):
    sweep(search(trials=1))
    with open(tmp_path / "journal.log", "ab") as file:
        file.write(damage)
    with pytest.raises(cn.OutputError, match=message):
        sweep(search(trials=2))


def test_a_signal_while_it_waits_for_the_lock_leaves_none_behind(tmp_path, monkeypatch):
    path = str(tmp_path / "journal.log")
    Journal(path)
    os.symlink("another machine:1:1#7", f"{path}.lock")
    lock = Lock(path)
    monkeypatch.setattr(journal.time, "sleep", lambda _: signal.default_int_handler(signal.SIGINT, None))
    with pytest.raises(KeyboardInterrupt):
        lock.acquire()
    monkeypatch.undo()
    os.unlink(f"{path}.lock")
    lock.acquire()
    lock.release()
