"""Several epochs in one call are the same training, and whatever goes wrong there is told as of its own epoch."""

from itertools import accumulate, count, pairwise

import pytest
import torch

import corenet as cn
from corenet.training.engines.chunks import VERIFIED_BY
from corenet.training.engines.cpu import step_loop as native
from corenet.training.engines.cpu.engine import Compiled
from corenet.training.engines.plain import Plain
from corenet.training.learner import Learner
from corenet.training.step import train_step

pytestmark = pytest.mark.usefixtures("needs_compiler")

FLOAT = cn.data.disk(48, seed=0)
DATA = cn.data.Dataset(FLOAT.inputs.double(), FLOAT.targets.double())
STEPS = 6  # of an epoch in batches of eight
FIRST = [VERIFIED_BY, STEPS - 3 - VERIFIED_BY]  # after one step to record and two to verify it by
MAX_STEPS = 256 // STEPS * STEPS


def build(*middle, loss=cn.BCELoss, optimizer=cn.SGD, **settings):
    """Return what makes a model with ``middle`` inside, its loss and its optimizer."""
    settings = {"lr": 0.1} | ({"momentum": 0.9, "lr_decay": 0.01} if optimizer is cn.SGD else {}) | settings

    def make():
        model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), *(each() for each in middle), cn.Linear(6, 1), cn.Sigmoid())
        model.to(dtype=torch.float64)
        return model, loss(), optimizer(model.parameters(), **settings)

    return make


def noise():
    return cn.Dropout(0.3)


noisy = build(noise)


@pytest.fixture
def same(alike):
    """Train for many epochs that nobody looks at, by both engines."""

    def train(make, data=DATA, epochs=20, metrics=(), **options):
        return alike(make, data, epochs=epochs, metrics=metrics, **options)

    return train


@pytest.mark.parametrize("epochs", [1, 2, 3, 1 + MAX_STEPS // STEPS, 6 + MAX_STEPS // STEPS])
def test_as_many_epochs_as_fit_into_a_call_go_by_at_once(epochs, same, chunks):
    history = same(noisy, epochs=epochs).history
    rest = (epochs - 1) * STEPS
    assert chunks == FIRST + [MAX_STEPS] * (rest // MAX_STEPS) + ([rest % MAX_STEPS] if rest % MAX_STEPS else [])
    assert [each.epoch for each in history] == list(range(1, epochs + 1))


def test_each_epoch_has_its_part_of_the_time(same, monkeypatch):
    monkeypatch.setattr("corenet.training.loop.perf_counter", count().__next__)
    assert [each.seconds for each in same(noisy, epochs=5).history] == [1, *4 * [1 / 4]]


@pytest.mark.parametrize(
    ("batch_size", "expected"),
    [(1, [2, 43, 240, 240, 240, 192]), (7, [2, 1, 6, 6, 5, 2, 16 * 7]), (24, [1, 36]), (48, [1, 16]), (50, [])],
)
def test_batches_of_every_size(batch_size, expected, same, chunks):
    same(noisy, batch_size=batch_size, many=batch_size != 50)
    assert chunks == expected


def test_an_epoch_longer_than_a_call_goes_by_alone(same, chunks):
    data = cn.data.Dataset(DATA.inputs.repeat(6, 1), DATA.targets.repeat(6, 1))
    same(build(noise, lr=0.01), data, epochs=3, batch_size=1)
    assert chunks == [2, 256, 27, 256, 32, 256, 32]


@pytest.mark.parametrize("metrics", [(cn.error_rate,), (lambda model, data: 0.0,)])
def test_where_somebody_measures_each_epoch_goes_by_alone(metrics, same, chunks):
    same(noisy, metrics=metrics, epochs=5)
    assert chunks == FIRST + 4 * [STEPS]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_each_epoch_has_its_own_loss(reduction, same, chunks):
    losses = same(build(loss=lambda: cn.MSELoss(reduction), lr=0.01)).history.losses
    assert chunks == [*FIRST, 19 * STEPS]
    assert len(set(losses)) == 20


@pytest.mark.parametrize("seconds", [0.0, 1e-4, 3e-4])
def test_a_call_is_no_longer_than_may_be(seconds, same, chunks, monkeypatch):
    monkeypatch.setattr(native, "SECONDS", seconds)
    same(noisy)
    assert sum(chunks[1:]) == 20 * STEPS - 3 - VERIFIED_BY
    assert all(each <= STEPS or each % STEPS == 0 for each in chunks)
    assert seconds or set(chunks[2:]) == {1}


@pytest.mark.parametrize(("steps", "expected"), [(5, 20 * [5, 1]), (13, 9 * [12] + [6]), (1, 20 * STEPS * [1])])
def test_what_is_kept_of_a_call_has_a_limit(steps, expected, same, chunks, monkeypatch):
    monkeypatch.setattr(native, "_KEPT", steps * 8 * (8 * (2 + 1) + 8 + 1 + 8 * 6))  # bytes of batch, mask, loss
    same(noisy)
    assert chunks[-10:] == expected[-10:]
    assert max(chunks[1:]) <= steps


class Turns(cn.SGD):
    """Its rule becomes another after some steps."""

    def update(self, param, grad, state):
        if self.steps >= 50:
            param.mul_(0.99)
        param.sub_(grad, alpha=self.current_lr)


class Once(cn.SGD):
    """Halves the weights in one step."""

    def update(self, param, grad, state):
        if self.steps == 50:
            param.mul_(0.5)
        param.sub_(grad, alpha=self.current_lr)


@pytest.mark.parametrize("optimizer", [Turns, Once])
def test_a_rule_that_changes_in_between_is_heeded(optimizer, same):
    same(build(optimizer=optimizer), epochs=60)


def test_a_training_goes_on(same):
    def make():
        parts = noisy()
        cn.fit(*parts, DATA, epochs=10, batch_size=8, engine="compiled", progress=False)
        return parts

    assert same(make).optimizer.steps == 30 * STEPS


@pytest.mark.parametrize("max_steps", [8, 256])
@pytest.mark.parametrize("kind", [Compiled, Plain])
def test_an_engine_takes_several_epochs_from_the_beginning(kind, max_steps, monkeypatch):
    monkeypatch.setattr(native, "_CHUNK", max_steps)
    mine, own = (build()() for _ in range(2))
    for one, other in zip(own[0].parameters(), mine[0].parameters(), strict=True):
        one.copy_(other)
    engine, data = kind(Learner(*mine)), DATA.shuffled(0, 0, 1, 2)
    for _ in range(2):
        pieces = [(value.clone(), points) for piece in engine.steps(*data, 8, 3) for value, points in piece.losses]
        values = [train_step(*own, *batch) for batch in zip(*(each.split(8) for each in data), strict=True)]
        torch.testing.assert_close(torch.cat([value.reshape(-1) for value, _ in pieces]), torch.stack(values))
        ends = list(accumulate((points for _, points in pieces), initial=0))
        assert ends[-1] == 3 * len(DATA)
        for start, end in pairwise(ends):
            assert start // len(DATA) == (end - 1) // len(DATA) or start % len(DATA) == end % len(DATA) == 0
    torch.testing.assert_close(mine[0].state_dict(), own[0].state_dict(), rtol=1e-11, atol=1e-12)
