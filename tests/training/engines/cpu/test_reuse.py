"""What rounds take over from each other: each is what it would be alone, and no round writes to another's model."""

import pytest
import torch
from corenet.training.engines.cpu.reuse import places_in, twins

import corenet as cn
from corenet.training.engines import replay
from corenet.training.engines.cpu.step_loop import CompiledLoop
from corenet.training.engines.unsupported import NotRecordable

pytestmark = pytest.mark.usefixtures("needs_compiler")

FLOAT = cn.data.disk(48, seed=0)
DATA = cn.data.Dataset(FLOAT.inputs.double(), FLOAT.targets.double())
OTHERS = [cn.data.Dataset(DATA.inputs[:size], DATA.targets[:size]) for size in (48, 24, 40)]
OPTIONS = {"rounds": 3, "epochs": 5, "batch_size": 8, "seed": 10, "progress": False}


def build(middle=None, loss=lambda r: cn.BCELoss(), optimizer=cn.SGD, tied=(), **settings):
    """Return a factory of networks with a ``middle``, tied in some rounds; functions are called with the round."""
    settings = {"lr": 0.1} | ({"momentum": 0.9, "lr_decay": 0.01} if optimizer is cn.SGD else {}) | settings

    def factory(round):
        layers = [cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 6), cn.Linear(6, 6), cn.Linear(6, 1), cn.Sigmoid()]
        model = cn.Sequential(*layers, *([middle(round)] if middle else []))
        model.to(dtype=torch.float64)
        if round in tied:
            model[3].weight = model[2].weight
        chosen = {name: value(round) if callable(value) else value for name, value in settings.items()}
        return model, loss(round), optimizer(model.parameters(), **chosen)

    return factory


def noisy(round):
    """Make a network that draws, in the middle."""
    (first, *others), loss, _ = build()(round)
    model = cn.Sequential(first, cn.Dropout(0.3), *others)
    return model, loss, cn.SGD(model.parameters(), lr=0.1, momentum=0.9)


@pytest.fixture
def made(monkeypatch):
    """Which recordings and loops were made, each by itself."""
    found, record, begin = [], replay.record, Loop.__init__

    def recorded(*arguments):
        found.append("recording")
        return record(*arguments)

    def looped(*arguments):
        found.append("loop")
        begin(*arguments)

    monkeypatch.setattr(replay, "record", recorded)
    monkeypatch.setattr(CompiledLoop, "__init__", looped)
    return found


@pytest.fixture
def trained(everything):
    """Train rounds by an engine; return all that they leave, their histories, and what ran."""

    def train(factory, engine, data=DATA, metric=None, **options):
        kept, calls = [], []

        def keeping(round):
            kept.append(factory(round))
            return kept[-1]

        def changing(model, data):
            calls.append(metric(len(calls) + 1, kept))
            return 0.0

        metrics = [changing] if metric else []
        results = cn.fit_rounds(keeping, data, engine=engine, metrics=metrics, **OPTIONS | options)
        histories = [[(each.loss, each.lr) for each in history] for _, history in results]
        left = [[*everything(m, o), [each.grad.clone() for each in m.parameters()]] for m, _, o in kept]
        return left, histories, {history.engine for _, history in results}

    return train


@pytest.fixture
def alike(trained, made):
    """Demand of compiled rounds what plain ones leave; return how many recordings and loops were made for them."""

    def compare(make, engine="compiled", rtol=1e-10, **options):
        *plain, _ = trained(make(), "plain", **options)
        made.clear()
        *compiled, ran = trained(make(), "compiled", **options)
        torch.testing.assert_close(compiled, plain, rtol=rtol, atol=rtol / 10)
        assert ran == {engine}
        return made.count("recording"), made.count("loop")

    return compare


# What differs in numbers only is recorded once.


def single(round):
    model, loss, _ = noisy(round)
    model.to(dtype=torch.float32)
    return model, loss, cn.SGD(model.parameters(), lr=0.1, momentum=0.9)


def weighted(weight):
    return cn.BCELoss(weight=torch.tensor([weight], dtype=torch.float64))


@pytest.mark.parametrize(
    ("factory", "options"),
    [
        (build(), {}),
        (noisy, {}),
        (noisy, {"batch_size": 48}),
        (noisy, {"data": OTHERS}),
        (single, {"data": FLOAT, "rtol": 1e-3}),
        (build(lr=lambda r: 0.1 * r), {"epochs": 60, "rtol": 1e-7}),
        (build(loss=lambda r: weighted(0.3)), {}),
        (build(tied=(0, 1, 2)), {}),
    ],
)
def test_it_is_recorded_once(factory, options, alike):
    assert alike(lambda: factory, **options) == (1, 1)


@pytest.mark.parametrize("layer", ["Averages", "Partial", "Scaled"])
def test_odd_layers_are_recorded_once(layer, odd, alike):
    def factory(round):
        model = cn.Sequential(cn.Linear(2, 6), odd[layer](), cn.Linear(6, 1), cn.Sigmoid())
        model.to(dtype=torch.float64)
        return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.1, momentum=0.9)

    assert alike(lambda: factory) == (1, 1)


def test_a_smaller_batch_is_recorded_once_too(alike):
    assert alike(lambda: noisy, batch_size=9) == (2, 1)


# What differs otherwise is not taken over.


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


def given(round):
    model = cn.Sequential(Given())
    model.to(dtype=torch.float64)
    return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)


OTHERWISE = {
    "a closure": (build(lambda r: Calls(lambda: 1 / (1 + r))), (3, 3)),
    "a probability": (build(lambda r: cn.Dropout(0.1 * (1 + r))), (3, 3)),
    "a constant": (build(loss=lambda r: weighted(0.3 + r)), (3, 3)),
    "a reduction": (build(loss=lambda r: cn.MSELoss(["mean", "sum", "none"][r]), lr=0.01), (3, 3)),
    "tied in the second": (build(tied=[1]), (3, 3)),
    "tied in the last": (build(tied=[2]), (2, 2)),
    "kinds in turn": (build(lambda r: [cn.Sigmoid, cn.Tanh][r % 2]()), (3, 3)),
    "a momentum": (build(momentum=lambda r: 0.3 + 0.1 * r), (1, 3)),
    "no momentum": (build(momentum=lambda r: [0.9, 0.0, 0.9][r]), (3, 3)),
    "a look ahead": (build(nesterov=lambda r: r == 1), (1, 3)),
    "a weight decay": (build(weight_decay=lambda r: 0.01 * r), (1, 3)),
    "an output that is a weight": (given, (3, 3)),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_differs_is_made_anew(name, alike):
    factory, expected = OTHERWISE[name]
    assert alike(lambda: factory) == expected


@pytest.mark.parametrize("layer", ["Looks", "Counts"])
def test_what_cannot_be_recorded_is_tried_in_each_round(layer, odd, alike):
    assert alike(lambda: build(lambda r: odd[layer]()), engine="plain") == (3, 0)


# Who holds what.


def in_turn(*models):
    torch.manual_seed(0)
    made = [noisy(0)[0] for _ in set(models)]
    return lambda r: (made[models[r]], cn.BCELoss(), cn.SGD(made[models[r]].parameters(), lr=0.1, momentum=0.9))


def beginning_alike(trains):
    """Rounds 0 and 1 share their first module, which the optimizer may leave alone."""
    torch.manual_seed(0)
    shared, _, _ = build()(0)

    def factory(round):
        model, loss, _ = build()(round)
        model = cn.Sequential(shared[0] if round < 2 else model[0], *list(model)[1:])
        return model, loss, cn.SGD([p for each in list(model)[0 if trains else 1 :] for p in each.parameters()], lr=0.1)

    return factory


def slices(*starts):
    """Parameters and gradients are slices of a larger memory, from these places on."""

    def factory(round):
        model, loss, _ = build()(round)
        memories, start = torch.zeros(2, 400, dtype=torch.float64), starts[round]
        for each in model.parameters():
            weight, each.grad = (memory[start : start + each.numel()].view_as(each) for memory in memories)
            each.data = weight.copy_(each)
            start += each.numel()
        return model, loss, cn.SGD(model.parameters(), lr=0.1, momentum=0.9)

    return factory


def over(*parts):
    """The optimizer has one module alone."""

    def factory(round):
        model, loss, _ = build()(round)
        return model, loss, cn.SGD(model[parts[round]].parameters(), lr=0.1, momentum=0.9)

    return factory


HELD = [
    (lambda: in_turn(0, 0, 0), (1, 1)),
    (lambda: in_turn(0, 1, 0), (1, 1)),
    (lambda: beginning_alike(trains=True), (2, 2)),
    (lambda: beginning_alike(trains=False), (2, 2)),
    (lambda: slices(7, 7, 7), (1, 1)),
    (lambda: slices(7, 9, 9), (2, 2)),
    (lambda: over(2, 2, 2), (1, 1)),
    (lambda: over(2, 3, 3), (2, 2)),
]


@pytest.mark.parametrize(("make", "expected"), HELD)
def test_what_rounds_share(make, expected, alike):
    assert alike(make) == expected


def test_a_round_leaves_earlier_ones_as_they_are(trained):
    left, histories, _ = trained(noisy, "compiled")
    alone, history, _ = trained(noisy, "compiled", rounds=1)
    torch.testing.assert_close((left[:1], histories[:1]), (alone, history), rtol=0, atol=0)


def weights(call, kept):
    for round in {call // 6, (call - 1) // 5}:
        kept[round][0][0].weight.mul_(0.9)


def a_parameter(call, kept):
    if call in (3, 5, 8):
        kept[call // 6][0][0].weight = cn.Parameter(torch.ones(6, 2, dtype=torch.float64))


def a_memory(call, kept):
    if call in (3, 5, 7, 8):
        kept[0][0][0].weight.data = torch.ones(6, 2, dtype=torch.float64)
        kept[1][0][0].bias.data = torch.ones(6, dtype=torch.float64)


def a_probability(call, kept):
    if call in (3, 7):
        kept[call // 6][0][1].p = 0.5


def all_probabilities_at_the_end_of_a_round(call, kept):
    for model, _, _ in kept if call == 5 else []:
        model[1].p = 0.5


def all_probabilities_at_the_beginning_of_a_round(call, kept):
    for model, _, _ in kept if call == 6 else []:
        model[1].p = 0.5


def a_momentum(call, kept):
    kept[call // 6][2].momentum = 0.9 - 0.05 * call


CHANGES = [
    weights,
    a_parameter,
    a_memory,
    a_momentum,
    a_probability,
    all_probabilities_at_the_end_of_a_round,
    all_probabilities_at_the_beginning_of_a_round,
]


@pytest.mark.parametrize("batch_size", [8, 48])
@pytest.mark.parametrize("metric", CHANGES, ids=lambda metric: metric.__name__)
def test_what_a_metric_changes_in_this_round_and_in_others_is_heeded(metric, batch_size, alike):
    alike(lambda: noisy, metric=metric, batch_size=batch_size)


def test_a_later_round_that_runs_away_is_named(trained):
    def error(engine):
        with pytest.raises(cn.NonFiniteError) as caught:
            trained(build(loss=lambda r: cn.MSELoss(), lr=lambda r: 1.7e308 if r == 2 else 0.1), engine)
        return str(caught.value), caught.value.round, caught.value.epoch, caught.value.step

    assert error("compiled") == error("plain")
    assert error("compiled")[1] == 2


# The places themselves.


class Each(cn.Optimizer):
    """Leaves each parameter where it lies."""

    def update(self, param, grad, state):
        param.sub_(grad, alpha=self.current_lr)


def a_slice(weight):
    weight.data = torch.zeros(50, dtype=torch.float64)[10:46].view_as(weight)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda model: setattr(model[6], "p", 0.4), "they differ in more than their numbers"),
        (lambda model: setattr(model[3], "weight", model[2].weight), "they differ in more than their numbers"),
        (lambda model: a_slice(model[2].weight), "their numbers lie otherwise in memory"),
        (lambda model: setattr(model, "held", torch.zeros(2, 6).T), "their numbers lie otherwise in memory"),
        (lambda model: setattr(model[3].weight, "grad", model[2].weight.grad), "their tensors share memory otherwise"),
    ],
)
def test_why_there_are_no_places(change, reason):
    one, other = (build(lambda r: cn.Dropout(0.3), optimizer=Each)(0) for _ in range(2))
    for model, _, _ in (one, other):
        model.held = torch.zeros(6, 2)
    assert len(places_in(other, one)) == 1 + 2 * len(list(one[0].parameters()))
    model, loss, _ = other
    change(model)
    other = model, loss, Each(model.parameters(), lr=0.1)
    for pair in ((one, other), (other, one)):
        with pytest.raises(NotRecordable, match=reason):
            places_in(*pair)


def test_calls_of_torch_stay_where_they_are():
    one, other = build()(0), build()(1)
    recording = replay.record(*one, DATA.inputs, DATA.targets)
    assert twins({0: recording}, None, one, other) == ({}, None)
    recording.proven = True
    with pytest.raises(NotRecordable, match="a call of torch knows its tensors"):
        twins({0: recording}, None, one, other)


# What no comparison of two models sees is seen by the proof of the next.


class Factor(cn.Module):
    """y = c x, with a number that no tape sees."""

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


@pytest.mark.parametrize("kind", [OfABuffer, OfATable, OfItsKind])
def test_another_number_that_is_not_seen_is_recorded_anew(kind, alike):
    assert alike(lambda: build(lambda r: kind(1 / (1 + r)))) == (3, 3)


def test_a_rule_may_put_up_its_memory_in_its_first_step(alike):
    class Lazy(cn.Optimizer):
        elementwise = True

        def update(self, param, grad, state):
            if "mean" not in state:
                state["mean"] = torch.zeros_like(param)
            state["mean"].mul_(0.9).add_(grad)
            param.sub_(state["mean"], alpha=self.current_lr)

    assert alike(lambda: build(optimizer=Lazy)) == (1, 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer.to(dtype=torch.float16),
        lambda layer: setattr(layer.weight, "data", layer.weight.clone()),
    ],
)
def test_an_earlier_model_may_be_changed_and_stays_as_it_is(change, alike):
    def metric(count, kept):
        if count == OPTIONS["epochs"]:  # the last of the first round
            change(kept[0][0][0])

    assert alike(lambda: build(), metric=metric) == (2, 2)


def test_an_earlier_model_may_be_cut():
    def losses(engine):
        kept, made = [], build()

        def keeping(round):
            kept.append(made(round))
            return kept[-1]

        def cut(model, data):
            if model is kept[1][0]:
                kept[0][0][0].weight.data = torch.ones(3, 2, dtype=torch.float64)
            return 0.0

        results = cn.fit_rounds(keeping, DATA, engine=engine, metrics=[cut], **OPTIONS | {"batch_size": 48})
        return [history.losses for _, history in results]

    for plain, compiled in zip(losses("plain"), losses("compiled"), strict=True):
        assert compiled == pytest.approx(plain)
