"""Only a library that this user wrote, whole and for this processor, is loaded; any other is built anew."""

import ctypes
import os
import shutil
import threading

import pytest

from corenet.training.engines.cpu import cc as module
from corenet.training.engines.cpu.cc import begin, compiler, library
from corenet.training.engines.cpu.library_folder import digest
from corenet.training.engines.unsupported import CannotCompile

TWICE = "double twice(double x) { return 2 * x; }"
pytestmark = pytest.mark.usefixtures("needs_compiler")


def forget():
    for each in (compiler, library, module._command, module.key_of):
        each.cache_clear()
    module._begun.clear()


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget()
    yield tmp_path / "corenet" / "compiled"
    forget()


@pytest.fixture
def built(monkeypatch):
    """The sources that were compiled."""
    found, compile_ = [], module._built

    def spied(text, *others):
        found.append(text)
        return compile_(text, *others)

    monkeypatch.setattr(module, "_built", spied)
    return found


def call():
    twice = library(TWICE).twice
    twice.restype = ctypes.c_double
    return twice(ctypes.c_double(21))


def only(folder):
    (path,) = folder.glob("*.so")
    return path


def poisoned(folder):
    """Put a whole library in the place of the one at hand that answers 0; return its path."""
    own = only(folder)
    module._built("double twice(double x) { return 0; }", folder, "other", [*module._command()])
    other = next(folder.glob("other-*.so"))
    path = folder / f"{own.stem.partition('-')[0]}-{other.stem.partition('-')[2]}.so"
    other.replace(path)
    own.unlink()
    return path


def test_a_library_of_this_user_is_loaded(folder, built):
    assert call() == 42
    path = poisoned(folder)
    library.cache_clear()
    assert call() == 0  # or none of the tests below could fail
    assert only(folder) == path


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o766])
def test_a_library_that_others_can_write_is_built_anew(folder, built, mode):
    call()
    poisoned(folder).chmod(mode)
    library.cache_clear()
    built.clear()
    assert call() == 42
    assert len(built) == 1


def test_a_library_of_another_user_is_built_anew(folder, built, monkeypatch):
    call()
    path, lstat = poisoned(folder), module.Path.lstat
    built.clear()

    def of_another(self):
        status = lstat(self)
        return os.stat_result([*status[:4], os.getuid() + 1, *status[5:]]) if self == path else status

    monkeypatch.setattr(module.Path, "lstat", of_another)
    library.cache_clear()
    assert call() == 42
    assert len(built) == 1


def test_a_link_to_a_library_is_not_followed(folder, built, tmp_path):
    call()
    path = poisoned(folder)
    built.clear()
    shutil.move(path, tmp_path / "elsewhere.so")
    path.symlink_to(tmp_path / "elsewhere.so")
    library.cache_clear()
    assert call() == 42
    assert len(built) == 1


def test_a_folder_of_another_user_is_not_used(folder, monkeypatch):
    folder.mkdir(parents=True)
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    with pytest.raises(CannotCompile, match="belongs to another user") as refused:
        library(TWICE)
    assert refused.value.fix == "set XDG_CACHE_HOME to a folder of your own"
    assert list(folder.iterdir()) == []


def test_a_folder_that_others_can_read_or_write_is_closed_to_them(folder):
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert call() == 42
    assert folder.stat().st_mode & 0o777 == 0o700
    assert only(folder).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("content", [b"", b"\x7fELF of another processor", b"MZ"])
def test_a_library_that_is_whole_but_cannot_be_loaded_is_built_anew(folder, built, content):
    call()
    own = only(folder)
    name = f"{own.stem.partition('-')[0]}-{digest(content)}.so"
    own.unlink()
    (folder / name).write_bytes(content)
    (folder / name).chmod(0o700)
    library.cache_clear()
    built.clear()
    assert call() == 42
    assert len(built) == 1


# In the background.


def wait(is_over):
    for thread in [*module._begun.values()]:
        thread.join(30)
    assert is_over()


def test_what_is_begun_is_over_when_it_is_at_hand(folder, built, monkeypatch):
    gate, compile_ = threading.Event(), module._built
    monkeypatch.setattr(module, "_built", lambda *given: gate.wait(30) and compile_(*given))
    first, second = begin(TWICE), begin(TWICE)
    assert (first(), second(), len(module._begun)) == (False, False, 1)
    gate.set()
    wait(first)
    assert second()
    assert len(built) == 1
    assert call() == 42
    assert len(built) == 1


def test_what_is_at_hand_need_not_be_begun(folder, built):
    call()
    built.clear()
    forget()
    assert begin(TWICE)()
    assert (built, module._begun) == ([], {})


def test_what_cannot_be_compiled_is_over_too_and_says_why(folder):
    source = "double twice(double x) { return y; }"
    wait(begin(source))
    with pytest.raises(CannotCompile, match="refused"):
        library(source)


def test_without_a_compiler_nothing_is_begun(folder, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    forget()
    assert begin(TWICE)()
    assert module._begun == {}
