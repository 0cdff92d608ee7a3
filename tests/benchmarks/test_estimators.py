"""The comparison with scikit-learn's networks: the same work for both, and a table of what it took."""

import pytest

pytest.importorskip("sklearn")

from benchmarks.workloads import estimators

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # of so few epochs


@pytest.fixture
def iris():
    return next(estimators.tables())[1:]


def test_both_train_the_same_network_for_the_same_epochs(iris):
    X, y = iris
    found = estimators.compared(X, y, turns=2, early=False, epochs=6, settling=0.0)
    assert {name: each["epochs"] for name, each in found.items()} == {"scikit-learn": [6, 6], "corenet": [6, 6]}
    theirs = estimators.theirs(max_iter=6, random_state=0).fit(X, y)
    ours = estimators.ours(max_iter=6, random_state=0).fit(X, y)
    assert [weight.shape for weight in theirs.coefs_] == [ours.model_[at].weight.T.shape for at in (0, 2)]


def test_the_tables_have_what_was_measured():
    found = {
        "scikit-learn": {"seconds": [0.2, 0.4, 0.3], "score": [0.5, 0.7], "epochs": [10, 20, 30]},
        "corenet": {"seconds": [0.1, 0.1, 0.1], "score": [0.8, 0.8], "epochs": [100, 100, 100]},
    }
    last = estimators._fits("early", {"iris": found}).splitlines()[-1]
    assert last == "| iris | 300.0 | 100.0 | 3.0 | 15.0 | 0.600 | 0.800 | 20 | 100 |"
    times = {"1 row": {"scikit-learn": [3e-4, 1e-4, 2e-4], "corenet": [1e-4]}}
    assert estimators._pairs("predict", times, 1e3).splitlines()[-1] == "| 1 row | 0.2 | 0.1 | 2.0 |"
