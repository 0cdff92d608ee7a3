"""Every engine trains on classes beyond two as the plain one does, and that one as PyTorch."""

from itertools import product

import pytest
import torch
from torch.nn import functional

import corenet as cn

POINTS, CLASSES, WIDTH = 83, 3, 4  # the last batch of an epoch is smaller
OPTIONS = {"epochs": 12, "batch_size": 10, "progress": False}
WEIGHT = torch.tensor([0.5, 2.0, 1.25])
EVERY = {"weight": WEIGHT, "label_smoothing": 0.1, "ignore_index": 7}
LOSSES = {
    "indices": {},
    "sum": {"reduction": "sum"},
    "weight": {"weight": WEIGHT},
    "smooth": {"label_smoothing": 0.2},
    "ignored": {"ignore_index": 7},
    "every": EVERY,
    "probabilities": {"weight": WEIGHT},
}
every_loss = pytest.mark.parametrize("name", LOSSES)
recorded = pytest.mark.parametrize("engine", ["replay", "compiled"])
strict = pytest.mark.filterwarnings("error::corenet.EngineWarning")


def blobs(name="indices", seed=5, points=POINTS, steps=None):
    """Return points around a centre for each class; for each of some ``steps``, if there are any."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(CLASSES, WIDTH, generator=torch.Generator().manual_seed(3))
    target = torch.randint(CLASSES, (points,) if steps is None else (points, steps), generator=generator)
    inputs = 2 * centres[target] + torch.randn(*target.shape, WIDTH, generator=generator)
    if "ignore_index" in LOSSES[name]:
        target[torch.rand(target.shape, generator=generator) < 0.2] = 7
    if name == "probabilities":
        target = 0.7 * functional.one_hot(target, CLASSES) + 0.1
    return cn.data.Dataset(inputs, target)


class ClassesSecond(cn.Module):
    """(N, …, C) → (N, C, …)"""

    def forward(self, input):
        return input.movedim(-1, 1).clone()

    def backward(self, grad_output):
        return grad_output.movedim(1, -1)


def parts(loss, *last, rate=0.05):
    torch.manual_seed(2)
    model = cn.Sequential(cn.Linear(WIDTH, 6), cn.Tanh(), cn.Linear(6, CLASSES), *last)
    return model, loss, cn.SGD(model.parameters(), lr=rate if loss.reduction == "mean" else rate / 10, momentum=0.5)


def state(model, loss, optimizer):
    return [model.state_dict(), loss.state_dict(), optimizer.state_dict()["states"]]


@strict
@every_loss
@pytest.mark.parametrize("engine", ["replay", "compiled", "auto"])
def test_every_engine_trains_alike(name, engine):
    plain, other = (parts(cn.CrossEntropyLoss(**LOSSES[name])) for _ in range(2))
    train, valid = blobs(name), blobs(name, seed=6)
    expected = cn.fit(*plain, train, valid, engine="plain", **OPTIONS)
    found = cn.fit(*other, train, valid, engine=engine, **OPTIONS)
    torch.testing.assert_close(state(*other), state(*plain), rtol=1e-4, atol=1e-5)
    assert found.losses == pytest.approx(expected.losses, rel=1e-4)
    assert expected.losses[-1] < 0.8 * expected.losses[0]
    for each, other in zip(found, expected, strict=True):
        assert each.valid == pytest.approx(other.valid, rel=1e-4)
        assert list(each.valid) == ["loss", "error_rate"]
    assert expected[-1].valid["error_rate"] < 0.2
    assert engine == "auto" or found.engine == engine


@every_loss
def test_the_plain_step_trains_as_pytorch(name):
    options = LOSSES[name]
    model, loss, optimizer = parts(cn.CrossEntropyLoss(**options))
    theirs = torch.nn.Sequential(torch.nn.Linear(WIDTH, 6), torch.nn.Tanh(), torch.nn.Linear(6, CLASSES))
    theirs.load_state_dict(model.state_dict())
    rule, data = torch.optim.SGD(theirs.parameters(), lr=optimizer.lr, momentum=0.5), blobs(name)
    for epoch in range(6):
        for input, target in data.batches(10, seed=1, epoch=epoch):
            value = cn.train_step(model, loss, optimizer, input, target)
            rule.zero_grad()
            expected = functional.cross_entropy(theirs(input), target, **options)
            expected.backward()
            rule.step()
            assert value.item() == pytest.approx(expected.item(), rel=1e-4)
    torch.testing.assert_close(model.state_dict(), dict(theirs.state_dict()), rtol=1e-4, atol=1e-5)


@strict
@recorded
@pytest.mark.parametrize("name", ["indices", "every"])
@pytest.mark.parametrize("steps", [2, CLASSES])  # of as many steps as classes, the shape does not tell which are which
def test_a_class_for_each_of_several_steps(name, engine, steps):
    plain, other = (parts(cn.CrossEntropyLoss(**LOSSES[name]), ClassesSecond(), rate=0.2) for _ in range(2))
    train, valid = blobs(name, steps=steps), blobs(name, seed=6, steps=steps)
    expected = cn.fit(*plain, train, valid, engine="plain", **OPTIONS)
    found = cn.fit(*other, train, valid, engine=engine, **OPTIONS)
    torch.testing.assert_close(state(*other), state(*plain), rtol=1e-4, atol=1e-5)
    assert (found.engine, found[-1].valid) == (engine, pytest.approx(expected[-1].valid, rel=1e-4))
    kept = valid.targets != 7
    wrong = (cn.predict(plain[0], valid).argmax(1) != valid.targets)[kept].double().mean().item()
    assert expected[-1].valid["error_rate"] == pytest.approx(wrong, abs=1e-12)
    assert cn.error_rate(plain[0], valid, plain[1]) == pytest.approx(wrong, abs=1e-12)
    assert wrong < 0.3


@strict
def test_flatten_softmax_and_log_softmax_train_alike_in_every_engine():
    found = []
    for engine in ("plain", "replay", "compiled"):
        torch.manual_seed(2)
        model = cn.Sequential(
            cn.Linear(WIDTH, 5), cn.LogSoftmax(), cn.Flatten(), cn.Linear(10, CLASSES), cn.Softmax(), cn.Linear(3, 3)
        )
        data = blobs(steps=2)
        data = cn.data.Dataset(data.inputs, functional.one_hot(data.targets[:, 0], CLASSES).float())
        optimizer = cn.SGD(model.parameters(), lr=0.1)
        history = cn.fit(model, cn.MSELoss(), optimizer, data, engine=engine, **OPTIONS)
        assert history.engine == engine
        found.append((model.state_dict(), history.losses))
    torch.testing.assert_close(found[1:], [found[0]] * 2, rtol=1e-4, atol=1e-5)
    assert found[0][1][-1] < 0.8 * found[0][1][0]


@strict
def test_rounds_with_other_class_weights_train_as_plain_ones_do():
    def factory(number):
        return parts(cn.CrossEntropyLoss(WEIGHT * (1 + number) ** torch.arange(3)))

    options = {**OPTIONS, "rounds": 3}
    expected = cn.fit_rounds(factory, blobs(), blobs(seed=6), engine="plain", **options)
    found = cn.fit_rounds(factory, blobs(), blobs(seed=6), engine="compiled", **options)
    for (model, history), (plain, losses) in zip(found, expected, strict=True):
        torch.testing.assert_close(model.state_dict(), plain.state_dict(), rtol=1e-4, atol=1e-5)
        assert history.losses == pytest.approx(losses.losses, rel=1e-4)
    assert len({history.losses[-1] for _, history in expected}) == 3


# Numbers that are no class.


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled", "auto"])
@pytest.mark.parametrize("wrong", [3, -1])
def test_a_class_out_of_range_is_named_and_no_step_is_done_with_it(engine, wrong):
    made, data, late = parts(cn.CrossEntropyLoss(WEIGHT)), blobs(), blobs()
    cn.fit(*made, data, engine=engine, **OPTIONS)
    before = state(*made)
    late.targets.fill_(wrong)
    with pytest.raises(cn.RangeError, match=rf"from 0 to 2, as the input has 3 classes, .*; got {wrong}$"):
        cn.fit(*made, late, engine=engine, **OPTIONS)
    torch.testing.assert_close(state(*made), before, rtol=0, atol=0)


@recorded
@pytest.mark.parametrize(("wrong", "message"), [(5, "; got 5"), (7, "the mean is over nothing")])
def test_a_target_that_changes_after_many_good_steps_is_seen(engine, wrong, message):
    data, seen = blobs(), []

    def spoil(model, data):
        if len(seen) == 5:
            data.targets.fill_(7)
            data.targets[40:] = wrong
        seen.append(0)
        return 0.0

    with pytest.raises(cn.RangeError, match=message):
        cn.fit(*parts(cn.CrossEntropyLoss(ignore_index=7)), data, engine=engine, metrics=[spoil], **OPTIONS)
    assert len(seen) == 6


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled"])
def test_one_batch_of_ignored_targets_alone_among_good_ones_is_refused_at_its_step(engine):
    data, seen = blobs(), []

    def spoil(model, data):
        data.targets[40] = 7 if len(seen) == 5 else data.targets[40]
        seen.append(0)
        return 0.0

    made = parts(cn.CrossEntropyLoss(ignore_index=7))
    with pytest.raises(cn.RangeError, match="the mean is over nothing"):
        cn.fit(*made, data, engine=engine, metrics=[spoil], **{**OPTIONS, "batch_size": 1})
    order = data.order(0, 6).tolist()
    assert made[2].steps == 6 * POINTS + order.index(40)


class TwoHeads(cn.Loss):
    """A class and a value of the same point: cross-entropy and squared error."""

    reduction = "mean"

    def __init__(self):
        self.classes, self.values = cn.CrossEntropyLoss(WEIGHT), cn.MSELoss()

    def forward(self, outputs, targets):
        return self.classes(outputs[0], targets[0]) + 0.5 * self.values(outputs[1], targets[1])

    def backward(self):
        return self.classes.backward(), 0.5 * self.values.backward()


class Heads(cn.Module):
    def __init__(self):
        self.heads = cn.Linear(WIDTH, CLASSES), cn.Linear(WIDTH, 1)

    def forward(self, input):
        return tuple(head(input) for head in self.heads)

    def backward(self, *gradients):
        return sum(head.backward(gradient) for head, gradient in zip(self.heads, gradients, strict=True))


def two_heads(engine, **options):
    torch.manual_seed(2)
    model, data = Heads(), blobs()
    data = cn.data.Dataset(data.inputs, (data.targets, data.inputs.sum(1, keepdim=True)))
    made = model, TwoHeads(), cn.SGD(model.parameters(), lr=0.05)
    return made, data, lambda: cn.fit(*made, data, engine=engine, **{**OPTIONS, **options})


@strict
@recorded
def test_a_loss_inside_a_loss_looks_at_its_numbers_outside_of_what_is_recorded(engine):
    (plain, _, run), (other, _, again) = two_heads("plain"), two_heads(engine)
    expected, found = run(), again()
    assert (found.engine, found.losses) == (engine, pytest.approx(expected.losses, rel=1e-4))
    torch.testing.assert_close(state(*other), state(*plain), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled"])
def test_a_loss_inside_a_loss_names_a_class_out_of_range(engine):
    seen = []

    def spoil(model, data):
        if len(seen) == 5:
            data.targets[0][40] = 9
        seen.append(0)
        return 0.0

    with pytest.raises(cn.RangeError, match="; got 9"):
        two_heads(engine, metrics=[spoil])[2]()
    assert len(seen) == 6


# Pieces of a batch.


@pytest.mark.parametrize("size", [1, 4, 9])
@pytest.mark.parametrize("name", ["weight", "ignored", "every"])
def test_a_mean_that_is_not_over_all_points_is_not_taken_in_pieces(name, size):
    with pytest.raises(
        cn.ConfigError, match=r"micro_batch_size: CrossEntropyLoss\(.*\) does not weigh all points alike"
    ):
        cn.fit(*parts(cn.CrossEntropyLoss(**LOSSES[name])), blobs(name), micro_batch_size=size, **OPTIONS)


def test_one_point_in_thousands_that_is_ignored_or_weighs_more_is_seen():
    data = blobs(points=5000)
    data.targets[data.targets == 1] = 0
    data.targets[3210] = 1
    for options in ({"ignore_index": 1}, {"weight": torch.tensor([1.5, 3.0, 1.5])}):
        with pytest.raises(cn.ConfigError, match="does not weigh all points alike"):
            cn.fit(*parts(cn.CrossEntropyLoss(**options)), data, micro_batch_size=4, **OPTIONS)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        *product([{}, {"label_smoothing": 0.2}, {"weight": torch.full((3,), 1.5)}], ["indices", "probabilities"]),
        ({"weight": WEIGHT}, "probabilities"),
        *(({**EVERY, "reduction": reduction}, "every") for reduction in ("sum", "none")),
    ],
    ids=str,
)
def test_pieces_of_a_mean_over_all_points_or_of_a_sum_add_up(options, name):
    plain, other = (parts(cn.CrossEntropyLoss(**options)) for _ in range(2))
    cn.fit(*plain, blobs(name), engine="plain", **OPTIONS)
    cn.fit(*other, blobs(name), micro_batch_size=3, **OPTIONS)
    torch.testing.assert_close(state(*other), state(*plain), rtol=1e-4, atol=1e-5)
