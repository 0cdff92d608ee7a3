"""The recorded step is the plain step, until it can't be; then the plain step goes on."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.replay import Replay
from corenet.training.step import train_step

DATA = cn.data.disk(70, seed=0)


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
@pytest.mark.parametrize("middle", [(), (lambda: cn.Dropout(0.3),), (cn.Tanh, "Averages"), (lambda: cn.Linear(6, 6),)])
def test_a_replayed_training_is_the_plain_one(loss, middle, odd):
    *found, engine = both(*(odd.get(each, each) for each in middle), loss=loss, lr=0.02)
    assert_alike(*found)
    assert engine.name == "replay"
    assert all(recording.proven for recording in engine._recordings.values())
    assert len(engine._recordings) == 2  # the last batch is smaller


def test_in_float64_it_is_the_plain_one_to_the_last_digits():
    data = cn.data.Dataset(DATA.inputs.double(), DATA.targets.double())
    *found, _ = both(dtype=torch.float64, data=data)
    assert_alike(*found, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("middle", ["Looks", "Counts", "Hides"])
def test_what_cannot_be_recorded_is_trained_by_the_plain_step_bit_for_bit(middle, odd, caplog):
    with caplog.at_level("INFO", logger="corenet"):
        *found, engine = both(odd[middle])
    assert engine.name == "plain"
    assert_alike(*found, rtol=0, atol=0)
    assert len([record for record in caplog.records if "the plain step trains" in record.message]) == 1


def test_a_setting_changed_between_epochs_is_heeded(odd):
    def change(model, epoch):
        model[2].factor = 1.0 + epoch

    *found, engine = both(odd["Scaled"], change=change)
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


def test_recording_moves_no_random_number_and_no_buffer(odd):
    model, loss, optimizer = parts(lambda: cn.Dropout(0.5), odd["Averages"])
    plain = parts(lambda: cn.Dropout(0.5), odd["Averages"])
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


@pytest.mark.parametrize("middle", ["Masks", "Partial"])
def test_odd_modules_are_trained_as_by_the_plain_step(middle, odd):
    *found, _ = both(odd[middle], lr=0.1)
    assert_alike(*found)


def test_a_step_of_the_optimizers_own_is_taken(odd):
    def train(engine):
        model, loss, _ = parts()
        cn.fit(
            model,
            loss,
            odd["Clips"](model.parameters(), lr=0.5),
            DATA,
            epochs=30,
            batch_size=35,
            engine=engine,
            progress=False,
        )
        return model.state_dict()

    torch.testing.assert_close(train("auto"), train("plain"), rtol=0, atol=0)


def test_a_loss_checks_the_prediction_of_each_step(odd):
    model, loss, optimizer = parts(end=odd["Scaled"], loss=odd["Squashed"])
    engine = Replay(model, loss, optimizer)
    for _ in range(4):
        engine.step(DATA.inputs, DATA.targets)
    assert engine.name == "replay"
    with pytest.raises(cn.RangeError, match="up to 1000"):
        engine.step(DATA.inputs * 1e6, DATA.targets)


def test_what_a_trial_moves_in_python_is_put_back(odd):
    model, loss, optimizer = parts(odd["Counts"])
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
