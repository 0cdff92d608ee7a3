"""Whatever goes wrong in several epochs of one call is told as of its own epoch."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.chunks import VERIFIED_BY
from corenet.training.engines.cpu import step_loop as native

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


class Saturates(cn.Module):
    """y = tanh(w x): an infinite weight gives a finite output, and no gradient."""

    def __init__(self):
        self.weight = cn.Parameter(torch.tensor([0.3]))

    def forward(self, input):
        output = torch.tanh(self.weight * input)
        self.save(input, output)
        return output

    def backward(self, grad_output):
        input, output = self.saved()
        inner = grad_output * (1 - output * output)
        self.weight.grad += (inner * input).sum()
        return self.weight * inner


class Leaps(cn.SGD):
    """Has a huge rate in one step, which makes an infinite weight of a finite gradient."""

    at = 0

    @property
    def current_lr(self):
        return 1.7e308 if self.steps == self.at else 1e-7


class Returns(Leaps):
    """The next step brings the weight back."""

    def update(self, param, grad, state):
        param.clamp_(-0.5, 0.5).sub_(grad, alpha=self.current_lr)


COLUMN = cn.data.Dataset(0.5 + DATA.inputs[:, :1], 40 + DATA.targets)


def leaping(optimizer, at):
    def make():
        model = cn.Sequential(Saturates())
        model.to(dtype=torch.float64)
        leaps = optimizer(model.parameters(), lr=0.1)
        leaps.at = at
        return model, cn.MSELoss("sum"), leaps

    return make


@pytest.mark.parametrize(
    ("at", "batch_size"),
    [(2, 8), (3, 8), (5, 8), (6, 8), (41, 8), (42, 8), (44, 8), (119, 8), (7, 48), (48 * 7 + 5, 1)],
)
def test_weights_that_become_infinite_stop_it_after_that_epoch(at, batch_size, same):
    many = at > 3  # before, there is no weight left that moves and could be verified by
    error = same(leaping(Leaps, at), COLUMN, batch_size=batch_size, many=many).error
    assert isinstance(error, cn.NonFiniteError)
    epoch = at * batch_size // len(COLUMN) + 1
    assert str(error) == f"0.weight is not finite after epoch {epoch}: lower lr"
    assert error.module == "0.weight"


@pytest.mark.parametrize("at", [40, 41])
def test_weights_are_looked_at_when_an_epoch_is_over(at, same):
    error = same(leaping(Returns, at), COLUMN).error
    assert (error is None) == (at == 40)  # the last step but one


@pytest.mark.parametrize("step", [1, 3, 6])
@pytest.mark.parametrize("epoch", [3, 20])
def test_a_gradient_that_is_not_finite_stops_it_at_its_step(epoch, step, same, chunks):
    at = (epoch - 1) * STEPS + step - 2  # the step before it makes large weights

    def make():
        model = cn.Sequential(cn.Linear(2, 1), noise())
        model.to(dtype=torch.float64)
        leaps = Leaps(model.parameters(), lr=0.1)
        leaps.at = at
        return model, cn.MSELoss(), leaps

    error = same(make, cn.data.Dataset(DATA.inputs, 0.01 + 0.001 * DATA.targets)).error
    assert (error.epoch, error.step) == (epoch, step)
    assert "no weight was written" in str(error)
    assert chunks == [*FIRST, 19 * STEPS]


def test_an_interruption_leaves_whole_epochs(trained, monkeypatch):
    """Ctrl-C while C runs comes when it is done."""
    run = native.CompiledLoop.run

    def interrupted(self, *batches_and_rates):
        found = run(self, *batches_and_rates)
        if len(found[1][1]) > STEPS:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(native.CompiledLoop, "run", interrupted)
    left = trained(noisy, "compiled", DATA, epochs=10, metrics=())
    assert isinstance(left.error, KeyboardInterrupt)
    expected = trained(noisy, "plain", DATA, epochs=1, metrics=())
    torch.testing.assert_close(left.everything()[:2], expected.everything()[:2], rtol=1e-11, atol=1e-12)


class Anneals(cn.Module):
    """y = t x, with a t that falls with each evaluation."""

    def __init__(self):
        self.t = 1.0

    def forward(self, input):
        if not self.training:
            self.t *= 0.8
        return self.t * input

    def backward(self, grad_output):
        return self.t * grad_output


def test_an_evaluation_may_change_the_model():
    def trained(engine):
        torch.manual_seed(0)
        model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), Anneals(), cn.Linear(6, 1), cn.Sigmoid())
        optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9)
        data = cn.data.disk(48, seed=0)
        cn.fit(model, cn.BCELoss(), optimizer, data, data, epochs=5, batch_size=8, engine=engine, progress=False)
        return model.state_dict()

    torch.testing.assert_close(trained("compiled"), trained("plain"))


class Ends(cn.SGD):
    """Has no rate after its hundredth step."""

    @property
    def current_lr(self):
        if self.steps > 100:
            raise ValueError("the schedule is over")
        return super().current_lr


def test_a_schedule_that_raises_does_so_at_its_step():
    def trained(engine):
        torch.manual_seed(0)
        model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 1), cn.Sigmoid())
        optimizer = Ends(model.parameters(), lr=0.1, momentum=0.9)
        with pytest.raises(ValueError, match="the schedule is over"):
            cn.fit(model, cn.BCELoss(), optimizer, FLOAT, epochs=40, batch_size=8, engine=engine, progress=False)
        return optimizer.steps, model.state_dict()

    torch.testing.assert_close(trained("compiled"), trained("plain"))
    assert trained("compiled")[0] == 101
