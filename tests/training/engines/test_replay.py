"""The recorded step is the plain step, until it can't be; then the plain step goes on."""

import sys
from collections import Counter
from inspect import unwrap

import pytest
import torch

import corenet as cn
from corenet.training.engines.recording.recorder import UNSETTLED
from corenet.training.engines.replay import Replay
from corenet.training.learner import Learner
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
    engine = Replay(Learner(*replayed))
    first = run(lambda *batch: train_step(*plain, *batch), data=data, each_epoch=lambda e: change(plain[0], e))
    second = run(engine.step, engine.refresh, data=data, each_epoch=lambda e: change(replayed[0], e))
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
    assert engine.running == "replay"
    assert all(recorded.verified for recorded in engine.recorder.steps.values())
    assert len(engine.recorder.steps) == 2  # the last batch is smaller


def test_in_float64_it_is_the_plain_one_to_the_last_digits():
    data = cn.data.Dataset(DATA.inputs.double(), DATA.targets.double())
    *found, _ = both(dtype=torch.float64, data=data)
    assert_alike(*found, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("middle", ["Looks", "Counts", "Hides"])
def test_what_cannot_be_recorded_is_trained_by_the_plain_step_bit_for_bit(middle, odd, caplog):
    with caplog.at_level("INFO", logger="corenet"):
        *found, engine = both(odd[middle])
    assert engine.running == "plain"
    assert_alike(*found, rtol=0, atol=0)
    assert len([record for record in caplog.records if "engine 'plain' runs, not 'replay'" in record.message]) == 1


def test_a_setting_changed_between_epochs_is_heeded(odd):
    def change(model, epoch):
        model[2].factor = 1.0 + epoch

    *found, engine = both(odd["Scaled"], change=change)
    assert_alike(*found)
    assert engine.running == "replay"


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
    engine = Replay(Learner(*replayed))
    for rate in (0.1, 0.5, 0.0, 0.2):
        plain[2].lr = replayed[2].lr = rate
        for input, target in DATA.batches(35):
            train_step(*plain, input, target)
            engine.step(input, target)
    torch.testing.assert_close(replayed[0].state_dict(), plain[0].state_dict())


def test_numbers_that_are_not_finite_stop_it_before_the_write():
    plain, replayed = parts(end=cn.Tanh, loss=cn.MSELoss), parts(end=cn.Tanh, loss=cn.MSELoss)
    engine = Replay(Learner(*replayed))
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
    engine = Replay(Learner(model, loss, optimizer))
    for _ in range(3):
        engine.step(DATA.inputs, DATA.targets)
    with pytest.raises(cn.RangeError, match=r"BCELoss\(\) takes target in \[0, 1\], got 2"):
        engine.step(DATA.inputs, 2 + 0 * DATA.targets)
    model[2].bias.fill_(torch.nan)
    with pytest.raises(cn.NonFiniteError):
        engine.step(DATA.inputs, DATA.targets)


def test_recording_moves_no_random_number_and_no_buffer_more_than_the_step(odd):
    model, loss, optimizer = parts(lambda: cn.Dropout(0.5), odd["Averages"])
    plain = parts(lambda: cn.Dropout(0.5), odd["Averages"])
    torch.manual_seed(0)
    Replay(Learner(model, loss, optimizer)).step(DATA.inputs, DATA.targets)
    after = torch.rand(1)
    torch.manual_seed(0)
    train_step(*plain, DATA.inputs, DATA.targets)
    assert torch.equal(after, torch.rand(1))
    torch.testing.assert_close(model.state_dict(), plain[0].state_dict(), rtol=0, atol=0)


def test_nothing_grows_from_step_to_step():
    model, loss, optimizer = parts()
    engine = Replay(Learner(model, loss, optimizer))
    for _ in range(3):
        engine.step(DATA.inputs, DATA.targets)
    (recorded,) = engine.recorder.steps.values()
    addresses = [recorded.value.data_ptr(), recorded.prediction.data_ptr(), len(recorded.calls)]
    for _ in range(100):
        engine.step(DATA.inputs, DATA.targets)
    assert addresses == [recorded.value.data_ptr(), recorded.prediction.data_ptr(), len(recorded.calls)]


def test_a_step_of_the_seeds_network_is_at_most_thirty_kernels():
    torch.manual_seed(0)
    hidden = [part for width in (2, 25, 25) for part in (cn.Linear(width, 25), cn.ReLU())]
    model = cn.Sequential(*hidden, cn.Linear(25, 1))
    engine = Replay(Learner(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1, momentum=0.9)))
    engine.step(DATA.inputs, DATA.targets)
    (recorded,) = engine.recorder.steps.values()
    assert len(recorded.calls) <= 30


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
    engine = Replay(Learner(model, loss, optimizer))
    for _ in range(4):
        engine.step(DATA.inputs, DATA.targets)
    assert engine.running == "replay"
    with pytest.raises(cn.RangeError, match="up to 1000"):
        engine.step(DATA.inputs * 1e6, DATA.targets)


def test_what_cannot_be_recorded_runs_as_often_as_in_the_plain_training(odd):
    model, loss, optimizer = parts(odd["Counts"])
    engine = Replay(Learner(model, loss, optimizer))
    for steps in range(1, 6):
        engine.step(DATA.inputs, DATA.targets)
        assert (engine.running, model[2].calls) == ("plain" if steps >= UNSETTLED else "replay", steps)


@pytest.fixture
def calls_of():
    """Count the calls of functions while something runs, unseen by the step."""

    def count(do, *functions):
        found = Counter()
        codes = {unwrap(function).__code__: function.__qualname__ for function in functions}

        def note(frame, event, argument):
            if event == "call" and frame.f_code in codes:
                found[codes[frame.f_code]] += 1

        sys.setprofile(note)
        try:
            do()
        finally:
            sys.setprofile(None)
        return found

    return count


def test_nobody_s_code_runs_more_often_than_in_the_plain_training(calls_of):
    """No trial: the recording is one real step, its verification two others, and then none of it runs."""
    model, loss, optimizer = parts(cn.Tanh)
    engine = Replay(Learner(model, loss, optimizer))
    watched = cn.Tanh.forward, cn.Tanh.backward, cn.BCELoss.elements, cn.BCELoss.derivative
    for expected in (1, 1, 1, 0, 0):
        found = calls_of(lambda: engine.step(DATA.inputs, DATA.targets), *watched)
        assert [found[each.__qualname__] for each in watched] == [expected] * 4
    assert engine.running == "replay"


def test_a_recording_is_believed_after_two_steps_with_other_weights():
    model, loss, optimizer = parts()
    engine = Replay(Learner(model, loss, optimizer))
    agreements = []
    for rate in (0.0, 0.0, 0.0, 0.3, 0.3, 0.3):  # at a rate of zero the weights stay those it was recorded with
        optimizer.lr = rate
        engine.step(DATA.inputs, DATA.targets)
        (recorded,) = engine.recorder.steps.values()
        agreements.append((recorded.agreements, recorded.attempts, recorded.verified))
    waiting = (0, 0, False)
    assert agreements == [waiting] * 4 + [(1, 1, False), (2, 2, True)]


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
    engine = Replay(Learner(model, loss, optimizer))
    for _ in range(4):
        engine.step(DATA.inputs, DATA.targets)
    assert len(calls) == 4
    assert "check" in vars(loss)
