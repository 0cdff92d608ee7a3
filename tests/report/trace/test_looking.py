"""``cn.trace``: the step that comes next, of any training at any moment, which is not done by being looked at."""

import copy

import pytest
import torch

import corenet as cn
from corenet.report.trace.tensor_summary import TensorSummary


def trained(seed, *, steps=7):
    """Return a model, a loss, an optimizer in the midst of a training, and a batch of a few points."""
    torch.manual_seed(seed)
    model = cn.Sequential(cn.Linear(2, 5), cn.Tanh(), cn.Dropout(0.4), cn.Linear(5, 1), cn.Sigmoid())
    loss, data = cn.BCELoss(), cn.data.disk(40, seed=seed)
    optimizer = cn.Adam(model.parameters(), lr=0.03, weight_decay=0.01)
    for input, target in list(data.batches(5, seed=seed))[:steps]:
        cn.train_step(model, loss, optimizer, input, target)
    return model, loss, optimizer, data.inputs[:3], data.targets[:3]


def state(model, optimizer):
    return copy.deepcopy([model.state_dict(), [each.grad for each in model.parameters()], optimizer.state_dict()])


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_changed_by_a_look(seed, training):
    model, loss, optimizer, input, target = trained(seed)
    model.train(training)
    before, generator = state(model, optimizer), torch.random.get_rng_state()
    traced = cn.trace(model, loss, optimizer, input, target)
    assert traced.ok
    assert same(state(model, optimizer), before)
    assert torch.equal(torch.random.get_rng_state(), generator)
    assert model.training is training


@pytest.mark.parametrize("seed", range(3))
def test_it_shows_the_very_step_that_is_done_next(seed):
    model, loss, optimizer, input, target = trained(seed)
    traced = cn.trace(model, loss, optimizer, input, target)
    value = cn.train_step(model, loss, optimizer, input, target)
    assert traced.before == value.item()
    linear = traced.layers[3]
    for shown, parameter in zip(linear.parameters, (model[3].weight, model[3].bias), strict=True):
        assert shown.after == TensorSummary.of(parameter)
        assert shown.gradient == TensorSummary.of(parameter.grad)
    assert linear.parameters[0].after.values == tuple(model[3].weight.reshape(-1).tolist())


def test_a_wrong_layer_is_named(minus):
    model = cn.Sequential(cn.Linear(2, 3), minus(), cn.Linear(3, 1))
    data = cn.data.disk(4, seed=0)
    traced = cn.trace(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data.inputs, data.targets)
    assert not traced.ok
    assert "WRONG" in str(traced)


def test_a_saved_forward_is_no_hindrance_and_stays():
    model, loss, optimizer, input, target = trained(0)
    loss(model(input), target)
    assert cn.trace(model, loss, optimizer, input, target).ok
    model.backward(loss.backward())


def test_in_a_notebook_it_is_a_page_of_its_own():
    traced = cn.trace(*trained(0))
    html = traced._repr_html_()
    assert html.startswith("<iframe srcdoc=")
    assert "&lt;h2&gt;Backward&lt;/h2&gt;" in html
    assert html.count("<") == 2  # all markup of the page is inside the attribute


def test_what_is_none_of_it_is_refused():
    model, loss, optimizer, input, target = trained(0)
    with pytest.raises(cn.ConfigError, match="trace"):
        cn.trace(loss, model, optimizer, input, target)
    with pytest.raises(cn.StructureError, match="parameters that the model does not have"):
        cn.trace(copy.deepcopy(model), loss, optimizer, input, target)
    with pytest.raises(cn.ShapeError):
        cn.trace(model, loss, optimizer, input[:, :1], target)
    with pytest.raises(cn.CorenetError):
        cn.trace(model, loss, optimizer, [[1.0, 2.0]], target)
    with pytest.raises(cn.ConfigError, match="trace: target must be a tensor, or a tuple of tensors, not None"):
        cn.trace(model, loss, optimizer, input, None)
