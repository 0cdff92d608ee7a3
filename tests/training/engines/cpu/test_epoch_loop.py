"""Whole epochs in one call, the smaller last batch and what is measured after each included, are the plain training."""

import warnings

import pytest
import torch

import corenet as cn
from corenet.training.engines import whole_epochs
from corenet.training.engines.cpu.epoch_loop import EpochLoop
from corenet.training.engines.unsupported import NotRecordable

pytestmark = pytest.mark.usefixtures("needs_compiler")


def double(data):
    return cn.data.Dataset(data.inputs.double(), data.targets.double())


TRAIN, VALID = double(cn.data.disk(53, seed=0)), double(cn.data.disk(31, seed=1))


def build(*middle, loss=cn.BCELoss, last=cn.Sigmoid, lr=0.1, **settings):
    """Return what makes a model with ``middle`` inside, its loss and its optimizer."""

    def make():
        layers = [cn.Linear(2, 6), cn.Tanh(), *(each() for each in middle), cn.Linear(6, 1), last()]
        model = cn.Sequential(*layers)
        model.to(dtype=torch.float64)
        return model, loss(), cn.SGD(model.parameters(), **{"lr": lr, "momentum": 0.9, "lr_decay": 0.01} | settings)

    return make


def noise():
    return cn.Dropout(0.3)


@pytest.fixture
def together(monkeypatch):
    """How many epochs were done in each call."""
    run, found = EpochLoop.run, []

    def spied(self, inputs, targets, rates, epochs, steps):
        found.append(epochs)
        return run(self, inputs, targets, rates, epochs, steps)

    monkeypatch.setattr(EpochLoop, "run", spied)
    return found


@pytest.fixture
def same(everything):
    """Train by both engines, demand the same weights, states, losses and measures, and return the compiled history."""

    def train(make, train=TRAIN, valid=VALID, epochs=40, batch_size=8, **options):
        found = []
        for engine in ("plain", "compiled"):
            torch.manual_seed(1)
            model, loss, optimizer = make()
            parts = [
                None if each is None else cn.data.Dataset(each.inputs.clone(), each.targets.clone())
                for each in (train, valid)
            ]
            history = cn.fit(
                model,
                loss,
                optimizer,
                *parts,
                epochs=epochs,
                batch_size=batch_size,
                engine=engine,
                progress=False,
                **options,
            )
            rows = [(each.loss, each.lr, {**each.train}, {**each.valid}) for each in history]
            found.append((everything(model, optimizer), rows))
        plain, compiled = found
        torch.testing.assert_close(compiled, plain, rtol=1e-10, atol=1e-11)
        assert history.engine == "compiled"
        return history

    return train


@pytest.mark.parametrize("middle", [(), (noise,), (noise, noise)])
@pytest.mark.parametrize("batch_size", [7, 8, 17, 26, 52])
def test_what_remains_of_an_epoch_is_learnt_from_in_its_turn(batch_size, middle, same, together):
    history = same(build(*middle), valid=None, batch_size=batch_size)
    assert sum(together) >= 30
    assert len(history) == 40


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_each_epoch_has_its_own_loss(reduction, same, together):
    losses = same(build(loss=lambda: cn.MSELoss(reduction), lr=0.002)).losses
    assert max(together) > 10
    assert len(set(losses)) == 40


@pytest.mark.parametrize("metrics", [None, [], [cn.accuracy], [cn.accuracy, cn.error_rate]])
@pytest.mark.parametrize("batch_size", [8, 53])
def test_what_is_measured_of_outputs_is_measured_in_passing(batch_size, metrics, same, together):
    history = same(build(noise), batch_size=batch_size, metrics=metrics)
    assert max(together) > 10
    assert len({each.valid["loss"] for each in history}) == 40


def test_rates_without_validation_data_too(same, together):
    assert set(same(build(), valid=None, metrics=[cn.error_rate])[-1].train) == {"error_rate"}
    assert max(together) > 10


@pytest.mark.parametrize(
    ("loss", "last"), [(cn.BCEWithLogitsLoss, cn.Sequential), (cn.MSELoss, cn.Tanh), (cn.BCELoss, cn.Sigmoid)]
)
def test_every_loss_is_measured(loss, last, same, together):
    same(build(loss=loss, last=last, lr=0.02))
    assert max(together) > 10


def test_a_metric_of_ones_own_sees_each_epoch(same, together):
    weights = []

    def norm(model, data):
        weights.append(model[0].weight.sum().item())
        return weights[-1]

    same(build(), metrics=[norm, cn.error_rate])
    assert weights[:80] == pytest.approx(weights[80:], rel=1e-9)  # of both engines
    assert len(set(weights[:80])) == 40  # on two parts of the data the same
    assert set(together) <= {1}


def test_a_data_set_that_augments_is_asked_for_each_epoch(same, together):
    class Shifted(cn.data.Dataset):
        def shuffled(self, seed, *epochs):
            inputs, targets = super().shuffled(seed, *epochs)
            return inputs + 0.01 * torch.randn(inputs.shape, dtype=inputs.dtype), targets

    def fitted(engine):
        torch.manual_seed(1)
        model, loss, optimizer = build(noise)()
        data = Shifted(TRAIN.inputs, TRAIN.targets)
        return cn.fit(model, loss, optimizer, data, VALID, epochs=20, batch_size=8, engine=engine, progress=False)

    assert fitted("compiled").losses == pytest.approx(fitted("plain").losses, rel=1e-10)
    assert set(together) <= {1}


class Averages(cn.Module):
    """Subtracts the mean of the batch in training, a running mean in evaluation."""

    def __init__(self):
        self.mean = cn.Buffer(torch.zeros(6))

    def forward(self, input):
        if not self.training:
            return input - self.mean
        self.mean.mul_(0.9).add_(input.mean(0), alpha=0.1)
        self.save(input)
        return input - input.mean(0)

    def backward(self, grad_output):
        self.saved()
        return grad_output - grad_output.mean(0)


def test_evaluation_reads_the_buffers_of_its_epoch(same, together):
    same(build(Averages, lr=0.05))
    assert max(together) > 10


class CountsEvaluations(cn.Tanh):
    """Keeps a number that is no tensor, in evaluation alone."""

    evaluations = 0

    def forward(self, input):
        if not self.training:
            self.evaluations += 1
        return super().forward(input)


class DrawsInEvaluation(cn.Tanh):
    """Adds noise in evaluation."""

    def forward(self, input):
        output = super().forward(input)
        return output if self.training else output + 0.1 * torch.rand_like(output)


class LooksInEvaluation(cn.Tanh):
    """Looks at its numbers in evaluation."""

    def forward(self, input):
        output = super().forward(input)
        return output if self.training or output.sum().item() > 0 else 2 * output


@pytest.mark.parametrize("kind", [DrawsInEvaluation, LooksInEvaluation])
def test_an_evaluation_that_cannot_be_recorded_is_plain(kind, same, together):
    same(build(kind))
    assert together == []


def test_an_evaluation_that_changes_what_a_step_reads_is_plain(everything):
    made = []
    for engine in ("plain", "compiled"):
        torch.manual_seed(1)
        model, loss, optimizer = build(CountsEvaluations)()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cn.EngineWarning)  # it changes too often
            cn.fit(model, loss, optimizer, TRAIN, VALID, epochs=20, batch_size=8, engine=engine, progress=False)
        made.append((everything(model, optimizer), model[2].evaluations))
    torch.testing.assert_close(*made, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("epoch", [2, 9, 30])
@pytest.mark.parametrize("change", ["in place", "another tensor"])
def test_validation_data_that_somebody_changes_are_heeded(change, epoch, everything, together, monkeypatch):
    """Nobody's code runs within a call, so whoever shows progress may change them between two."""
    made = []
    for engine in ("plain", "compiled"):
        torch.manual_seed(1)
        model, loss, optimizer = build()()
        valid = cn.data.Dataset(VALID.inputs.clone(), VALID.targets.clone())
        fit = {"epochs": epoch, "batch_size": 8, "engine": engine, "progress": False}
        first = cn.fit(model, loss, optimizer, TRAIN, valid, **fit)
        if change == "in place":
            valid.inputs.mul_(2)
        else:
            valid.inputs = 2 * valid.inputs
        fit |= {"epochs": 2 * epoch, "initial_epoch": epoch}
        second = cn.fit(model, loss, optimizer, TRAIN, valid, **fit)
        made.append((everything(model, optimizer), [dict(each.valid) for each in (*first, *second)]))
    torch.testing.assert_close(*made, rtol=1e-10, atol=1e-11)


class Runaway(cn.SGD):
    """Leaps at one step."""

    at = 150

    @property
    def current_lr(self):
        return 1e200 if self.steps == self.at else 0.01


@pytest.mark.parametrize("at", [100, 146, 147, 148, 152, 153, 154])  # an epoch has seven steps
def test_what_runs_away_is_told_as_of_its_step(at):
    def error(engine):
        torch.manual_seed(1)
        model, loss, _ = build(loss=cn.MSELoss, last=cn.Sequential)()
        optimizer = Runaway(model.parameters(), lr=0.1)
        optimizer.at = at
        with pytest.raises(cn.NonFiniteError) as caught:
            cn.fit(model, loss, optimizer, TRAIN, VALID, epochs=40, batch_size=8, engine=engine, progress=False)
        history = caught.value.history
        rows = [(each.loss, each.valid["loss"]) for each in history]
        return str(caught.value), caught.value.epoch, caught.value.step, rows

    plain, compiled = error("plain"), error("compiled")
    assert compiled[:3] == plain[:3]
    torch.testing.assert_close(compiled[3], plain[3], rtol=1e-9, atol=1e-10, equal_nan=True)


class Bounded(cn.MSELoss):
    """Refuses an output on the validation data below a bound."""

    bound = -torch.inf

    def check(self, input, target):
        super().check(input, target)
        if len(input) % 8 not in (0, 5) and input.amin() < self.bound:
            raise cn.RangeError("Bounded() takes no such output")


def test_a_loss_that_refuses_an_output_in_evaluation_says_so_after_the_same_epoch():
    def least(model, data):
        return cn.predict(model, VALID).amin().item()

    def fitted(engine, bound, metrics=()):
        torch.manual_seed(1)
        model, loss, optimizer = build(loss=Bounded, lr=0.05)()
        loss.bound = bound
        fit = {"epochs": 60, "batch_size": 8, "metrics": metrics, "engine": engine, "progress": False}
        return cn.fit(model, loss, optimizer, TRAIN, VALID, **fit)

    reached = [each.train["least"] for each in fitted("plain", -torch.inf, [least])]
    bound = min(reached[:30]) - 1e-6
    assert min(reached[30:]) < bound

    def losses(engine):
        with pytest.raises(cn.RangeError, match="takes no such output") as caught:
            fitted(engine, bound)
        return caught.value.history.losses

    assert losses("compiled") == pytest.approx(losses("plain"), rel=1e-9)


def test_a_wrong_evaluation_is_found_out(same, together, monkeypatch):
    log = whole_epochs.log_evaluation

    def wrong(*arguments):
        numbers, found = log(*arguments)
        found.operations = [each for each in found.operations if each.name != "neg"]  # of the loss
        return numbers, found

    monkeypatch.setattr(whole_epochs, "log_evaluation", wrong)
    same(build())
    assert together == [1]  # the steps were tried, and never used


def test_a_wrong_step_on_what_remains_is_found_out(same, together, monkeypatch):
    draw = EpochLoop._draw

    def wrong(self, epochs, steps):
        draw(self, epochs, steps)
        if self._rest is not None:
            self._rest.given(epochs)[0].mul_(1.001)

    monkeypatch.setattr(EpochLoop, "_draw", wrong)
    same(build(), valid=None)
    assert set(together) == {1}  # tried, and never used


def test_what_cannot_be_measured_in_c_is_measured_plainly(same, monkeypatch, caplog):
    def refuse(*arguments):
        raise NotRecordable("not every kernel of it is known in C")

    monkeypatch.setattr(EpochLoop, "__init__", refuse)
    with caplog.at_level("INFO", "corenet"):
        same(build())
    assert "measuring after each epoch by itself: not every kernel of it is known in C" in caplog.messages
