"""The machine's C compiler: source to a loaded library, once for each source."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

from corenet.training.engines.unsupported import CannotCompile

# Contracted products are as exact as separate ones, and nothing reads errno or traps; NaN and infinity stay.
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-shared", "-fPIC")
_WIDE = {"AVX512": ("-mprefer-vector-width=512",)}
_SECONDS = 60
_MOST = 500  # libraries to keep, of some 20 KB each

HEADER = """#include <math.h>
#include <stdint.h>
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#define UNROLLED _Pragma("unroll")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#define UNROLLED _Pragma("GCC unroll 8")
#endif
#define NOT_INLINED __attribute__((noinline))
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 35)
#define SIMD __attribute__((simd("notinbranch")))
#define VECTORS(name) double name(double) SIMD; float name##f(float) SIMD;
VECTORS(exp) VECTORS(log) VECTORS(sin) VECTORS(cos) VECTORS(tanh) VECTORS(erf) VECTORS(expm1) VECTORS(log1p)
#endif
#endif
"""


@cache
def compiler() -> tuple[str, ...] | None:
    """Return the command of the C compiler, ``CC`` or else ``cc``, or None if there is none."""
    try:
        command = shlex.split(os.environ.get("CC", "cc"))
    except ValueError:  # a quotation without an end
        return None
    if sys.platform == "win32" or not command or shutil.which(command[0]) is None:
        return None
    return tuple(command)


@cache
def library(source: str) -> ctypes.CDLL:
    """Return the compiled ``source``, from the folder of earlier ones if it is there.

    Raises:
        CannotCompile: there is no compiler, or it failed.
    """
    command = compiler()
    if command is None:
        raise CannotCompile("there is no C compiler")
    flags = (*FLAGS, *_WIDE.get(torch.backends.cpu.get_cpu_capability(), ()))
    text = HEADER + source
    key = _digest("\0".join((*command, *flags, _machine(), text)).encode())
    try:
        folder = cache_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _loaded(_kept(folder, key) or _built(text, folder, key, [*command, *flags]))
    except (OSError, RuntimeError) as error:
        raise CannotCompile(f"the compiled step cannot be kept or loaded: {error}") from error


def cache_folder() -> Path:
    """Return where compiled steps are kept; it may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "corenet" / "compiled"


def _machine() -> str:
    """Return what tells this kind of processor from others, for which the same source is compiled otherwise."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return f"{os.uname().machine} {os.uname().version}"
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(("model name", "flags", "Features"))))


def _loaded(built: Path) -> ctypes.CDLL:
    """Return a library, which goes by as many threads as torch does."""
    loaded = ctypes.CDLL(str(built))
    if hasattr(loaded, "omp_set_num_threads"):
        loaded.omp_set_num_threads(torch.get_num_threads())
    return loaded


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _kept(folder: Path, key: str) -> Path | None:
    """Return the library of an earlier time, unless it is broken: to load a part of one would end the process."""
    found = (path for path in folder.glob(f"{key}-*.so") if path.stem == f"{key}-{_digest(path.read_bytes())}")
    return next(found, None)


def _built(text: str, folder: Path, key: str, command: list[str]) -> Path:
    """Compile ``text`` into ``folder``, with threads where the compiler knows them."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        source, new = Path(own) / "step.c", Path(own) / "step.so"
        source.write_text(text)
        call = [*command, str(source), "-o", str(new), "-lm"]
        said = _refused([*call, "-fopenmp"]) and _refused(call)
        if said:
            raise CannotCompile(f"{command[0]} refused: {said:.200}")
        _forget_oldest(folder)
        return new.replace(folder / f"{key}-{_digest(new.read_bytes())}.so")


def _refused(call: list[str]) -> str:
    """Run a compiler, and return the first line of what it said if it failed."""
    with subprocess.Popen(  # noqa: S603 - the user's own compiler
        call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=_SECONDS)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and what it has started
            if isinstance(error, subprocess.TimeoutExpired):
                raise CannotCompile(f"{call[0]} took more than {_SECONDS} s") from None
            raise
    return next(iter(said.strip().splitlines()), f"exit status {process.returncode}") if process.returncode else ""


def _forget_oldest(folder: Path) -> None:
    """Keep as many libraries as a few hundred trainings need."""
    found = sorted(folder.glob("*.so"), key=lambda path: path.stat().st_mtime)
    for path in found[: -_MOST + 1]:
        path.unlink(missing_ok=True)
