"""A few trainings are killed: the program that kills 500."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from corenet.training.engines.cpu.cc import compiler

pytestmark = [
    pytest.mark.skipif(compiler() is None, reason="it compiles"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="it forks"),
]


def test_killed_trainings_leave_what_can_be_loaded_and_go_on():
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "benchmarks.kills", "5"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    found = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.startswith("5 kills, ")
    assert "0 faults" in found.stdout
