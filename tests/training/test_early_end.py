"""What ends a training early has the epochs so far."""

import traceback

import pytest

import corenet as cn

TRAIN, VALID = cn.data.disk(40, seed=0), cn.data.disk(20, seed=1)
ENGINES = ["plain", "replay", "compiled", "auto"]
OPTIONS = {"batch_size": 8, "progress": False}
pytestmark = pytest.mark.usefixtures("needs_compiler")


def parts():
    model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 1))
    return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)


class Stops:
    """A metric that raises after some epochs."""

    def __init__(self, error, after):
        self.error, self.left = error, after

    def __call__(self, model, data):
        self.left -= 1
        if self.left < 0:
            raise self.error
        return 0.0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(), ValueError("mine"), cn.DataError("mine")], ids=repr
)
def test_the_history_so_far_is_with_the_error(error, engine):
    with pytest.raises(type(error)) as caught:
        cn.fit(*parts(), TRAIN, epochs=30, engine=engine, metrics=[Stops(error, 12)], **OPTIONS)
    history = caught.value.history
    assert caught.value is error
    assert isinstance(history, cn.History)
    assert [each.epoch for each in history] == list(range(1, 13))
    expected = "12 epochs were done before: see error.history, or sys.last_value.history"
    assert traceback.format_exception_only(error)[-1].strip() == expected


def test_nothing_is_said_where_there_is_no_history():
    error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        cn.fit(*parts(), TRAIN, epochs=3, metrics=[Stops(error, 0)], **OPTIONS)
    assert len(error.history) == 0
    assert not hasattr(error, "__notes__")


def test_an_error_without_room_is_raised_as_it_is():
    class Narrow(Exception):
        @property
        def history(self):
            return "its own"

    with pytest.raises(Narrow) as caught:
        cn.fit(*parts(), TRAIN, epochs=3, metrics=[Stops(Narrow(), 1)], **OPTIONS)
    assert caught.value.history == "its own"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_training_that_runs_away_keeps_its_history(engine):
    model, loss, optimizer = parts()

    def grows(model, data):
        optimizer.lr = 1e30 if optimizer.steps == 20 * 5 else 0.1
        return 0.0

    with pytest.raises(cn.NonFiniteError) as caught:
        cn.fit(model, loss, optimizer, TRAIN, epochs=30, engine=engine, metrics=[grows], **OPTIONS)
    assert [each.epoch for each in caught.value.history] == list(range(1, 21))
    assert cn.NonFiniteError("elsewhere").history == ()


def test_an_interrupt_in_a_step_keeps_the_epochs_before():
    class Interrupted(cn.Tanh):
        calls = 0

        def forward(self, input):
            self.calls += 1
            if self.calls == 13:
                raise KeyboardInterrupt
            return super().forward(input)

    model = cn.Sequential(cn.Linear(2, 6), Interrupted(), cn.Linear(6, 1))
    with pytest.raises(KeyboardInterrupt) as caught:
        cn.fit(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), TRAIN, epochs=9, engine="plain", **OPTIONS)
    assert len(caught.value.history) == 2


def test_rounds_keep_the_results_of_the_rounds_before():
    error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        cn.fit_rounds(lambda _: parts(), TRAIN, rounds=4, epochs=3, metrics=[Stops(error, 7)], **OPTIONS)
    assert [len(history) for _, history in error.results] == [3, 3]
    assert isinstance(error.results[0][0], cn.Sequential)
    assert len(error.history) == 1
