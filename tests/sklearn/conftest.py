"""These tests need the extra ``sklearn``."""

from importlib.util import find_spec

import numpy as np
import pytest

collect_ignore_glob = [] if find_spec("sklearn") else ["test_*.py"]


@pytest.fixture
def points():
    """Return 90 points of two features, and a label of three for each."""
    random = np.random.default_rng(5)
    X = random.normal(size=(90, 2))
    return X, np.array(["low", "middle", "top"])[np.digitize(X @ [1.0, -0.7], [-0.5, 0.6])]
