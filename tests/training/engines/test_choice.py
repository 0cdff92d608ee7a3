"""Which engine trains."""

import pytest

import corenet as cn
from corenet.training.engines.choice import EARNED_BACK, engine_for

DATA = cn.data.disk(40, seed=0)


def parts():
    model = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 1))
    return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)


@pytest.mark.parametrize(
    ("name", "steps", "runs"),
    [
        ("plain", 10**6, "plain"),
        ("replay", 1, "replay"),
        ("auto", EARNED_BACK - 1, "plain"),
        ("auto", EARNED_BACK, "replay"),
    ],
)
def test_auto_records_what_is_earned_back(name, steps, runs):
    assert engine_for(name, *parts(), DATA, epochs=steps, batch_size=40).name == runs


@pytest.mark.parametrize("name", ["fast", "", None, 3])
def test_an_unknown_engine_is_refused(name):
    with pytest.raises(cn.ConfigError, match="engine must be 'auto', 'plain', 'replay' or 'compiled', not"):
        cn.fit(*parts(), DATA, epochs=1, batch_size=10, engine=name, progress=False)


@pytest.mark.parametrize(("epochs", "runs"), [(1, "plain"), (EARNED_BACK, "replay")])
def test_the_history_says_which_engine_ran(epochs, runs):
    history = cn.fit(*parts(), DATA, epochs=epochs, batch_size=40, progress=False)
    assert history.engine == history[:1].engine == runs
