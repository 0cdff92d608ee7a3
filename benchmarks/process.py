"""The runner's side of a contestant: start it, ask it, end it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class MissingLibraryError(Exception):
    """A contestant's library is not installed."""


class ContestantError(Exception):
    """A contestant's process ended before it answered."""


class Process:
    """A contestant in a process of its own, held to as many cores as it may use threads."""

    def __init__(self, name: str, threads: int, device: str = "cpu") -> None:
        self.name = name
        self._stderr = TemporaryFile("w+")  # noqa: SIM115 - closed with the process; a pipe that nobody reads would stop a talkative library
        env = os.environ | {each: str(threads) for each in THREADS} | {"PYTHONPATH": str(ROOT)}
        if device == "cpu":
            env |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contestant", name],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            preexec_fn=lambda: _stay_on(threads),
        )
        greeting = self._read()
        if "missing" in greeting:
            self.close()
            raise MissingLibraryError(greeting["missing"])
        self.import_seconds: float = greeting["import"]

    def prepare(self, path: Path, **changes: object) -> None:
        self._ask("prepare", str(path), changes)

    def check(self, epochs: int) -> dict[str, Any]:
        return self._ask("check", epochs)

    def run(self, epochs: int) -> dict[str, Any]:
        return self._ask("run", epochs)

    def memory(self) -> dict[str, Any]:
        return self._ask("memory")

    def weights(self, path: Path) -> list[np.ndarray]:
        """Return weight, bias, weight, bias, ... each with a leading dimension of rounds."""
        self._ask("weights", str(path))
        with np.load(path) as file:
            return [file[name] for name in file]

    def close(self) -> None:
        self._process.communicate()
        self._stderr.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is not None:
            self._process.kill()
        self.close()

    def _ask(self, *line: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            print(json.dumps(line), file=self._process.stdin, flush=True)
        except BrokenPipeError as error:
            raise ContestantError(self._last_words()) from error
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ContestantError(self._last_words())
        return dict(json.loads(line))

    def _last_words(self) -> str:
        self._process.wait()
        self._stderr.seek(0)
        last = self._stderr.read().strip().splitlines() or ["no message"]
        return f"{self.name} ended with code {self._process.returncode}: {last[-1]}"


def _stay_on(cores: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
