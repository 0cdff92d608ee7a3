"""The recorded step is the plain step, until it can't be; then the plain step goes on."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.replay import Replay
from corenet.training.step import train_step

DATA = cn.data.disk(70, seed=0)


class Scaled(cn.Module):
    """y = c x with a factor that may be changed from outside."""

    factor = 1.0

    def forward(self, input):
        return self.factor * input

    def backward(self, grad_output):
        return self.factor * grad_output


class Looks(cn.Tanh):
    """Looks at its numbers."""

    def forward(self, input):
        assert input.sum().item() < 1e9
        return super().forward(input)


class Counts(cn.Tanh):
    """Keeps a number that is no tensor."""

    calls = 0

    def forward(self, input):
        self.calls += 1
        return super().forward(input)


class Hides(cn.Tanh):
    """Draws its numbers where no tape sees it."""

    def forward(self, input):
        return super().forward(input) * torch.from_numpy(input.detach().numpy() > 0).float().mean()


class Averages(cn.Module):
    """Keeps a running mean in a buffer."""

    def __init__(self):
        self.mean = cn.Buffer(torch.zeros(6))

    def forward(self, input):
        if self.training:
            self.mean.mul_(0.9).add_(input.mean(0), alpha=0.1)
        self.save(input)
        return input - self.mean.clone()

    def backward(self, grad_output):
        self.saved()
        return grad_output - 0.1 * grad_output.mean(0)


def parts(*middle, loss=cn.BCELoss, end=cn.Sigmoid, dtype=torch.float32, lr=0.3):
    torch.manual_seed(1)
    model = cn.Sequential(cn.Linear(2, 6), cn.ReLU(), *(each() for each in middle), cn.Linear(6, 1), end())
    model.to(dtype=dtype)
    return model, loss(), cn.SGD(model.parameters(), lr=lr, momentum=0.9, lr_decay=0.01)


def run(step, begin=lambda: None, data=DATA, epochs=4, each_epoch=lambda epoch: None):
    """Return the loss of each step over batches of 30, 30 and 10 points."""
    losses = []
    for epoch in range(epochs):
        each_epoch(epoch)
        torch.manual_seed(epoch)
        begin()
        losses += [step(input, target).sum().item() for input, target in data.batches(30, seed=3, epoch=epoch)]
    return losses


def both(*middle, change=lambda model, epoch: None, data=DATA, **options):
    """Train alike by the plain step and by replay, and return both models, both losses and the engine."""
    plain, replayed = parts(*middle, **options), parts(*middle, **options)
    engine = Replay(*replayed)
    first = run(lambda *batch: train_step(*plain, *batch), data=data, each_epoch=lambda e: change(plain[0], e))
    second = run(engine.step, engine.begin_epoch, data=data, each_epoch=lambda e: change(replayed[0], e))
    return plain[0], replayed[0], first, second, engine


def assert_alike(plain, replayed, first, second, **tolerance):
    torch.testing.assert_close(replayed.state_dict(), plain.state_dict(), **tolerance)
    assert second == pytest.approx(first, rel=1e-5)


@pytest.mark.parametrize(
    "loss", [cn.MSELoss, cn.MAELoss, cn.BCELoss, lambda: cn.MSELoss("sum"), lambda: cn.MAELoss("none")]
)
@pytest.mark.parametrize("middle", [(), (lambda: cn.Dropout(0.3),), (cn.Tanh, Averages), (lambda: cn.Linear(6, 6),)])
def test_a_replayed_training_is_the_plain_one(loss, middle):
    *found, engine = both(*middle, loss=loss, lr=0.02)
    assert_alike(*found)
    assert engine.name == "replay"
    assert all(recording.proven for recording in engine._recordings.values())
    assert len(engine._recordings) == 2  # the last batch is smaller


def test_in_float64_it_is_the_plain_one_to_the_last_digits():
    data = cn.data.Dataset(DATA.inputs.double(), DATA.targets.double())
    *found, _ = both(dtype=torch.float64, data=data)
    assert_alike(*found, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("middle", [Looks, Counts, Hides])
def test_what_cannot_be_recorded_is_trained_by_the_plain_step_bit_for_bit(middle, caplog):
    with caplog.at_level("INFO", logger="corenet"):
        *found, engine = both(middle)
    assert engine.name == "plain"
    assert_alike(*found, rtol=0, atol=0)
    assert len([record for record in caplog.records if "the plain step trains" in record.message]) == 1


def test_a_setting_changed_between_epochs_is_heeded():
    def change(model, epoch):
        model[2].factor = 1.0 + epoch

    *found, engine = both(Scaled, change=change)
    assert_alike(*found)
    assert engine.name == "replay"


def test_weights_and_modules_replaced_between_epochs_are_heeded():
    def change(model, epoch):
        if epoch == 2:
            model[0].weight.data = model[0].weight.data.clone() * 0.5
        if epoch == 3:
            model.load_state_dict({name: 0.9 * tensor for name, tensor in model.state_dict().items()})

    *found, _ = both(change=change)
    assert_alike(*found)


def test_the_learning_rate_may_change_at_any_step():
    plain, replayed = parts(), parts()
    engine = Replay(*replayed)
    for rate in (0.1, 0.5, 0.0, 0.2):
        plain[2].lr = replayed[2].lr = rate
        for input, target in DATA.batches(35):
            train_step(*plain, input, target)
            engine.step(input, target)
    torch.testing.assert_close(replayed[0].state_dict(), plain[0].state_dict())


def test_numbers_that_are_not_finite_stop_it_before_the_write():
    plain, replayed = parts(end=cn.Tanh, loss=cn.MSELoss), parts(end=cn.Tanh, loss=cn.MSELoss)
    engine = Replay(*replayed)
    for input, target in DATA.batches(35):
        train_step(*plain, input, target)
        engine.step(input, target)
    bad = torch.full((35, 2), 1e38) * 10
    before = replayed[0].state_dict()
    with pytest.raises(cn.NonFiniteError) as theirs:
        train_step(*plain, bad, torch.zeros(35, 1))
    with pytest.raises(cn.NonFiniteError) as ours:
        engine.step(bad, torch.zeros(35, 1))
    assert str(ours.value) == str(theirs.value)
    torch.testing.assert_close(replayed[0].state_dict(), before, rtol=0, atol=0)


def test_what_a_loss_refuses_is_refused_in_every_step():
    model, loss, optimizer = parts()
    engine = Replay(model, loss, optimizer)
    for _ in range(3):
        engine.step(DATA.inputs, DATA.targets)
    with pytest.raises(cn.RangeError, match=r"BCELoss\(\) takes target in \[0, 1\], got 2"):
        engine.step(DATA.inputs, 2 + 0 * DATA.targets)
    model[2].bias.fill_(torch.nan)
    with pytest.raises(cn.NonFiniteError):
        engine.step(DATA.inputs, DATA.targets)


def test_recording_moves_no_random_number_and_no_buffer():
    model, loss, optimizer = parts(lambda: cn.Dropout(0.5), Averages)
    plain = parts(lambda: cn.Dropout(0.5), Averages)
    torch.manual_seed(0)
    Replay(model, loss, optimizer).step(DATA.inputs, DATA.targets)
    after = torch.rand(1)
    torch.manual_seed(0)
    train_step(*plain, DATA.inputs, DATA.targets)
    assert torch.equal(after, torch.rand(1))
    torch.testing.assert_close(model.state_dict(), plain[0].state_dict(), rtol=0, atol=0)


def test_nothing_grows_from_step_to_step():
    model, loss, optimizer = parts()
    engine = Replay(model, loss, optimizer)
    for _ in range(3):
        engine.step(DATA.inputs, DATA.targets)
    (recording,) = engine._recordings.values()
    addresses = [recording.value.data_ptr(), recording.prediction.data_ptr(), len(recording.calls)]
    for _ in range(100):
        engine.step(DATA.inputs, DATA.targets)
    assert addresses == [recording.value.data_ptr(), recording.prediction.data_ptr(), len(recording.calls)]


def test_a_step_of_the_seeds_network_is_at_most_thirty_kernels():
    torch.manual_seed(0)
    hidden = [part for width in (2, 25, 25) for part in (cn.Linear(width, 25), cn.ReLU())]
    model = cn.Sequential(*hidden, cn.Linear(25, 1))
    engine = Replay(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1, momentum=0.9))
    engine.step(DATA.inputs, DATA.targets)
    (recording,) = engine._recordings.values()
    assert len(recording.calls) <= 30


class Clips(cn.SGD):
    """Has a step of its own."""

    def step(self):
        for gradient in self.gradients():
            gradient.clamp_(-1e-3, 1e-3)
        super().step()


class Masks(cn.Module):
    """The shape inside depends on the numbers."""

    def forward(self, input):
        self.save(input > 0)
        return torch.zeros_like(input).index_put((input > 0,), input[input > 0])

    def backward(self, grad_output):
        (mask,) = self.saved()
        return grad_output * mask


class Partial(cn.Module):
    """Adds to a part of its gradient first, and to all of it after."""

    def __init__(self):
        self.weight = cn.Parameter(torch.ones(6))

    def forward(self, input):
        self.save(input)
        return input * self.weight

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad[0] += torch.relu(self.weight[0] - 1.01)
        self.weight.grad += (grad_output * input).sum(0)
        return grad_output * self.weight


class Squashed(cn.MSELoss):
    """Squashes its input before it looks at the difference, and refuses large ones."""

    def check(self, input, target):
        super().check(input, target)
        if input.abs().max() > 1e3:
            raise cn.RangeError("Squashed() takes input up to 1000")

    def elements(self, input, target):
        return (torch.tanh(input) - target).square()

    def derivative(self, input, target):
        squashed = torch.tanh(input)
        return 2 * (squashed - target) * (1 - squashed.square())


@pytest.mark.parametrize("middle", [Masks, Partial])
def test_odd_modules_are_trained_as_by_the_plain_step(middle):
    *found, _ = both(middle, lr=0.1)
    assert_alike(*found)


def test_a_step_of_the_optimizers_own_is_taken():
    def train(engine):
        model, loss, _ = parts()
        cn.fit(
            model,
            loss,
            Clips(model.parameters(), lr=0.5),
            DATA,
            epochs=30,
            batch_size=35,
            engine=engine,
            progress=False,
        )
        return model.state_dict()

    torch.testing.assert_close(train("auto"), train("plain"), rtol=0, atol=0)


def test_a_loss_checks_the_prediction_of_each_step():
    model, loss, optimizer = parts(end=lambda: Scaled(), loss=Squashed)
    engine = Replay(model, loss, optimizer)
    for _ in range(4):
        engine.step(DATA.inputs, DATA.targets)
    assert engine.name == "replay"
    with pytest.raises(cn.RangeError, match="up to 1000"):
        engine.step(DATA.inputs * 1e6, DATA.targets)


def test_what_a_trial_moves_in_python_is_put_back():
    model, loss, optimizer = parts(Counts)
    engine = Replay(model, loss, optimizer)
    for _ in range(3):
        engine.step(DATA.inputs, DATA.targets)
    assert (engine.name, model[2].calls) == ("plain", 3)


def test_gradients_of_parameters_that_nobody_trains_add_up_as_in_the_plain_step():
    plain, replayed = parts(), parts()
    for model, loss, _ in (plain, replayed):
        engine = "plain" if model is plain[0] else "replay"
        trained = cn.SGD(model[2].parameters(), lr=0.1)
        cn.fit(model, loss, trained, DATA, epochs=3, batch_size=35, engine=engine, progress=False)
    torch.testing.assert_close(replayed[0][0].weight.grad, plain[0][0].weight.grad)


def test_a_check_put_on_a_loss_stays_there():
    model, loss, optimizer = parts()
    calls = []
    loss.check = lambda *tensors: calls.append(tensors)
    engine = Replay(model, loss, optimizer)
    for _ in range(4):
        engine.step(DATA.inputs, DATA.targets)
    assert len(calls) >= 4
    assert "check" in vars(loss)
