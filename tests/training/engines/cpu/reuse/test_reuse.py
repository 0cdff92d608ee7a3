"""What a training takes over from earlier ones: numbers may differ, whatever else differs is made anew."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.cpu import reuse

pytestmark = pytest.mark.usefixtures("needs_compiler")


# What differs in numbers only is recorded once.


def weighted(weight):
    return cn.BCELoss(weight=torch.tensor([weight], dtype=torch.float64))


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({}, {}),
        ({"lr": lambda r: 0.1 * (1 + r)}, {"epochs": 60, "rtol": 1e-7}),
        ({"loss": lambda r: weighted(0.3)}, {}),
        ({"tied": (0, 1, 2)}, {}),
    ],
)
def test_it_is_recorded_once(settings, options, build, alike):
    assert alike(lambda: build(**settings), **options) == (1, 1)


@pytest.mark.parametrize("options", [{}, {"batch_size": 48}])
def test_a_network_that_draws_is_recorded_once(options, noisy, alike):
    assert alike(lambda: noisy, **options) == (1, 1)


def test_it_is_recorded_once_for_data_sets_of_several_lengths(noisy, data, alike):
    others = [cn.data.Dataset(data.inputs[:size], data.targets[:size]) for size in (48, 24, 40)]
    assert alike(lambda: noisy, data=others) == (1, 1)


def test_it_is_recorded_once_in_single_precision(noisy, alike):
    def single(round):
        model, loss, _ = noisy(round)
        model.to(dtype=torch.float32)
        return model, loss, cn.SGD(model.parameters(), lr=0.1, momentum=0.9)

    assert alike(lambda: single, data=cn.data.disk(48, seed=0), rtol=1e-3) == (1, 1)


@pytest.mark.parametrize("layer", ["Averages", "Partial", "Scaled"])
def test_odd_layers_are_recorded_once(layer, odd, alike):
    def factory(round):
        model = cn.Sequential(cn.Linear(2, 6), odd[layer](), cn.Linear(6, 1), cn.Sigmoid())
        model.to(dtype=torch.float64)
        return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.1, momentum=0.9)

    assert alike(lambda: factory) == (1, 1)


class Ramp(cn.Module):
    """Multiplies each row by a number of its own, which is the same in each step."""

    def forward(self, input):
        return input * torch.linspace(0.5, 1, len(input), dtype=input.dtype).sin().unsqueeze(1)

    backward = forward


def test_what_is_the_same_in_each_step_is_taken_over(build, alike):
    assert alike(lambda: build(lambda r: Ramp(), loss=lambda r: cn.MSELoss())) == (1, 1)


def test_a_smaller_batch_is_recorded_once_too(noisy, alike):
    assert alike(lambda: noisy, batch_size=9) == (2, 1)


def test_weights_of_a_loss_are_numbers_that_may_differ(build, alike):
    assert alike(lambda: build(loss=lambda r: weighted(0.3 + r))) == (1, 1)


# What differs otherwise is not taken over.


class Normal(cn.Module):
    """Adds numbers of a normal distribution, whose kernel is tried when a call of it is made."""

    def forward(self, input):
        return input + 0.1 * torch.randn(len(input), 1, dtype=input.dtype) if self.training else 1.0 * input

    def backward(self, grad_output):
        return 1.0 * grad_output


def test_what_is_taken_over_draws_what_the_plain_step_draws(build, alike):
    assert alike(lambda: build(lambda r: Normal(), loss=lambda r: cn.MSELoss())) == (1, 1)


class Calls(cn.Module):
    """y = f() x"""

    def __init__(self, function):
        self.function = function

    def forward(self, input):
        return self.function() * input

    def backward(self, grad_output):
        return self.function() * grad_output


class Given(cn.Module):
    """Its output is its weight."""

    def __init__(self):
        self.weight = cn.Parameter(torch.ones(8, 1))

    def forward(self, input):
        return self.weight

    def backward(self, grad_output):
        self.weight.grad += grad_output
        return grad_output


OTHERWISE = {
    "a closure": ({"middle": lambda r: Calls(lambda: 1 / (1 + r))}, (3, 3)),
    "a probability": ({"middle": lambda r: cn.Dropout(0.1 * (1 + r))}, (3, 3)),
    "a reduction": ({"loss": lambda r: cn.MSELoss(["mean", "sum", "none"][r]), "lr": 0.01}, (3, 3)),
    "tied in the second": ({"tied": [1]}, (2, 2)),
    "tied in the last": ({"tied": [2]}, (2, 2)),
    "kinds in turn": ({"middle": lambda r: [cn.Sigmoid, cn.Tanh][r % 2]()}, (2, 2)),
    "a momentum": ({"momentum": lambda r: 0.3 + 0.1 * r}, (3, 3)),
    "no momentum": ({"momentum": lambda r: [0.9, 0.0, 0.9][r]}, (2, 2)),
    "a look ahead": ({"nesterov": lambda r: r == 1}, (2, 2)),
    "a weight decay": ({"weight_decay": lambda r: 0.01 * r}, (3, 3)),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_differs_is_made_anew(name, build, alike):
    settings, expected = OTHERWISE[name]
    assert alike(lambda: build(**settings)) == expected


def test_an_output_that_is_a_weight_is_made_anew(alike):
    def given(round):
        model = cn.Sequential(Given())
        model.to(dtype=torch.float64)
        return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)

    assert alike(lambda: given) == (6, 3)


@pytest.mark.parametrize(("layer", "tried"), [("Looks", 1), ("Counts", 3)])  # what counts at first may settle
def test_what_cannot_be_recorded_is_tried_in_each_round(layer, tried, odd, build, alike):
    assert alike(lambda: build(lambda r: odd[layer]()), engine="plain") == (3 * tried, 0)


# What no comparison of two models sees is seen when the next is verified.


class Factor(cn.Module):
    """y = c x, with a number that no log sees."""

    def forward(self, input):
        return self.number() * input

    def backward(self, grad_output):
        return self.number() * grad_output


class OfABuffer(Factor):
    def __init__(self, factor):
        self.factor = cn.Buffer(torch.tensor([factor]))

    def number(self):
        return self.factor.tolist()[0]


TABLE = {}


class OfATable(Factor):
    def __init__(self, factor):
        TABLE[id(self)] = factor

    def number(self):
        return TABLE[id(self)]


class OfItsKind(Factor):
    """The kind of a number, which compares equal."""

    def __init__(self, factor):
        self.factor = {1.0: 1, 0.5: 1.0}.get(factor, True)

    def number(self):
        return {int: 0.25, float: 0.5, bool: 1.0}[type(self.factor)]


def test_another_number_that_compares_equal_is_recorded_anew(build, alike):
    assert alike(lambda: build(lambda r: OfItsKind(1 / (1 + r)))) == (3, 3)


@pytest.mark.parametrize("kind", [OfABuffer, OfATable])
def test_what_looks_where_nobody_can_watch_is_trained_plainly(kind, build, alike):
    alike(lambda: build(lambda r: kind(1 / (1 + r))), engine="plain")


def test_a_rule_that_puts_up_its_memory_in_its_first_step_is_made_anew(build, alike):
    class Lazy(cn.Optimizer):
        elementwise = True

        def update(self, param, grad, state):
            if "mean" not in state:
                state["mean"] = torch.zeros_like(param)
            state["mean"].mul_(0.9).add_(grad)
            param.sub_(state["mean"], alpha=self.current_lr)

    assert alike(lambda: build(optimizer=Lazy)) == (3, 3)


# What is kept.


def test_the_oldest_is_forgotten_and_what_is_larger_than_all_room_is_not_kept(kept, build, trained, monkeypatch):
    def train(p):
        trained(build(lambda r: cn.Dropout(p)), "compiled", rounds=1)
        return list(kept._kept.values())

    monkeypatch.setattr(reuse, "TEMPLATES", 3)
    first, second, third = [train(p) for p in (0.1, 0.2, 0.3)][-1]
    assert train(0.4)[:2] == [second, third]
    monkeypatch.setattr(reuse, "BYTES", 3 * first.nbytes - 1)  # they are alike, so there is room for two
    fourth, fifth = train(0.5)
    monkeypatch.setattr(reuse, "BYTES", first.nbytes - 1)
    assert train(0.6) == [fourth, fifth]


def test_a_training_goes_on_with_what_was_verified_before(made, build, data):
    model, loss, optimizer = build()(0)
    for _ in range(3):
        cn.fit(model, loss, optimizer, data, epochs=5, batch_size=8, progress=False, engine="compiled")
    assert (made.count("recording"), made.count("loop")) == (1, 1)


def test_a_method_that_was_replaced_since_is_heeded(monkeypatch, build, alike):
    class Doubles(cn.Module):
        def forward(self, input):
            return 2 * input

        def backward(self, grad_output):
            return 2 * grad_output

    assert alike(lambda: build(lambda r: Doubles(), loss=lambda r: cn.MSELoss()), rounds=1) == (1, 1)
    monkeypatch.setattr(Doubles, "forward", lambda self, x: 3 * x)
    monkeypatch.setattr(Doubles, "backward", lambda self, y: 3 * y)
    assert alike(lambda: build(lambda r: Doubles(), loss=lambda r: cn.MSELoss()), rounds=1) == (1, 1)
