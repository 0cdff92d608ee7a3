"""What rounds share with earlier ones: none writes to another's model, and what changes meanwhile is heeded."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.cpu import engine as cpu
from corenet.training.engines.cpu.reuse import Templates

pytestmark = pytest.mark.usefixtures("needs_compiler")


# Who holds what.


@pytest.mark.parametrize("models", [(0, 0, 0), (0, 1, 0)])
def test_rounds_may_train_one_model_again(models, noisy, alike):
    def in_turn():
        torch.manual_seed(0)
        made = [noisy(0)[0] for _ in set(models)]
        return lambda r: (made[models[r]], cn.BCELoss(), cn.SGD(made[models[r]].parameters(), lr=0.1, momentum=0.9))

    assert alike(in_turn) == (1, 1)


def beginning_alike(build, trains):
    """Rounds 0 and 1 share their first module, which the optimizer may leave alone."""
    torch.manual_seed(0)
    shared, _, _ = build()(0)

    def factory(round):
        model, loss, _ = build()(round)
        model = cn.Sequential(shared[0] if round < 2 else model[0], *list(model)[1:])
        return model, loss, cn.SGD([p for each in list(model)[0 if trains else 1 :] for p in each.parameters()], lr=0.1)

    return factory


def slices(build, *starts):
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


def over(build, *parts):
    """The optimizer has one module alone."""

    def factory(round):
        model, loss, _ = build()(round)
        return model, loss, cn.SGD(model[parts[round]].parameters(), lr=0.1, momentum=0.9)

    return factory


HELD = [
    (beginning_alike, [True], (2, 2)),
    (beginning_alike, [False], (2, 2)),
    (slices, [7, 7, 7], (1, 1)),
    (slices, [7, 9, 9], (2, 2)),
    (over, [2, 2, 2], (1, 1)),
    (over, [2, 3, 3], (2, 2)),
]


@pytest.mark.parametrize(("sharing", "arguments", "expected"), HELD)
def test_what_rounds_share(sharing, arguments, expected, build, alike):
    assert alike(lambda: sharing(build, *arguments)) == expected


def test_a_round_leaves_earlier_ones_as_they_are(noisy, trained, monkeypatch):
    left, histories, _ = trained(noisy, "compiled")
    monkeypatch.setattr(cpu, "KEPT", Templates())
    alone, history, _ = trained(noisy, "compiled", rounds=1)
    torch.testing.assert_close((left[:1], histories[:1]), (alone, history), rtol=0, atol=0)


# What a metric changes.


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
def test_what_a_metric_changes_in_this_round_and_in_others_is_heeded(metric, batch_size, noisy, alike):
    alike(lambda: noisy, metric=metric, batch_size=batch_size)


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer.to(dtype=torch.float16),
        lambda layer: setattr(layer.weight, "data", layer.weight.clone()),
    ],
)
def test_an_earlier_model_may_be_changed_and_stays_as_it_is(change, build, options, alike):
    def metric(count, kept):
        if count == options["epochs"]:  # the last of the first round
            change(kept[0][0][0])

    assert alike(lambda: build(), metric=metric) == (1, 1)


def test_an_earlier_model_may_be_cut(build, data, options):
    def losses(engine):
        kept, made = [], build()

        def keeping(round):
            kept.append(made(round))
            return kept[-1]

        def cut(model, data):
            if model is kept[1][0]:
                kept[0][0][0].weight.data = torch.ones(3, 2, dtype=torch.float64)
            return 0.0

        results = cn.fit_rounds(keeping, data, engine=engine, metrics=[cut], **options | {"batch_size": 48})
        return [history.losses for _, history in results]

    for plain, compiled in zip(losses("plain"), losses("compiled"), strict=True):
        assert compiled == pytest.approx(plain)


def test_a_later_round_that_runs_away_is_named(build, trained):
    def error(engine):
        with pytest.raises(cn.NonFiniteError) as caught:
            trained(build(loss=lambda r: cn.MSELoss(), lr=lambda r: 1.7e308 if r == 2 else 0.1), engine)
        return str(caught.value), caught.value.round, caught.value.epoch, caught.value.step

    assert error("compiled") == error("plain")
    assert error("compiled")[1] == 2
