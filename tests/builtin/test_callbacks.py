"""When the built-in callbacks stop, lower the rate, and save: on trainings whose numbers are given."""

import math

import pytest
import torch

import corenet as cn
from corenet.testing.support.stand_in_training import StandInTraining

FALLS_THEN_RISES = [5.0, 4.0, 3.0, 3.5, 2.9, 3.0, 3.1, 3.2, 3.3, 3.4]


def run(callback, values, name="valid_loss", sign=-1):
    """Run through epochs of these values; return what came of it, and the rate that each epoch was begun with."""
    training = StandInTraining([{"loss": each, "valid_loss": each, name: each} for each in values])
    training.sign = lambda monitor: sign
    done = training.run(callback)
    return done, [each.lr for each in training.history]


@pytest.mark.parametrize(("patience", "epochs", "best"), [(1, 4, 3), (2, 7, 5), (3, 8, 5), (5, 10, 5), (6, 10, 5)])
def test_early_stopping_waits_for_its_patience(patience, epochs, best):
    stopping = cn.EarlyStopping(patience=patience)
    done, _ = run(stopping, FALLS_THEN_RISES)
    assert (done.epochs, done.weight, stopping.best_epoch) == (epochs, best, best)
    assert stopping.best == FALLS_THEN_RISES[best - 1]
    assert stopping.stopped_epoch == (None if patience == 6 else epochs)


def test_early_stopping_leaves_the_weights_if_asked_to():
    done, _ = run(cn.EarlyStopping(patience=2, restore_best=False), FALLS_THEN_RISES)
    assert (done.epochs, done.weight) == (7, 7)


@pytest.mark.parametrize(
    ("min_delta", "best"), [(0.0, 5), (0.05, 5), (0.1000001, 3), (0.9, 3), (1.0, 3), (2.0, 5), (2.2, 1)]
)
def test_what_counts_is_better_by_more_than_min_delta(min_delta, best):
    stopping = cn.EarlyStopping(patience=9, min_delta=min_delta)
    run(stopping, FALLS_THEN_RISES)
    assert stopping.best_epoch == best


@pytest.mark.parametrize(
    ("mode", "sign", "best"),
    [("auto", -1, 5), ("auto", 1, 1), ("min", 1, 5), ("min", 0, 5), ("max", -1, 1), ("max", 0, 1)],
)
def test_mode_says_which_way_is_up(mode, sign, best):
    stopping = cn.EarlyStopping("valid_x", patience=20, mode=mode)
    run(stopping, FALLS_THEN_RISES, "valid_x", sign)
    assert stopping.best_epoch == best


def test_a_number_that_nobody_knows_needs_a_mode():
    for callback in (cn.EarlyStopping("x"), cn.ReduceOnPlateau("x"), cn.BestCheckpoint("file", "x")):
        with pytest.raises(cn.ConfigError, match="not known whether a larger 'x' is better; give mode='min'"):
            run(callback, [1.0], "x", sign=0)


@pytest.mark.parametrize("values", [[math.nan] * 5, [3.0, *[math.nan] * 5], [math.nan, 3.0, *[math.nan] * 4]])
def test_nan_is_never_better(values):
    stopping = cn.EarlyStopping(patience=4)
    done, _ = run(stopping, values)
    numbers = [each for each in values if each == each]
    assert done.epochs == (4 if not numbers else values.index(3.0) + 5)
    assert stopping.best == (numbers[0] if numbers else None)


def test_infinity_is_worse_than_any_number():
    stopping = cn.EarlyStopping(patience=4)
    run(stopping, [math.inf, 2.0, math.inf])
    assert (stopping.best, stopping.best_epoch) == (2.0, 2)


@pytest.mark.parametrize(
    ("settings", "rates"),
    [
        ({"patience": 2}, [0.5] * 7 + [0.05] * 2 + [0.005]),
        ({"patience": 1, "factor": 0.5}, [0.5] * 4 + [0.25] * 2 + [0.125, 0.0625, 0.03125, 0.015625]),
        ({"patience": 2, "min_lr": 0.2}, [0.5] * 7 + [0.2] * 3),
        ({"patience": 2, "cooldown": 2, "factor": 0.5}, [0.5] * 7 + [0.25] * 3),
        ({"patience": 1, "cooldown": 1, "factor": 0.5}, [0.5] * 4 + [0.25] * 2 + [0.125] * 2 + [0.0625] * 2),
        ({"patience": 2, "min_delta": 0.2, "factor": 0.5}, [0.5] * 5 + [0.25] * 2 + [0.125] * 2 + [0.0625]),
    ],
)
def test_reduce_on_plateau(settings, rates):
    _, found = run(cn.ReduceOnPlateau(**settings), FALLS_THEN_RISES)
    assert found == pytest.approx(rates)


@pytest.mark.parametrize("seed", range(24))
def test_reduce_on_plateau_goes_as_keras(seed):
    values = (torch.rand(25, generator=torch.Generator().manual_seed(seed)) * 3).tolist()
    patience, cooldown = seed % 3 + 1, seed % 4
    best, wait, left, lr, expected = math.inf, 0, 0, 0.5, []
    for value in values:  # its loop by hand
        expected.append(lr)
        cooling = left > 0
        if cooling:
            left, wait = left - 1, 0
        if value < best - 1e-4:
            best, wait = value, 0
        elif not cooling:
            wait += 1
            if wait >= patience:
                lr, left, wait = max(lr * 0.1, 1e-3), cooldown, 0
    _, found = run(cn.ReduceOnPlateau(patience=patience, cooldown=cooldown, min_lr=1e-3), values)
    assert found == pytest.approx(expected)


def test_best_checkpoint_saves_each_epoch_that_is_the_best(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(StandInTraining, "save", lambda self, path: saved.append((self.epoch, path)))
    checkpoint = cn.BestCheckpoint(tmp_path / "best")
    run(checkpoint, FALLS_THEN_RISES)
    assert saved == [(epoch, tmp_path / "best") for epoch in (1, 2, 3, 5)]
    assert (checkpoint.best, checkpoint.best_epoch) == (2.9, 5)


def parts(lr=0.4):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 8), cn.Tanh(), cn.Linear(8, 1), cn.Sigmoid())
    return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=lr, momentum=0.9)


TRAIN, VALID = cn.data.disk(40, seed=0), cn.data.disk(30, seed=1)
OPTIONS = {"batch_size": 8, "progress": False}


def test_in_a_real_training_the_best_weights_are_restored_and_saved(tmp_path):
    model, loss, optimizer = parts(lr=1.5)
    stopping, checkpoint = cn.EarlyStopping(patience=5), cn.BestCheckpoint(tmp_path / "best.safetensors")
    history = cn.fit(model, loss, optimizer, TRAIN, VALID, epochs=200, callbacks=[stopping, checkpoint], **OPTIONS)
    losses = [each.valid["loss"] for each in history]
    assert len(history) == stopping.stopped_epoch == stopping.best_epoch + 5 < 200
    assert stopping.best == min(losses) == losses[stopping.best_epoch - 1]
    assert cn.measure(model, VALID, ["loss"], loss)["loss"] == pytest.approx(min(losses), rel=1e-5)
    other = parts()
    cn.load(tmp_path / "best.safetensors", other[0], other[2])
    torch.testing.assert_close(other[0].state_dict(), model.state_dict(), rtol=0, atol=0)
    assert other[2].steps == 5 * stopping.best_epoch


def test_the_best_weights_are_restored_when_the_training_is_interrupted():
    class Interrupts(cn.Callback):
        def after_epoch(self, training):
            if training.epoch == stopping.best_epoch + 3:
                raise KeyboardInterrupt

    model, loss, optimizer = parts(lr=1.5)
    stopping = cn.EarlyStopping(patience=50)
    with pytest.raises(KeyboardInterrupt):
        cn.fit(model, loss, optimizer, TRAIN, VALID, epochs=200, callbacks=[stopping, Interrupts()], **OPTIONS)
    assert cn.measure(model, VALID, ["loss"], loss)["loss"] == pytest.approx(stopping.best, rel=1e-5)


class Shift(cn.MSELoss):
    """A loss that learns."""

    def __init__(self):
        super().__init__()
        self.shift = cn.Parameter(torch.tensor(0.7))

    def elements(self, input, target):
        return super().elements(input - self.shift, target)

    def derivative(self, input, target):
        slope = super().derivative(input - self.shift, target)
        self.shift.grad -= slope.mean()
        return slope


def test_a_loss_that_learns_is_restored_too():
    model, loss, seen = cn.Linear(2, 1), Shift(), []

    class Notes(cn.Callback):
        def after_epoch(self, training):
            seen.append(loss.shift.item())

    optimizer = cn.SGD([*model.parameters(), *loss.parameters()], lr=0.05)
    stopping = cn.EarlyStopping("loss", patience=2, mode="max")  # so the first epoch is the best
    cn.fit(model, loss, optimizer, TRAIN, epochs=9, callbacks=[Notes(), stopping], **OPTIONS)
    assert seen[0] != seen[-1]
    assert loss.shift.item() == seen[stopping.best_epoch - 1]


@pytest.mark.parametrize("monitor", ["val_loss", "valid_f1", "valid_los", 3])
@pytest.mark.parametrize("callback", [cn.EarlyStopping, cn.ReduceOnPlateau, lambda name: cn.BestCheckpoint("x", name)])
def test_a_number_that_no_epoch_has_is_refused_before_the_training(callback, monitor):
    learner = parts()
    with pytest.raises(cn.ConfigError, match=rf"monitor: no epoch has {monitor!r}.*; there are loss, .*valid_loss"):
        cn.fit(*learner, TRAIN, VALID, epochs=3, callbacks=[callback(monitor)], **OPTIONS)
    assert learner[2].steps == 0


WATCHING = [cn.EarlyStopping, cn.ReduceOnPlateau, lambda name, **options: cn.BestCheckpoint("x", name, **options)]


@pytest.mark.parametrize("callback", WATCHING)
def test_a_metric_that_is_a_list_is_refused_before_the_training(callback):
    learner, watching = parts(), callback("train_confusion_matrix", mode="max")
    message = r"monitor: 'train_confusion_matrix' is a list, not a number; there are loss, lr, seconds, train_f1; vali"
    with pytest.raises(cn.ConfigError, match=message):
        cn.fit(*learner, TRAIN, epochs=3, metrics=["confusion_matrix", "f1"], callbacks=[watching], **OPTIONS)
    assert learner[2].steps == 0


@pytest.mark.parametrize("callback", WATCHING)
def test_a_function_that_gives_several_numbers_is_refused_after_the_first_epoch(callback):
    def both(output, target):
        return torch.stack([output.mean(), target.mean()])

    watching, learner = callback("train_both", mode="max"), parts()
    with pytest.raises(cn.ConfigError, match=r"metric 'both' is a tensor of shape \(2,\), not a number; return one"):
        cn.fit(*learner, TRAIN, epochs=3, metrics=[both], callbacks=[watching], **OPTIONS)
    assert learner[2].steps == len(TRAIN) / OPTIONS["batch_size"]


def test_without_validation_data_it_is_said_what_is_missing():
    with pytest.raises(cn.ConfigError, match=r"no epoch has 'valid_loss'.*; validation data is given as valid="):
        cn.fit(*parts(), TRAIN, epochs=3, callbacks=[cn.EarlyStopping()], **OPTIONS)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: cn.EarlyStopping(patience=0), "patience"),
        (lambda: cn.EarlyStopping(patience=2.0), "patience"),
        (lambda: cn.EarlyStopping(min_delta=-0.1), "min_delta"),
        (lambda: cn.EarlyStopping(mode="best"), "mode"),
        (lambda: cn.ReduceOnPlateau(factor=1.0), "factor"),
        (lambda: cn.ReduceOnPlateau(factor=0.0), "factor"),
        (lambda: cn.ReduceOnPlateau(factor=math.nan), "factor"),
        (lambda: cn.ReduceOnPlateau(cooldown=-1), "cooldown"),
        (lambda: cn.ReduceOnPlateau(min_lr=math.inf), "min_lr"),
        (lambda: cn.BestCheckpoint("x", mode=None), "mode"),
    ],
)
def test_arguments_that_cannot_work_are_refused(make, name):
    with pytest.raises(cn.ConfigError, match=rf"(Stopping|Plateau|Checkpoint): {name} must be ") as caught:
        make()
    assert caught.value.name == name


def test_early_stopping_goes_on_from_its_state():
    one, other = cn.EarlyStopping(patience=3), cn.EarlyStopping(patience=3)
    run(one, FALLS_THEN_RISES[:4])
    other.load_state_dict(one.state_dict())
    assert other.state_dict() == one.state_dict()
    assert {name: one.state_dict()[name] for name in ("best", "best_epoch", "stopped_epoch", "waited")} == {
        "best": 3.0, "best_epoch": 3, "stopped_epoch": None, "waited": 1,
    }  # fmt: skip


def test_early_stopping_waits_for_ten_epochs_unless_told():
    assert run(cn.EarlyStopping(), [1.0] + [2.0] * 20)[0].epochs == 11
