"""Frozen modules: no optimizer changes them, and they evaluate while the others train."""

import copy
import pickle

import pytest
import torch

import corenet as cn


class Norm(cn.Module):
    """``x − m`` with a running mean, which is that of the batch in training."""

    def __init__(self, width):
        self.mean = cn.Buffer(torch.zeros(width))

    def forward(self, input):
        if not self.training:
            self.save(True)
            return input - self.mean
        self.save(False)
        self.mean.mul_(0.9).add_(input.mean(0), alpha=0.1)
        return input - input.mean(0)

    def backward(self, grad_output):
        (is_constant,) = self.saved()
        return grad_output if is_constant else grad_output - grad_output.mean(0)


def chain():
    torch.manual_seed(0)
    parts = cn.Linear(2, 4), cn.Tanh(), Norm(4), cn.Linear(4, 4), cn.Dropout(0.5), cn.Linear(4, 1)
    return cn.Sequential(*parts)


DATA = cn.data.disk(64, seed=0)


def fitted(model, optimizer, engine="plain", epochs=6):
    return cn.fit(model, cn.MSELoss(), optimizer, DATA, epochs=epochs, batch_size=8, engine=engine, progress=False)


def changed(model, before):
    return [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled", "auto"])
@pytest.mark.parametrize(
    ("frozen", "moving"),
    [
        ([0], ["2.mean", "3.weight", "3.bias", "5.weight", "5.bias"]),
        ([0, 1, 2, 3], ["5.weight", "5.bias"]),
        ([3], ["0.weight", "0.bias", "2.mean", "5.weight", "5.bias"]),
        ([2, 5], ["0.weight", "0.bias", "3.weight", "3.bias"]),
        ([0, 1, 2, 3, 4, 5], []),
    ],
)
def test_what_is_frozen_stays_and_the_rest_trains(frozen, moving, engine):
    model = chain()
    for place in frozen:
        model[place].freeze()
    before = model.state_dict()
    fitted(model, cn.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1), engine)
    assert changed(model, before) == moving


@pytest.mark.parametrize("engine", ["replay", "compiled"])
@pytest.mark.parametrize("frozen", [[0], [3], [0, 2], [4]])
def test_engines_train_around_it_as_the_plain_step_does(frozen, engine):
    models = chain(), chain()
    for model, kind in zip(models, ("plain", engine), strict=True):
        for place in frozen:
            model[place].freeze()
        fitted(model, cn.SGD(model.parameters(), lr=0.1, momentum=0.9), kind)
    torch.testing.assert_close(models[1].state_dict(), models[0].state_dict(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled"])
def test_freezing_between_two_trainings_is_seen_and_undone(engine):
    model = chain()
    optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    fitted(model, optimizer, engine)
    model[:4].freeze()
    before, states = model.state_dict(), optimizer.state_dict()["states"]
    fitted(model, optimizer, engine)
    assert changed(model, before) == ["5.weight", "5.bias"]
    torch.testing.assert_close(optimizer.state_dict()["states"][:4], states[:4], rtol=0, atol=0)
    assert not torch.equal(optimizer.state_dict()["states"][4]["velocity"], states[4]["velocity"])
    model[:4].unfreeze()
    before = model.state_dict()
    fitted(model, optimizer, engine)
    assert changed(model, before) == list(before)


def test_a_frozen_module_evaluates_in_a_model_that_trains():
    model = chain()
    model[4].freeze()
    model.train()
    assert [each.training for each in model] == [True, True, True, True, False, True]
    ones = torch.ones(5, 4)
    assert torch.equal(model[4](ones), ones)
    model.eval()
    assert not any(each.training or each._saves_frozen for _, each in model.named_modules())
    with torch.no_grad():
        cn.predict(model.train(), DATA)
    assert [each.training for each in model] == [True, True, True, True, False, True]
    assert model[4]._saves_frozen


def test_gradients_pass_through_what_is_frozen():
    model, free = chain(), chain()
    model[3].freeze()
    for each in (model, free):
        each[2].freeze(), each[4].freeze()
        each(DATA.inputs)
        each.backward(torch.ones(64, 1))
    torch.testing.assert_close(model[0].weight.grad, free[0].weight.grad)
    assert model[3].weight.grad.abs().max() == 0
    assert free[3].weight.grad.abs().max() > 0


def test_nothing_is_computed_before_the_first_that_trains():
    class Costly(cn.Tanh):
        def backward(self, grad_output):
            raise AssertionError("nobody needs this")

    model = cn.Sequential(cn.Linear(2, 3), Costly(), cn.Linear(3, 1))
    model[:2].freeze()
    fitted(model, cn.SGD(model.parameters(), lr=0.1))
    assert not any(each._saved for _, each in model.named_modules())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_is_frozen_too(copied):
    model = chain()
    cn.SGD(model.parameters(), lr=0.1)  # lays the parameters in one memory
    model[3].freeze()
    other = copied(model)
    before = other.state_dict()
    fitted(other, cn.SGD(other.parameters(), lr=0.1))
    assert "3.weight" not in changed(other, before)
    assert "0.weight" in changed(other, before)


def test_a_loop_of_ones_own_leaves_it_alone_too():
    model = chain()
    model[:4].freeze()
    before, loss = model.state_dict(), cn.MSELoss()
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    step = cn.compile_step(model, loss, optimizer)
    for batch in DATA.batches(8):
        step(*batch)
        optimizer.zero_grad()
        loss(model(batch[0]), batch[1])
        model.backward(loss.backward())
        optimizer.step()
    assert changed(model, before) == ["5.weight", "5.bias"]


def test_a_layout_sees_what_is_frozen_and_let_go_whoever_looked_before():
    one, other = cn.Linear(2, 1), cn.Linear(2, 1)
    layouts = [cn.SGD(each.parameters(), lr=0.1) for each in (one, other)]
    for optimizer in layouts:
        assert sum(each.numel() for each in optimizer.layout.weights()) == 3
    one.freeze()
    assert [sum(each.numel() for each in optimizer.layout.weights()) for optimizer in layouts] == [0, 3]
    assert [sum(each.numel() for each in optimizer.layout.weights()) for optimizer in layouts] == [0, 3]
    one.unfreeze()
    other.freeze()
    assert [sum(each.numel() for each in optimizer.layout.weights()) for optimizer in layouts] == [3, 0]
