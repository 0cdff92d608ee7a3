"""The contracts of schedules, metrics, callbacks and initializers: what they leave to be written, and what they do."""

import pytest
import torch

import corenet as cn
from corenet.contracts.initializer import initialize, initializer


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cn.Schedule()(3), r"Schedule must define __call__\(self, step\)"),
        (lambda: cn.Initializer()(torch.empty(2)), r"Initializer must define __call__\(self, weight\)"),
        (lambda: cn.Metric().reset(), r"Metric must define reset\(self\)"),
        (
            lambda: cn.Metric().update(torch.ones(1), torch.ones(1)),
            r"Metric must define update\(self, output, target\)",
        ),
        (lambda: cn.Metric().compute(), r"Metric must define compute\(self\)"),
    ],
)
def test_what_is_left_to_write_says_so(call, message):
    with pytest.raises(NotImplementedError, match=message):
        call()


def test_a_callback_need_not_write_any_method():
    callback = cn.Callback()
    assert [callback.begin(None), callback.after_epoch(None), callback.end(None)] == [None] * 3


def test_calling_a_metric_measures_these_points_alone():
    class Total(cn.Metric):
        def reset(self):
            self.total = 0.0

        def update(self, output, target):
            self.total += (output - target).sum().item()

        def compute(self):
            return self.total

    metric = Total()
    assert metric(torch.tensor([3.0, 5.0]), torch.tensor([1.0, 0.5])) == 6.5
    assert metric(torch.tensor([2.0]), torch.tensor([0.5])) == 1.5
    metric.update(torch.tensor([4.0]), torch.tensor([0.0]))
    assert metric.compute() == 5.5


class Ramp(cn.Initializer):
    """Counts up, and fills the bias by what the weight is."""

    def __call__(self, weight):
        weight.copy_(torch.arange(weight.numel()).view_as(weight))

    def fill_bias(self, bias, weight):
        bias.copy_(-weight.sum(1))


@pytest.mark.parametrize("with_bias", [True, False])
def test_an_initializer_fills_the_bias_after_the_weight(with_bias):
    weight, bias = torch.full((2, 3), torch.nan), torch.full((2,), torch.nan)
    initialize(Ramp(), weight, bias if with_bias else None)
    assert weight.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert not with_bias or bias.tolist() == [-3.0, -12.0]


@pytest.mark.parametrize("init", [lambda weight: weight.fill_(0.7), "he_normal"])
def test_the_bias_is_zero_where_nothing_else_is_said(init):
    weight, bias = torch.full((2, 3), torch.nan), torch.full((2,), torch.nan)
    initialize(init, weight, bias)
    assert weight.isfinite().all()
    assert bias.tolist() == [0.0, 0.0]


def test_a_function_is_taken_as_it_is():
    def fill(weight):
        weight.fill_(0.5)

    assert initializer(fill) is fill


def test_a_layer_of_a_stranger_takes_names_by_the_same_door():
    class Scale(cn.Module):
        def __init__(self, features, init="zeros"):
            self.scale = cn.Parameter(torch.empty(features, 1))
            initialize(init, self.scale)

    assert Scale(3).scale.tolist() == [[0.0]] * 3
    assert Scale(3, Ramp()).scale.tolist() == [[0.0], [1.0], [2.0]]


def test_a_layer_with_an_initializer_of_ones_own_is_copied_pickled_and_trained():
    import copy

    model = cn.Linear(2, 1, init=cn.Normal(0.3, 0.2))
    other = copy.deepcopy(model)
    other.reset_parameters()
    assert not torch.equal(other.weight, model.weight)
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    history = cn.fit(
        model,
        cn.MSELoss(),
        optimizer,
        cn.data.disk(40, seed=0),
        epochs=40,
        batch_size=8,
        engine="replay",
        progress=False,
    )
    assert history.engine == "replay"
    assert history[-1].loss < history[0].loss
