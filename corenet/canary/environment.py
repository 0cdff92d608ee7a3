"""A fresh environment for one plugin: its own packages, and below them those of the Python at hand."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from corenet.errors import ConfigError
from corenet.registry.doctor.child_process import describe_exit, describe_limit
from corenet.registry.sanitize import plain

# Found again from where it stands: what a child imports first is the environment's own, then what is at hand.
_LAYERS = "import site; site.addsitedir({!r})"
_NOT_INHERITED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CORENET_DISABLE_PLUGINS", "CORENET_STRICT")


class TrialError(Exception):
    """Something could not be installed or run in an environment; the text says why, in a few words."""


class Environment:
    """A virtual environment that lasts as long as a ``with``; torch and the like are not installed anew.

    What is installed into it hides what lies below, corenet included.
    """

    def __enter__(self) -> Environment:
        self._folder = TemporaryDirectory(prefix="corenet-canary-")
        root = Path(self._folder.name)
        venv.create(root, symlinks=os.name != "nt")
        scripts = "Scripts" if os.name == "nt" else "bin"
        self.python = str(root / scripts / Path(sys.executable).with_stem("python").name)
        purelib = self.ask("import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        Path(purelib, "below.pth").write_text("\n".join(_below()) + "\n", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def install(self, *requirements: str, options: Sequence[str] = ()) -> None:
        """Install with pip.

        Raises:
            ConfigError: there is no pip.
            TrialError: pip refused; says why.
        """
        command = [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet", *options, *requirements]
        done = subprocess.run(  # noqa: S603 - pip, with what the user named
            [*command, "--disable-pip-version-check"], capture_output=True, encoding="utf-8", errors="replace",
            env=_environment(), check=False,
        )  # fmt: skip
        if "No module named pip" in done.stderr:
            raise ConfigError(f"corenet canary installs with pip, which {sys.executable} lacks; python -m ensurepip")
        if done.returncode:
            raise TrialError(_last_word(done.stderr))

    def ask(self, program: str) -> str:
        """Return what a program prints.

        Raises:
            TrialError: it ended with an error.
        """
        return self._run(["-c", program], None, {})

    def check(self, distribution: str, limit: float) -> dict[str, Any]:
        """Return the report of ``corenet check DISTRIBUTION --json``, with no other plugin switched on.

        Raises:
            TrialError: it ended without one.
        """
        arguments = ["-m", "corenet", "check", distribution, "--json"]
        printed = self._run(arguments, limit, {"CORENET_PLUGINS": distribution}, codes=(0, 1))
        report: dict[str, Any] = json.loads(printed)
        return report

    def _run(
        self, arguments: Sequence[str], limit: float | None, env: dict[str, str], codes: Sequence[int] = (0,)
    ) -> str:
        try:
            done = subprocess.run(  # noqa: S603 - the environment's own interpreter
                [self.python, "-P", *arguments], capture_output=True, encoding="utf-8", errors="replace",
                env=_environment() | env, timeout=limit, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise TrialError(describe_limit(error.timeout)) from error
        if done.returncode not in codes or not done.stdout:
            raise TrialError(_last_word(done.stderr) or describe_exit(done.returncode))
        return done.stdout


def _below() -> list[str]:
    """Return the lines of a .pth file that add what this Python imports from, but its standard library."""
    standard = {str(Path(os.__file__).parent), str(Path(os.__file__).parent / "lib-dynload")}
    sites = {*site.getsitepackages(), site.getusersitepackages()}
    found = [str(Path(entry).absolute()) for entry in sys.path if entry and Path(entry).is_dir()]
    return [_LAYERS.format(entry) if entry in sites else entry for entry in found if entry not in standard]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}


def _last_word(stderr: str) -> str:
    lines = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if not line.startswith(("WARNING", "hint", "note", "╰", "│"))]
    return plain(errors[-1].strip() if errors else "")
