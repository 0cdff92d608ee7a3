"""The machine's C compiler: source to a loaded library, once for each source."""

from __future__ import annotations

import atexit
import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import RLock, Thread

import torch

from corenet.training.engines.cpu.library_folder import digest, forget_oldest, kept, private_folder
from corenet.training.engines.unsupported import CannotCompile

# Contracted products are as exact as separate ones, and nothing reads errno or traps; NaN and infinity stay.
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-shared", "-fPIC")
_WIDE = {"AVX512": ("-mprefer-vector-width=512",)}
_SECONDS = 60

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
static __thread int out_of_range;
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 35)
#define SIMD __attribute__((simd("notinbranch")))
#define VECTORS(name) double name(double) SIMD; float name##f(float) SIMD;
VECTORS(exp) VECTORS(log) VECTORS(sin) VECTORS(cos) VECTORS(tanh) VECTORS(erf) VECTORS(expm1) VECTORS(log1p)
#endif
#endif
"""


NO_COMPILER = CannotCompile("there is no C compiler", "install one as cc, or set CC")
_at_work = RLock()  # one compiler at a time: the other cores are the training's
_begun: dict[str, Thread] = {}
_running: set[int] = set()


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
def compiler_version() -> str:
    """Return the first line of what the compiler says of itself, or nothing if there is none."""
    command = compiler()
    if command is None:
        return ""
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(  # noqa: S603 - the compiler that the user's environment names
            [*command, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        return said.stdout.partition("\n")[0][:100]
    return ""


@cache
def library(source: str) -> ctypes.CDLL:
    """Return the compiled ``source``, from the folder of earlier ones if it is there.

    Raises:
        CannotCompile: there is no compiler, or it failed.
    """
    with _at_work:
        try:
            key = key_of(source)
            folder = private_folder()
            built = kept(folder, key)
            if built is not None:
                with suppress(OSError):  # of another libc or processor: it is built anew
                    return _loaded(built)
            return _loaded(_built(HEADER + source, folder, key, list(_command())))
        except (OSError, RuntimeError) as error:
            text = f"the compiled step cannot be kept or loaded: {error}"
            raise CannotCompile(text, "set XDG_CACHE_HOME to a folder that can be written to") from error


def begin(source: str) -> Callable[[], bool]:
    """Let ``source`` be compiled in the background if it is not at hand, and return what tells whether that is over.

    It may be over because it failed; :func:`library` says so.
    """
    thread = _begun.get(source)
    if thread is None and not _is_at_hand(source):
        thread = _begun[source] = Thread(target=_compile_aside, args=(source,), daemon=True)
        thread.start()
    return lambda: thread is None or not thread.is_alive()


def is_at_work() -> bool:
    """Tell whether something is being compiled in the background."""
    return any(thread.is_alive() for thread in [*_begun.values()])


def _is_at_hand(source: str) -> bool:
    """Tell whether a source is compiled already, or cannot be: :func:`library` says why."""
    try:
        return kept(private_folder(), key_of(source)) is not None
    except (CannotCompile, OSError, RuntimeError):
        return True


def _compile_aside(source: str) -> None:
    with suppress(CannotCompile):  # whoever asks for the library is told
        library(source)


@cache
def key_of(source: str) -> str:
    """Return what tells a source, with the compiler, its flags and the processor, from others."""
    return digest("\0".join((*_command(), _machine(), HEADER + source)).encode())


@cache
def _command() -> tuple[str, ...]:
    """Return the compiler's command with all flags.

    Raises:
        CannotCompile: there is none.
    """
    command = compiler()
    if command is None:
        raise NO_COMPILER
    return (*command, *FLAGS, *_WIDE.get(torch.backends.cpu.get_cpu_capability(), ()))


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


def _built(text: str, folder: Path, key: str, command: list[str]) -> Path:
    """Compile ``text`` into ``folder``, with threads where the compiler knows them."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        source, new = Path(own) / "step.c", Path(own) / "step.so"
        source.write_text(text)
        call = [*command, str(source), "-o", str(new), "-lm"]
        said = _refused([*call, "-fopenmp"]) and _refused(call)
        if said:
            raise CannotCompile(f"{command[0]} refused: {said:.200}")
        forget_oldest(folder)
        new.chmod(0o700)
        return new.replace(folder / f"{key}-{digest(new.read_bytes())}.so")


def _refused(call: list[str]) -> str:
    """Run a compiler, and return the first line of what it said if it failed."""
    with subprocess.Popen(  # noqa: S603 - the user's own compiler
        call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True
    ) as process:
        _running.add(process.pid)
        try:
            said, _ = process.communicate(timeout=_SECONDS)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and what it has started
            if isinstance(error, subprocess.TimeoutExpired):
                raise CannotCompile(f"{call[0]} took more than {_SECONDS} s") from None
            raise
        finally:
            _running.discard(process.pid)
    return next(iter(said.strip().splitlines()), f"exit status {process.returncode}") if process.returncode else ""


@atexit.register
def _stop_compilers() -> None:
    """End what is still compiling in the background: nobody waits for it any more."""
    for pid in [*_running]:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
