"""A child that answers requests: what ends, hangs or fills it costs its own answer and no other's."""

import sys
import time

import pytest

from corenet.registry.doctor.worker import EndedError, Worker

CODE = """
import ctypes, os, sys, time
from corenet.registry.doctor import worker

worker.USED = 2**27
kept = []

def answer(request):
    what, *about = request
    print("chatty")
    if what == "pid":
        return os.getpid()
    if what == "sleep":
        time.sleep(*about)
    if what == "end":
        os._exit(*about)
    if what == "crash":
        ctypes.string_at(0)
    if what == "leave":
        if os.fork() == 0:
            time.sleep(25)
        os._exit(4)
    if what == "read":
        return sys.stdin.read()
    if what == "fill":
        try:
            kept.append(b'x' * about[0])
        except MemoryError:
            return "refused"
    return request

def run_in_child():
    worker.serve(answer, memory=2**29)
"""


@pytest.fixture
def worker(tmp_path, monkeypatch):
    (tmp_path / "worker_code.py").write_text(CODE, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    with Worker("worker_code") as made:
        yield made


def test_one_process_answers_all_requests_in_order(worker):
    pid = worker.ask(["pid"], 60)
    assert [worker.ask([each], 60) for each in ("a", "é")] == [["a"], ["é"]]
    assert worker.ask(["pid"], 60) == pid


def test_what_it_prints_is_no_answer_and_there_is_nothing_to_read(worker, capfd):
    assert worker.ask(["read"], 60) == ""
    worker.stop()
    out, err = capfd.readouterr()
    assert (out, err) == ("", "chatty\n")


@pytest.mark.parametrize(
    ("request_", "ending"),
    [
        (["end", 0], "ended Python with exit code 0"),
        (["end", 3], "ended Python with exit code 3"),
        (["crash"], "crashed Python: Segmentation fault"),
        (["leave"], "ended Python with exit code 4"),  # though a process that it started holds its pipes open
    ],
)
def test_what_ends_it_is_told_and_another_process_goes_on(worker, request_, ending):
    pid = worker.ask(["pid"], 60)
    start = time.monotonic()
    with pytest.raises(EndedError, match=ending):
        worker.ask(request_, 60)
    assert time.monotonic() - start < 20
    assert worker.ask(["pid"], 60) != pid


def test_what_never_returns_is_stopped_after_its_time(worker):
    pid = worker.ask(["pid"], 60)  # the start of the process is not part of anybody's time
    start = time.monotonic()
    with pytest.raises(EndedError, match=r"^took longer than 0\.5 s$"):
        worker.ask(["sleep", 60], 0.5)
    assert 0.5 <= time.monotonic() - start < 10
    assert worker.ask(["pid"], 60) != pid


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no other system holds a process to it")
def test_memory_is_limited(worker):
    pid = worker.ask(["pid"], 60)
    assert worker.ask(["fill", 2**30], 60) == "refused"
    assert worker.ask(["pid"], 60) == pid


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the unit of memory is another")
def test_after_a_request_that_took_much_memory_another_process_answers(worker):
    pid = worker.ask(["pid"], 60)
    assert worker.ask(["fill", 2**28], 60) == ["fill", 2**28]
    assert worker.ask(["pid"], 60) != pid
