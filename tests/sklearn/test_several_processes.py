"""Searches by scikit-learn's own processes: the very numbers of one, each with its share of the threads."""

import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import GridSearchCV

from corenet.sklearn import CorenetClassifier, CorenetRegressor

THREADS = """
import os
import torch
from joblib import Parallel, delayed
print(Parallel(n_jobs=2)(delayed(torch.get_num_threads)() for _ in range(2)), os.cpu_count())
"""


@pytest.mark.filterwarnings("ignore:A worker stopped while some jobs")  # a slow machine: it starts another
@pytest.mark.parametrize("estimator", [CorenetClassifier, CorenetRegressor])
def test_a_grid_by_two_processes_is_that_of_one(estimator):
    seed = int.from_bytes(os.urandom(3))
    make = make_classification if estimator is CorenetClassifier else make_regression
    X, y = make(n_samples=90, n_features=6, random_state=seed)
    grid = {"lr": [1e-3, 1e-2, 1e-1], "hidden": [(8,), (4, 4)]}
    network = estimator(epochs=10, random_state=0)
    one, two = (GridSearchCV(network, grid, cv=3, n_jobs=jobs).fit(X, y) for jobs in (1, 2))
    np.testing.assert_allclose(two.cv_results_["mean_test_score"], one.cv_results_["mean_test_score"], rtol=1e-5)
    assert two.best_params_ == one.best_params_
    np.testing.assert_allclose(two.predict(X), one.predict(X), rtol=1e-4, atol=1e-4)


def test_each_process_takes_its_share_of_the_threads():
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", THREADS], env=environment, capture_output=True, text=True, check=True, timeout=240
    )
    threads, processors = done.stdout.rsplit(maxsplit=1)
    assert threads == str([max(1, int(processors) // 2)] * 2)
