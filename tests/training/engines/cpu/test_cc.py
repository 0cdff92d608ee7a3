"""Source becomes a library once; where it can't, that is said in one line."""

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from corenet.training.engines.cpu import cc as module
from corenet.training.engines.cpu import library_folder
from corenet.training.engines.cpu.cc import compiler, library
from corenet.training.engines.cpu.library_folder import cache_folder, forget_oldest, kept
from corenet.training.engines.unsupported import CannotCompile

TWICE = "double twice(double x) { return 2 * x; }"


PROCESS = """
import ctypes, sys
from corenet.training.engines.cpu.cc import library
built = library(sys.argv[1])
built.twice.restype = ctypes.c_double
print(built.twice(ctypes.c_double(21)))
"""


def processes(count):
    """Start processes at once that compile the same, and return what each says."""
    call = [sys.executable, "-c", PROCESS, TWICE]
    started = [subprocess.Popen(call, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    return [process.communicate(timeout=60)[0].strip() for process in started]


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    """Keep libraries apart from the user's, and forget those of this process before and after."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _forget()
    yield tmp_path / "cache" / "corenet" / "compiled"
    _forget()


def _forget():
    for each in (compiler, library, module._command, module.key_of):
        each.cache_clear()
    module._begun.clear()


@pytest.fixture
def cc(monkeypatch, tmp_path, own_cache):
    def set_compiler(script):
        """Let ``CC`` be a shell script, and return where it counts how often it ran."""
        path, runs = tmp_path / "my cc", tmp_path / "runs"
        path.write_text(f'#!/bin/sh\necho "$@" >> "{runs}"\n{script}\n')
        path.chmod(0o755)
        monkeypatch.setenv("CC", f"'{path}' -DOWN")
        _forget()
        return lambda: len(runs.read_text().splitlines()) if runs.exists() else 0

    return set_compiler


def call(built):
    built.twice.restype = ctypes.c_double
    return built.twice(ctypes.c_double(21))


@pytest.mark.parametrize("command", ["nonexistent-cc", "", "  ", "/nowhere/cc -O3", "cc 'unfinished"])
def test_without_a_compiler_it_says_so(monkeypatch, own_cache, command):
    monkeypatch.setenv("CC", command)
    _forget()
    assert compiler() is None
    with pytest.raises(CannotCompile, match="there is no C compiler"):
        library(TWICE)
    assert not own_cache.exists()


def test_on_windows_there_is_none(monkeypatch, own_cache):
    monkeypatch.setattr(sys, "platform", "win32")
    assert compiler() is None


def test_a_compiler_may_have_arguments(cc):
    cc('exec cc "$@"')
    assert compiler()[1:] == ("-DOWN",)


@pytest.mark.usefixtures("needs_compiler")
def test_it_is_compiled_once_and_loaded_afterwards(cc, own_cache):
    runs = cc('exec cc "$@"')
    for _ in range(3):
        assert call(library(TWICE)) == 42
        library.cache_clear()
    assert runs() == 1
    assert [path.suffix for path in own_cache.iterdir()] == [".so"]
    assert own_cache == cache_folder()
    assert own_cache.stat().st_mode & 0o077 == 0  # nobody else puts a library there
    library(TWICE + "\n")
    assert runs() == 2


@pytest.mark.usefixtures("needs_compiler")
def test_another_processor_or_compiler_has_a_library_of_its_own(cc, monkeypatch):
    runs = cc('exec cc "$@"')
    library(TWICE)
    monkeypatch.setattr(module, "_machine", lambda: "another")
    _forget()
    library(TWICE)
    monkeypatch.setenv("CC", "cc")
    _forget()
    library(TWICE)
    assert runs() == 2
    assert len(list(cache_folder().iterdir())) == 3


def test_a_compiler_that_fails_is_told_by_its_first_line(cc, own_cache):
    runs = cc("echo 'no such flag: -march' >&2; echo more >&2; exit 3")
    with pytest.raises(CannotCompile, match=r"my cc refused: no such flag: -march$"):
        library(TWICE)
    assert runs() == 2  # with threads and without
    assert list(own_cache.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 3", "exit status 3"),
        ("printf '\\377 bytes\\n' >&2; exit 1", "bytes"),
        ("yes x | head -c 900 | tr -d '\\n' >&2; exit 1", "x{200}$"),
        ("true", "cannot be kept or loaded"),
        ('echo broken > "$(echo "$@" | sed "s/.*-o //; s/ -lm.*//")"', "cannot be kept or loaded"),
    ],
)
def test_whatever_a_compiler_does_wrong_it_cannot_compile(cc, script, said):
    cc(script)
    with pytest.raises(CannotCompile, match=said):
        library(TWICE)


def test_a_compiler_that_never_ends_is_stopped(cc, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS", 0.2)
    cc("exec sleep 60")
    start = time.monotonic()
    with pytest.raises(CannotCompile, match="took more than"):
        library(TWICE)
    assert time.monotonic() - start < 10


@pytest.mark.usefixtures("needs_compiler")
def test_a_compiler_without_threads_will_do(cc):
    runs = cc('case "$*" in *-fopenmp*) exit 1;; esac; exec cc "$@"')
    assert call(library(TWICE)) == 42
    assert runs() == 2


@pytest.mark.usefixtures("needs_compiler")
def test_source_that_is_wrong_is_refused(own_cache):
    with pytest.raises(CannotCompile, match="cc refused: "):
        library("double twice(double x) { return y; }")


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("size", [0, 30, 3000])
def test_a_broken_library_is_built_again(cc, own_cache, size):
    runs = cc('exec cc "$@"')
    library(TWICE)
    (built,) = own_cache.iterdir()
    whole = built.read_bytes()
    built.unlink()  # what is loaded stays as it is
    built.write_bytes(whole[:size])
    for _ in range(2):
        library.cache_clear()
        assert call(library(TWICE)) == 42
    assert runs() == 2
    assert built.read_bytes() == whole


@pytest.mark.parametrize("place", ["a file", "a file/within"])
def test_a_cache_that_cannot_be_written_is_no_crash(monkeypatch, tmp_path, own_cache, place, needs_compiler):
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / place))
    with pytest.raises(CannotCompile, match="cannot be kept"):
        library(TWICE)


def test_without_a_home_there_is_no_cache(monkeypatch, needs_compiler):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(CannotCompile, match="home directory"):
        library("double homeless(double x) { return x; }")


def test_the_cache_is_in_the_home_folder_unless_told_otherwise(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder() == Path.home() / ".cache" / "corenet" / "compiled"


@pytest.mark.usefixtures("needs_compiler")
def test_two_processes_compile_the_same_at_once(cc, own_cache):
    runs = cc('sleep 1; exec cc "$@"')  # long enough for both to find nothing
    assert processes(2) == ["42.0", "42.0"]
    assert runs() <= 2
    assert [path.suffix for path in own_cache.iterdir()] == [".so"]


@pytest.mark.usefixtures("needs_compiler")
def test_a_library_goes_by_as_many_threads_as_torch(own_cache):
    source = """
    int omp_get_max_threads(void) __attribute__((weak));
    int threads(void) {
      int sum = 0;
      _Pragma("omp parallel for reduction(+ : sum)")
      for (int i = 0; i < 4; i++) sum += i;
      return sum < 0 || !omp_get_max_threads ? 0 : omp_get_max_threads();
    }"""
    before = torch.get_num_threads()
    try:
        for count in (1, 2, 1):
            torch.set_num_threads(count)
            library.cache_clear()
            assert library(source).threads() in (0, count)  # 0 where the compiler knows no threads
    finally:
        torch.set_num_threads(before)


def test_what_a_stopped_compiler_has_started_is_stopped_too(cc, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_SECONDS", 1)
    runs = cc(f"sleep 60 & echo $! > {tmp_path / 'child'}; wait")
    with pytest.raises(CannotCompile, match="took more than 1 s"):
        library(TWICE)
    assert runs() == 1  # it is not asked a second time
    child = Path("/proc", (tmp_path / "child").read_text().strip(), "stat")
    time.sleep(0.2)
    assert not child.exists() or child.read_text().split()[2] == "Z"


@pytest.mark.usefixtures("needs_compiler")
def test_the_oldest_libraries_are_forgotten(own_cache, monkeypatch):
    monkeypatch.setattr(library_folder, "_MOST", 2)
    for number in range(4):
        library(TWICE + "\n" * number)
        for path in own_cache.glob("*.so"):
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 10))
    assert len(list(own_cache.glob("*.so"))) == 2
    library.cache_clear()
    assert call(library(TWICE)) == 42


@pytest.mark.usefixtures("needs_compiler")
def test_what_another_process_forgets_meanwhile_is_none_of_ours(own_cache, monkeypatch):
    library(TWICE)
    (built,) = own_cache.glob("*.so")
    key = built.stem.partition("-")[0]
    assert kept(own_cache, key) == built
    glob = Path.glob
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: [*glob(folder, pattern), own_cache / f"{key}-gone.so"])
    forget_oldest(own_cache)
    assert kept(own_cache, key) == built
    built.unlink()
    assert kept(own_cache, key) is None


def test_the_folder_of_another_compiler_may_be_gone_between_two_looks(own_cache, monkeypatch):
    own_cache.mkdir(parents=True)
    (own_cache / "tmp1").mkdir()
    is_dir = Path.is_dir

    def gone_after_this(path):
        found = is_dir(path)
        if path.name == "tmp1":
            path.rmdir()
        return found

    monkeypatch.setattr(Path, "is_dir", gone_after_this)
    forget_oldest(own_cache)
    monkeypatch.undo()
    assert not list(own_cache.iterdir())
