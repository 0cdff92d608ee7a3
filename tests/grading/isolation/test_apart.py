"""A function in a process of its own: its answer, or why there is none, and nothing that outlives it."""

import os
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from corenet.registry.doctor.worker import EndedError


def test_what_it_returns_comes_back_with_the_files_it_was_given(apart):
    number = random.randrange(10**6)
    answer = apart(
        "return [int(open('a.txt').read()) + 1, sorted(__import__('os').listdir())]", files={"a.txt": str(number)}
    )
    assert (answer["value"], answer["fault"], answer["refusals"]) == ([number + 1, ["a.txt"]], "", [])


def test_its_folder_is_gone_afterwards_with_what_it_wrote(apart):
    folder = apart("open('b.txt', 'w').write('x' * 1000)\nimport os\nos.mkdir('c', 0)\nreturn os.getcwd()")["value"]
    assert folder
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("import os\nos._exit(0)", "ended Python with exit code 0"),
        ("import os\nos._exit(7)", "ended Python with exit code 7"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt: "),
        ("import os\nos.abort()", "crashed Python: "),
        ("return 1 / 0", "ZeroDivisionError: division by zero"),
        ("return bytearray(10**10)", "MemoryError: "),
        ("def f(): return f()\nreturn f()", "RecursionError: maximum recursion depth exceeded"),
        ("return object()", "TypeError: Object of type object is not JSON serializable"),
        ("import os\nos.closerange(0, 100)\nreturn 1", "ended Python with exit code 1"),
        ("raise type('E' * 1000, (Exception,), {})('x')", "E" * 300),
    ],
)
def test_an_end_that_is_no_answer_is_told(apart, code, fault):
    answer = apart(code)
    assert answer["value"] is None
    assert answer["fault"].startswith(fault)


def test_what_it_told_before_its_end_comes_back(apart):
    answer = apart("import os\ntell({'a': 1})\ntell([2])\nos._exit(4)")
    assert (answer["value"], answer["parts"], answer["fault"]) == (
        None,
        [{"a": 1}, [2]],
        "ended Python with exit code 4",
    )


def test_what_takes_too_long_is_ended_in_time(apart):
    begin = time.monotonic()
    answer = apart("while True: pass", seconds=0.5)
    assert answer["fault"] == "took longer than 0.5 s"
    assert time.monotonic() - begin < 5


def test_what_sleeps_is_ended_by_the_clock(apart):
    begin = time.monotonic()
    assert apart("import time\ntime.sleep(1000)", seconds=0.3)["fault"] == "took longer than 0.3 s"
    assert time.monotonic() - begin > 0.3 * 2.9


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the processor time of another process")
def test_processor_time_is_what_counts(apart):
    """So that a machine that is busy with other things takes no points."""
    assert apart("import time\ntime.sleep(1.0)\nreturn 1", seconds=0.5)["value"] == 1


def test_what_it_prints_is_lost_and_disturbs_no_answer(apart):
    answer = apart("import sys\nprint('{}')\nprint('x', file=sys.stderr)\nreturn sys.stdin.read()")
    assert answer["value"] == ""


def test_an_answer_that_it_writes_itself_is_none(apart):
    """The pipe is its file number 3; a line counts with the word that only what forked it knows."""
    answer = apart("import os\nos.write(3, b'{\"value\": 100}\\n' + b'0' * 32 + b' {\"value\": 100}\\n')\nos._exit(0)")
    assert (answer["value"], answer["fault"]) == (None, "ended Python with exit code 0")


def test_an_answer_without_end_is_none(apart):
    answer = apart("return 'x' * 10**7")
    assert answer["value"] is None


def test_it_sees_little_of_the_environment(apart, monkeypatch):
    names = apart("import os\nreturn sorted(os.environ)")["value"]
    assert "HOME" in names
    assert set(names) <= {"HOME", "TMPDIR", "TEMP", "TMP", "PATH", "LANG", "LC_ALL"} | {
        name for name in os.environ if name.endswith("_NUM_THREADS")
    }


def test_temporary_files_go_to_its_folder(apart):
    folder, file = apart("import os, tempfile\nreturn [os.getcwd(), tempfile.mkstemp()[1]]")["value"]
    assert Path(file).parent == Path(folder)


def test_memory_that_the_heap_does_not_count_is_counted(behind_walls):
    code = "import mmap, time\nm = mmap.mmap(-1, 10**8)\nfor _ in range(100): m.write(b'x' * 10**6)\ntime.sleep(30)"
    assert behind_walls(code, memory=50)["fault"] == "took more than 50 MiB of memory"


# Processes by a name of their own, of which some leave the group of the first.
LEFT = """
import ctypes, os, time
for number in range(10):
    if os.fork() == 0:
        os.setsid()
        ctypes.CDLL(None).prctl(15, b"corenet-left")
        time.sleep(1000)
time.sleep(0.3)
"""


def left():
    """Return how many processes have that name."""
    count = 0
    for each in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):  # it has ended
            count += each.read_text().strip() == "corenet-left"
    return count


def test_no_process_outlives_it(behind_walls):
    code = f"{LEFT}names = [open(f'/proc/{{each}}/comm').read() for each in os.listdir('/proc') if each.isdigit()]\n"
    assert behind_walls(f"{code}return sum(name.strip() == 'corenet-left' for name in names)")["value"] == 10
    wait_until(lambda: left() == 0)


def test_no_process_outlives_the_server(behind_walls, server):
    """As when somebody stops the command."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(behind_walls, f"{LEFT}time.sleep(1000)", seconds=50)
        wait_until(lambda: left() == 10)
        server._child.kill()
        with pytest.raises(EndedError):
            running.result()
    wait_until(lambda: left() == 0)


def wait_until(true):
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)
