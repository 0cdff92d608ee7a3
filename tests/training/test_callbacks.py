"""Callbacks are begun, called after each epoch and ended, in every engine; what they raise names them."""

import pytest
import torch

import corenet as cn

TRAIN, VALID = cn.data.disk(50, seed=0), cn.data.disk(20, seed=1)  # 7 steps an epoch, of which the last is smaller
OPTIONS = {"batch_size": 8, "progress": False}
ENGINES = ["plain", "replay", "compiled", "auto"]
pytestmark = pytest.mark.usefixtures("needs_compiler")


def parts(lr=0.3):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Dropout(0.2), cn.Linear(6, 1), cn.Sigmoid())
    return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=lr, momentum=0.9)


class Notes(cn.Callback):
    """Notes what it is called with; stops after some epochs, and draws from torch's generator each time."""

    def __init__(self, last=None):
        self.last, self.calls, self.weights, self.losses = last, [], [], []

    def begin(self, training):
        torch.rand(3)
        self.calls.append(("begin", training.epoch, len(training.history)))

    def after_epoch(self, training):
        torch.rand(5)
        self.calls.append(("after", training.epoch, len(training.history)))
        self.weights.append(training.weights())
        output = cn.predict(training.model, VALID)
        self.losses.append(training.loss(output, VALID.targets).item())
        return training.epoch == self.last

    def end(self, training):
        torch.rand(1)
        self.calls.append(("end", training.epoch, len(training.history)))


def plainly(epochs, lr=0.3):
    """Return the weights after each epoch of the plain training without callbacks."""
    model, loss, optimizer = parts(lr)
    weights = []
    for epoch in range(epochs):
        cn.fit(model, loss, optimizer, TRAIN, epochs=epoch + 1, initial_epoch=epoch, seed=4, engine="plain", **OPTIONS)
        weights.append(model.state_dict())
    return weights


@pytest.mark.parametrize("engine", ENGINES)
def test_it_sees_the_weights_of_each_epoch(engine):
    notes, learner = Notes(), parts()
    history = cn.fit(*learner, TRAIN, VALID, epochs=40, seed=4, engine=engine, callbacks=[notes], metrics=[], **OPTIONS)
    assert engine in ("auto", history.engine)
    epochs = range(1, 41)
    assert notes.calls == [("begin", 0, 0), *[("after", epoch, epoch) for epoch in epochs], ("end", 40, 40)]
    for (found, _), expected in zip(notes.weights, plainly(40), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=2e-4)
    assert [each.valid["loss"] for each in history] == pytest.approx(notes.losses, rel=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_it_ends_the_training(engine):
    notes, after = Notes(last=23), Notes()
    learner = parts()
    history = cn.fit(*learner, TRAIN, epochs=60, seed=4, engine=engine, callbacks=[notes, after], **OPTIONS)
    assert [each.epoch for each in history] == list(range(1, 24))
    assert learner[2].steps == 23 * 7
    assert notes.calls[-2:] == after.calls[-2:] == [("after", 23, 23), ("end", 23, 23)]
    torch.testing.assert_close(learner[0].state_dict(), plainly(23)[-1], rtol=1e-3, atol=2e-4)


def test_a_training_that_was_ended_goes_on_from_there_bit_for_bit():
    cut, whole = parts(), parts()
    cn.fit(*cut, TRAIN, epochs=60, seed=4, engine="plain", callbacks=[Notes(last=5)], **OPTIONS)
    notes = Notes()
    history = cn.fit(*cut, TRAIN, epochs=9, initial_epoch=5, seed=4, engine="plain", callbacks=[notes], **OPTIONS)
    cn.fit(*whole, TRAIN, epochs=9, seed=4, engine="plain", **OPTIONS)
    assert [each.epoch for each in history] == [6, 7, 8, 9]
    assert notes.calls[:2] == [("begin", 5, 0), ("after", 6, 1)]
    torch.testing.assert_close(cut[0].state_dict(), whole[0].state_dict(), rtol=0, atol=0)


class Meddles(cn.Callback):
    """Changes rate and weights in the midst of a training."""

    def after_epoch(self, training):
        if training.epoch == 3:
            self.weights = training.weights()
        if training.epoch in (15, 25):
            training.scale_lr(0.5)
        if training.epoch in (20, 30):
            training.restore(self.weights)


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_what_it_changes_is_changed_in_every_engine(engine):
    plain, fast = parts(), parts()
    options = {"epochs": 40, "seed": 4, **OPTIONS}
    expected = cn.fit(*plain, TRAIN, VALID, engine="plain", callbacks=[Meddles()], **options)
    found = cn.fit(*fast, TRAIN, VALID, engine=engine, callbacks=[Meddles()], **options)
    assert [each.lr for each in found] == [each.lr for each in expected] == [0.3] * 15 + [0.15] * 10 + [0.075] * 15
    assert [each.loss for each in found] == pytest.approx([each.loss for each in expected], rel=1e-4)
    torch.testing.assert_close(fast[0].state_dict(), plain[0].state_dict(), rtol=1e-3, atol=2e-4)
    assert expected[20].loss == pytest.approx(expected[3].loss, rel=0.3)  # it went back


class Duck:
    """No cn.Callback, but it has the three methods."""

    called = 0

    def begin(self, training):
        self.called += 1

    after_epoch = end = begin


def test_any_object_with_the_three_methods_is_called():
    duck = Duck()
    cn.fit(*parts(), TRAIN, epochs=3, callbacks=[duck], **OPTIONS)
    assert duck.called == 5


def test_a_name_stands_for_its_component():
    history = cn.fit(*parts(lr=0.0), TRAIN, VALID, epochs=30, callbacks=["early_stopping"], **OPTIONS)
    assert len(history) == 11
    with pytest.raises(cn.UnknownComponentError, match=r"'early_stoping' \(did you mean 'early_stopping'\?\)"):
        cn.fit(*parts(), TRAIN, epochs=3, callbacks=["early_stoping"], **OPTIONS)
    with pytest.raises(cn.ConfigError, match=r"callbacks: callback 'csv_logger' cannot be made .* give CSVLogger"):
        cn.fit(*parts(), TRAIN, epochs=3, callbacks=["csv_logger"], **OPTIONS)


@pytest.mark.parametrize("callbacks", [[cn.EarlyStopping], [3], [None], 3, cn.EarlyStopping(), "early_stopping"])
def test_what_is_none_is_refused(callbacks):
    learner = parts()
    before = learner[0].state_dict()
    with pytest.raises(cn.ConfigError, match="callbacks must ") as caught:
        cn.fit(*learner, TRAIN, epochs=3, callbacks=callbacks, **OPTIONS)
    assert caught.value.name == "callbacks"
    torch.testing.assert_close(learner[0].state_dict(), before, rtol=0, atol=0)


class Raises(Notes):
    """Raises in one of its methods."""

    def __init__(self, method, error, epoch=3):
        super().__init__()
        self.method, self.error, self.epoch = method, error, epoch

    def begin(self, training):
        super().begin(training)
        self.fail("begin", training)

    def after_epoch(self, training):
        super().after_epoch(training)
        if training.epoch == self.epoch:
            self.fail("after_epoch", training)

    def end(self, training):
        super().end(training)
        self.fail("end", training)

    def fail(self, method, training):
        if method == self.method:
            raise self.error


@pytest.mark.parametrize("engine", ENGINES)
def test_an_error_ends_the_training_and_names_callback_and_epoch(engine):
    cause, notes, before = ValueError("mine"), Raises("after_epoch", ValueError("mine"), epoch=20), Notes()
    with pytest.raises(cn.CallbackError) as caught:
        cn.fit(*parts(), TRAIN, epochs=30, engine=engine, callbacks=[before, notes], **OPTIONS)
    error = caught.value
    assert str(error) == "callback Raises raised after epoch 20: ValueError: mine"
    assert (error.callback, error.epoch, type(error.__cause__)) == ("Raises", 20, type(cause))
    assert [each.epoch for each in error.history] == list(range(1, 21))
    assert before.calls[-1] == notes.calls[-1] == ("end", 20, 20)


@pytest.mark.parametrize(
    ("method", "message", "epochs", "ended"),
    [
        ("begin", "callback Raises raised as the training began: ValueError: mine", 0, [1, 1, 0]),
        ("end", "callback Raises raised as the training ended: ValueError: mine", 4, [1, 1, 1]),
    ],
)
def test_an_error_at_either_end(method, message, epochs, ended):
    callbacks = [Notes(), Raises(method, ValueError("mine")), Notes()]
    with pytest.raises(cn.CallbackError) as caught:
        cn.fit(*parts(), TRAIN, epochs=4, callbacks=callbacks, **OPTIONS)
    assert str(caught.value) == message
    assert (len(caught.value.history), caught.value.epoch) == (epochs, epochs)
    assert [sum(call[0] == "end" for call in each.calls) for each in callbacks] == ended


def test_an_error_of_an_argument_is_raised_as_it_is():
    error = cn.OutputError("no room")
    with pytest.raises(cn.OutputError) as caught:
        cn.fit(*parts(), TRAIN, epochs=4, callbacks=[Raises("begin", error)], **OPTIONS)
    assert caught.value is error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_an_interrupt_is_raised_as_it_is_and_all_are_ended(error):
    notes = Notes()
    with pytest.raises(type(error)) as caught:
        cn.fit(*parts(), TRAIN, epochs=9, callbacks=[notes, Raises("after_epoch", error)], **OPTIONS)
    assert caught.value is error
    assert len(error.history) == 3
    assert notes.calls[-1] == ("end", 3, 3)


def test_an_error_of_the_training_goes_before_one_of_an_end():
    first = ValueError("first")

    def metric(model, data):
        raise first

    with pytest.raises(ValueError, match="first") as caught:
        cn.fit(*parts(), TRAIN, epochs=9, metrics=[metric], callbacks=[Raises("end", OSError("second"))], **OPTIONS)
    assert caught.value is first
    assert "callback Raises raised as the training ended: OSError: second" in first.__notes__


@pytest.mark.parametrize("answer", [1, "stop", torch.tensor(True)])
def test_an_answer_that_is_no_bool_is_an_error(answer):
    class Answers(cn.Callback):
        def after_epoch(self, training):
            return answer

    with pytest.raises(cn.CallbackError, match=r"callback Answers raised after epoch 1: TypeError: .*True to end"):
        cn.fit(*parts(), TRAIN, epochs=9, callbacks=[Answers()], **OPTIONS)


def test_the_rate_of_every_group_falls():
    model, loss, _ = parts()
    weight, bias, *rest = model.parameters()
    groups = [{"params": [weight]}, {"params": [bias], "lr": 0.02}, {"params": rest, "momentum": 0.5}]
    optimizer = cn.SGD(groups, lr=0.4)

    class Falls(cn.Callback):
        def after_epoch(self, training):
            training.scale_lr(0.5, least=0.015)

    cn.fit(model, loss, optimizer, TRAIN, epochs=2, callbacks=[Falls()], **OPTIONS)
    assert optimizer.lr == pytest.approx(0.1)
    assert [group.own.get("lr") for group in optimizer.groups] == [None, pytest.approx(0.015), None]


def test_the_rate_falls_to_no_less_than_is_said():
    rates = []

    class Falls(cn.Callback):
        def after_epoch(self, training):
            training.scale_lr(0.1, least=0.02)
            rates.append(training.optimizer.lr)

    cn.fit(*parts(lr=0.5), TRAIN, epochs=3, callbacks=[Falls()], **OPTIONS)
    cn.fit(*parts(lr=0.01), TRAIN, epochs=1, callbacks=[Falls()], **OPTIONS)
    assert rates == pytest.approx([0.05, 0.02, 0.02, 0.01])
