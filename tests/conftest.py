"""What all tests share. Torch is imported where it is used only: the start-up gate runs without it."""

from __future__ import annotations

import os
import sys

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tests run side by side, so each keeps to one core


@pytest.fixture(autouse=True)
def _seeded():
    """Start every test from the same state of torch's generator."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
