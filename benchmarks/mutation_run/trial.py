"""One mutant at a time in a copy of the tree, each tried by the tests of its file in a forked process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.mutation_run.edits import Edit

COPIED = ("corenet", "tests", "plugins", "benchmarks", "pyproject.toml", "README.md", "docs", "CHANGELOG.md", "tox.ini")
LONGEST = 600  # seconds that tests may take as the tree is
SLOWER = 4  # times as long, and LEEWAY seconds, after which a mutant counts as killed: it hangs
LEEWAY = 10
# What is imported before the fork is not rewritten by pytest, and needs not be.
ALLOWED = "-Wignore::pytest.PytestAssertRewriteWarning"
OPTIONS = ("-x", "-q", "-n0", "-pno:cacheprovider", "--hypothesis-seed=0", ALLOWED)


@dataclass(frozen=True)
class Mutant:
    """A file of the tree, by its path from the root, and what is changed in it."""

    path: str
    edit: Edit

    def __str__(self) -> str:
        old, new = (" ".join(each.split()) for each in (self.edit.old, self.edit.new))
        return f"{self.path}:{self.edit.line} {old:.70} → {new:.70}"


class Trials:
    """Tries mutants in ``folder``, where there is a copy of the tree under ``root``."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._tree, self._site = folder / "tree", folder / "site"
        self._seconds: dict[tuple[str, ...], float] = {}
        self._tree.mkdir()
        for name in COPIED:
            source = root / name
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, self._tree / name)

    def add_plugin(self, name: str) -> None:
        """Install a plugin beside the tree, so that it is found as users have it; its package is that of the tree."""
        folder = self._tree / "plugins" / name
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*pip, "--target", str(self._site), str(folder)], check=True)
        package = name.replace("-", "_")
        shutil.rmtree(self._site / package)
        (self._site / package).symlink_to(folder / package)

    def fails(self, tests: list[str], mutant: Mutant) -> bool:
        """Tell whether any of the tests fails, or does not end, with the mutant in the place of the file."""
        limit = LEEWAY + SLOWER * self._usual(tests)
        path = self._tree / mutant.path
        right, times = path.read_bytes(), path.stat()
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            compiled.unlink()
        path.write_bytes(mutant.edit.applied(right))
        try:
            return self._fails(tests, limit)
        finally:
            path.write_bytes(right)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            shutil.rmtree(self._tree / ".hypothesis", ignore_errors=True)

    def _usual(self, tests: list[str]) -> float:
        """Return how many seconds tests take as the tree is; refuse them if they fail on that."""
        if tuple(tests) not in self._seconds:
            begin = time.monotonic()
            if self._fails(tests, LONGEST, writes=True):
                raise RuntimeError(f"these fail without any change: {' '.join(tests)}")
            self._seconds[tuple(tests)] = time.monotonic() - begin
        return self._seconds[tuple(tests)]

    def _fails(self, tests: list[str], limit: float, writes: bool = False) -> bool:
        child = os.fork()
        if child == 0:
            os._exit(self._tested(tests, writes))
        end = time.monotonic() + limit
        while time.monotonic() < end:
            process, status = os.waitpid(child, os.WNOHANG)
            if process:
                return status != 0
            time.sleep(0.02)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return True

    def _tested(self, tests: list[str], writes: bool) -> int:
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        os.chdir(self._tree)
        paths = [str(self._tree), str(self._site)]
        sys.path[:] = paths + [each for each in sys.path if Path(each or ".").resolve() != Path(__file__).parents[2]]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
        sys.dont_write_bytecode = not writes
        try:
            return pytest.main([*OPTIONS, *tests]) not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        except BaseException:  # noqa: BLE001 - whatever a mutant raises
            return 1
