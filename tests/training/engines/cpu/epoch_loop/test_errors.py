"""What goes wrong within whole epochs in one call is told as of its own step or epoch, or found out before."""

import pytest
import torch

import corenet as cn
from corenet.training.engines import whole_epochs
from corenet.training.engines.cpu.epoch_loop import EpochLoop
from corenet.training.engines.unsupported import NotRecordable

pytestmark = pytest.mark.usefixtures("needs_compiler")


class Runaway(cn.SGD):
    """Leaps at one step."""

    at = 150

    @property
    def current_lr(self):
        return 1e200 if self.steps == self.at else 0.01


@pytest.mark.parametrize("at", [100, 146, 147, 148, 152, 153, 154])  # an epoch has seven steps
def test_what_runs_away_is_told_as_of_its_step(at, build, points):
    def error(engine):
        torch.manual_seed(1)
        model, loss, _ = build(loss=cn.MSELoss, last=cn.Sequential)()
        optimizer = Runaway(model.parameters(), lr=0.1)
        optimizer.at = at
        with pytest.raises(cn.NonFiniteError) as caught:
            cn.fit(model, loss, optimizer, points[0], points[1], epochs=40, batch_size=8, engine=engine, progress=False)
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


def test_a_loss_that_refuses_an_output_in_evaluation_says_so_after_the_same_epoch(build, points):
    def least(model, data):
        return cn.predict(model, points[1]).amin().item()

    def fitted(engine, bound, metrics=()):
        torch.manual_seed(1)
        model, loss, optimizer = build(loss=Bounded, lr=0.05)()
        loss.bound = bound
        fit = {"epochs": 60, "batch_size": 8, "metrics": metrics, "engine": engine, "progress": False}
        return cn.fit(model, loss, optimizer, points[0], points[1], **fit)

    reached = [each.train["least"] for each in fitted("plain", -torch.inf, [least])]
    bound = min(reached[:30]) - 1e-6
    assert min(reached[30:]) < bound

    def losses(engine):
        with pytest.raises(cn.RangeError, match="takes no such output") as caught:
            fitted(engine, bound)
        return caught.value.history.losses

    assert losses("compiled") == pytest.approx(losses("plain"), rel=1e-9)


def test_a_wrong_evaluation_is_found_out(same, together, monkeypatch, build):
    log = whole_epochs.log_evaluation

    def wrong(*arguments):
        numbers, found = log(*arguments)
        found.operations = [each for each in found.operations if each.name != "neg"]  # of the loss
        return numbers, found

    monkeypatch.setattr(whole_epochs, "log_evaluation", wrong)
    same(build())
    assert together == [1]  # the steps were tried, and never used


def test_a_wrong_step_on_what_remains_is_found_out(same, together, monkeypatch, build):
    draw = EpochLoop._draw

    def wrong(self, epochs, steps):
        draw(self, epochs, steps)
        if self._rest is not None:
            self._rest.given(epochs)[0].mul_(1.001)

    monkeypatch.setattr(EpochLoop, "_draw", wrong)
    same(build(), measured=False)
    assert set(together) == {1}  # tried, and never used


def test_what_cannot_be_measured_in_c_is_measured_plainly(same, monkeypatch, caplog, build):
    def refuse(*arguments):
        raise NotRecordable("not every kernel of it is known in C")

    monkeypatch.setattr(EpochLoop, "__init__", refuse)
    with caplog.at_level("INFO", "corenet"):
        same(build())
    assert "measuring after each epoch by itself: not every kernel of it is known in C" in caplog.messages
