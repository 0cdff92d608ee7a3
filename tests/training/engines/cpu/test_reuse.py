"""What trainings take over from earlier ones: each is what it would be alone, and none writes to another's model."""

import warnings

import pytest
import torch

import corenet as cn
from corenet.training.engines.cpu import engine as cpu
from corenet.training.engines.cpu import reuse
from corenet.training.engines.cpu.reuse import Templates
from corenet.training.engines.cpu.structure import memories_of, structure_of
from corenet.training.engines.recording import recorder
from corenet.training.engines.recording.op_log import memory
from corenet.training.learner import Learner

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


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    """What the process keeps: nothing yet."""
    templates = Templates()
    monkeypatch.setattr(cpu, "KEPT", templates)
    return templates


@pytest.fixture
def made(monkeypatch):
    """Which recordings and loops were made, each by itself."""
    found, log, loop = [], recorder.log_step, cpu.CFunctions.loop

    def logged(*arguments):
        found.append("recording")
        return log(*arguments)

    def looped(*arguments):
        found.append("loop")
        return loop(*arguments)

    monkeypatch.setattr(recorder, "log_step", logged)
    monkeypatch.setattr(cpu.CFunctions, "loop", looped)
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cn.EngineWarning)
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
        (build(lr=lambda r: 0.1 * (1 + r)), {"epochs": 60, "rtol": 1e-7}),
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
    assert alike(lambda: noisy, batch_size=9) == (4, 1)  # the smaller one has no loop to be kept with


# What differs otherwise is not taken over.


class Normal(cn.Module):
    """Adds numbers of a normal distribution, whose kernel is tried when a call of it is made."""

    def forward(self, input):
        return input + 0.1 * torch.randn(len(input), 1, dtype=input.dtype) if self.training else 1.0 * input

    def backward(self, grad_output):
        return 1.0 * grad_output


def test_what_is_taken_over_draws_what_the_plain_step_draws(alike):
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


def given(round):
    model = cn.Sequential(Given())
    model.to(dtype=torch.float64)
    return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)


OTHERWISE = {
    "a closure": (build(lambda r: Calls(lambda: 1 / (1 + r))), (3, 3)),
    "a probability": (build(lambda r: cn.Dropout(0.1 * (1 + r))), (3, 3)),
    "a constant": (build(loss=lambda r: weighted(0.3 + r)), (3, 3)),
    "a reduction": (build(loss=lambda r: cn.MSELoss(["mean", "sum", "none"][r]), lr=0.01), (3, 3)),
    "tied in the second": (build(tied=[1]), (2, 2)),
    "tied in the last": (build(tied=[2]), (2, 2)),
    "kinds in turn": (build(lambda r: [cn.Sigmoid, cn.Tanh][r % 2]()), (2, 2)),
    "a momentum": (build(momentum=lambda r: 0.3 + 0.1 * r), (3, 3)),
    "no momentum": (build(momentum=lambda r: [0.9, 0.0, 0.9][r]), (2, 2)),
    "a look ahead": (build(nesterov=lambda r: r == 1), (2, 2)),
    "a weight decay": (build(weight_decay=lambda r: 0.01 * r), (3, 3)),
    "an output that is a weight": (given, (6, 3)),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_differs_is_made_anew(name, alike):
    factory, expected = OTHERWISE[name]
    assert alike(lambda: factory) == expected


@pytest.mark.parametrize(("layer", "tried"), [("Looks", 1), ("Counts", 3)])  # what counts at first may settle
def test_what_cannot_be_recorded_is_tried_in_each_round(layer, tried, odd, alike):
    assert alike(lambda: build(lambda r: odd[layer]()), engine="plain") == (3 * tried, 0)


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


def test_a_round_leaves_earlier_ones_as_they_are(trained, monkeypatch):
    left, histories, _ = trained(noisy, "compiled")
    monkeypatch.setattr(cpu, "KEPT", Templates())
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


# The structure itself.


class Each(cn.Optimizer):
    """Leaves each parameter where it lies."""

    def update(self, param, grad, state):
        param.sub_(grad, alpha=self.current_lr)


def a_slice(weight):
    weight.data = torch.zeros(50, dtype=torch.float64)[10:46].view_as(weight)


def learner(change=lambda model: None, **settings):
    """Return a learner with a constant, whose model was changed before its optimizer was made."""
    model, loss, _ = build(lambda r: cn.Dropout(0.3))(0)
    model.held = torch.zeros(6, 2)
    change(model)
    return Learner(model, loss, Each(model.parameters(), **{"lr": 0.1} | settings))


@pytest.mark.parametrize(
    "change",
    [
        lambda model: setattr(model[6], "p", 0.4),
        lambda model: setattr(model[3], "weight", model[2].weight),
        lambda model: a_slice(model[2].weight),
        lambda model: setattr(model, "held", torch.zeros(2, 6).T),
        lambda model: setattr(model, "held", torch.ones(6, 2)),
        lambda model: setattr(model[3].weight, "grad", model[2].weight.grad),
    ],
)
def test_a_structure_tells_what_is_more_than_another_number(change):
    assert structure_of(learner()) == structure_of(learner(lr=0.2))
    assert structure_of(learner()) != structure_of(learner(change))


def test_memories_stand_in_the_order_of_the_structure():
    one, other = learner(), learner()
    assert len(memories_of(one)) == len(memories_of(other))
    own = [each.data_ptr() for each in memories_of(one)]
    assert own.index(memory(one.model[2].weight)) == [each.data_ptr() for each in memories_of(other)].index(
        memory(other.model[2].weight)
    )


# What is kept.


def test_the_oldest_is_forgotten_and_a_large_one_is_not_kept(kept, trained, monkeypatch):
    monkeypatch.setattr(reuse, "TEMPLATES", 2)
    for p in (0.1, 0.2, 0.3):
        trained(build(lambda r, p=p: cn.Dropout(p)), "compiled", rounds=1)
    assert len(kept) == 2
    monkeypatch.setattr(reuse, "BYTES", 1000)
    trained(build(), "compiled", rounds=1)
    assert len(kept) == 2


def test_a_training_goes_on_with_what_was_verified_before(made):
    model, loss, optimizer = build()(0)
    for _ in range(3):
        cn.fit(model, loss, optimizer, DATA, epochs=5, batch_size=8, progress=False, engine="compiled")
    assert (made.count("recording"), made.count("loop")) == (1, 1)


def test_a_method_that_was_replaced_since_is_heeded(made, monkeypatch, alike):
    class Doubles(cn.Module):
        def forward(self, input):
            return 2 * input

        def backward(self, grad_output):
            return 2 * grad_output

    assert alike(lambda: build(lambda r: Doubles(), loss=lambda r: cn.MSELoss()), rounds=1) == (1, 1)
    monkeypatch.setattr(Doubles, "forward", lambda self, x: 3 * x)
    monkeypatch.setattr(Doubles, "backward", lambda self, y: 3 * y)
    assert alike(lambda: build(lambda r: Doubles(), loss=lambda r: cn.MSELoss()), rounds=1) == (1, 1)


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


def test_another_number_that_compares_equal_is_recorded_anew(alike):
    assert alike(lambda: build(lambda r: OfItsKind(1 / (1 + r)))) == (3, 3)


@pytest.mark.parametrize("kind", [OfABuffer, OfATable])
def test_what_looks_where_nobody_can_watch_is_trained_plainly(kind, alike):
    alike(lambda: build(lambda r: kind(1 / (1 + r))), engine="plain")


def test_a_rule_that_puts_up_its_memory_in_its_first_step_is_made_anew(alike):
    class Lazy(cn.Optimizer):
        elementwise = True

        def update(self, param, grad, state):
            if "mean" not in state:
                state["mean"] = torch.zeros_like(param)
            state["mean"].mul_(0.9).add_(grad)
            param.sub_(state["mean"], alpha=self.current_lr)

    assert alike(lambda: build(optimizer=Lazy)) == (3, 3)


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

    assert alike(lambda: build(), metric=metric) == (1, 1)


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
