"""Rounds of compiled steps leave what plain ones leave, whatever differs from round to round."""

from contextlib import nullcontext

import pytest
import torch

import corenet as cn

pytestmark = pytest.mark.usefixtures("needs_compiler")

TRAIN = cn.data.disk(50, seed=0)
SHORT = {"epochs": 3, "batch_size": 20, "progress": False}  # 20, 20 and 10 points


@pytest.fixture
def trained_alike(assert_close):
    """Hold a training of three rounds against the plain one, and return both."""

    def train(factory, told=False, **options):
        settings = {"rounds": 3, "seed": 10, "metrics": ()} | SHORT | options
        with pytest.warns(cn.EngineWarning) if told else nullcontext():
            found = cn.fit_rounds(factory, TRAIN, engine="compiled", **settings)
        plain = cn.fit_rounds(factory, TRAIN, engine="plain", **settings)
        for (model, _), (expected, _) in zip(found, plain, strict=True):
            assert_close(model, expected)
        return found, plain

    return train


@pytest.mark.parametrize("loss", [cn.MSELoss, cn.MAELoss, cn.BCELoss, cn.BCEWithLogitsLoss, lambda: cn.MSELoss("sum")])
def test_every_loss_trains_as_alone(loss, build, alone, assert_close):
    each = build(loss=loss, lr=0.01)
    results = cn.fit_rounds(each, TRAIN, rounds=3, seed=10, engine="compiled", **SHORT)
    for round, (model, history) in enumerate(results):
        expected, told, _ = alone(each, round)
        assert history.engine == "compiled"
        assert_close(model, expected)
        assert history.losses == pytest.approx(told.losses, rel=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"lr": lambda r: 0.1 * (r + 1)},
        {"momentum": lambda r: 0.3 * r},
        {"weight_decay": lambda r: 0.01 * r},
        {"nesterov": True, "weight_decay": 0.1},
    ],
)
def test_hyper_parameters_may_differ_by_round(settings, build, alone, assert_close):
    each = build(**settings)
    for round, (model, history) in enumerate(cn.fit_rounds(each, TRAIN, rounds=3, seed=10, engine="compiled", **SHORT)):
        expected, told, _ = alone(each, round)
        assert history.engine == "compiled"
        assert_close(model, expected)
        assert [epoch.lr for epoch in history] == [epoch.lr for epoch in told]


def test_optimizers_are_left_as_if_each_had_trained_alone(factory, alone):
    kept = []

    def keeping(round):
        kept.append(factory(round))
        return kept[-1]

    cn.fit_rounds(keeping, TRAIN, rounds=3, seed=10, engine="compiled", **SHORT)
    for round, (model, _, optimizer) in enumerate(kept):
        _, _, expected = alone(factory, round)
        assert optimizer.steps == expected.steps == 9
        torch.testing.assert_close(optimizer.state_dict()["states"], expected.state_dict()["states"])
        weight = model[0].weight.clone()
        model[0].weight.grad.fill_(1)
        optimizer.step()  # and they still hold the parameters of their models
        assert not torch.equal(model[0].weight, weight)


def test_a_strangers_layer_with_a_buffer_trains_as_alone(odd, build, alone, assert_close):
    each = build(odd["Averages"])
    for round, (model, history) in enumerate(cn.fit_rounds(each, TRAIN, rounds=3, seed=10, engine="compiled", **SHORT)):
        assert history.engine == "compiled"
        assert_close(model, alone(each, round)[0])


@pytest.mark.parametrize("middle", ["Looks", "Counts"])
def test_what_cannot_be_recorded_is_told_in_each_round_and_trained_plainly(middle, odd, build, alone, assert_close):
    each = build(odd[middle])
    with pytest.warns(cn.EngineWarning, match="engine 'plain' runs, not 'compiled'") as told:
        results = cn.fit_rounds(each, TRAIN, rounds=2, seed=10, engine="compiled", **SHORT)
    assert len(told) == 2
    for round, (model, history) in enumerate(results):
        assert history.engine == "plain"
        assert_close(model, alone(each, round)[0], rtol=0, atol=0)


class Tilted(cn.MSELoss):
    """Holds a constant tensor, which may differ by round."""

    def __init__(self, tilt):
        super().__init__()
        self.tilt = torch.tensor(tilt)

    def elements(self, input, target):
        return self.tilt * super().elements(input, target)

    def derivative(self, input, target):
        return self.tilt * super().derivative(input, target)


def test_constants_that_differ_by_round_are_heeded(factory, trained_alike):
    def tilted(round):
        model, _, optimizer = factory(round)
        model = cn.Sequential(*model, cn.Dropout(0.0))
        return model, Tilted(float(round)), optimizer

    trained_alike(tilted)


class Replaces(cn.Module):
    """Puts a new buffer in the place of the old one in each forward."""

    def __init__(self):
        self.mean = cn.Buffer(torch.zeros(6))

    def forward(self, input):
        if self.training:
            self.mean = cn.Buffer(0.9 * self.mean + 0.1 * input.mean(0))
        return 1.0 * input

    def backward(self, grad_output):
        return 1.0 * grad_output


class Fades(cn.Module):
    """Counts its forwards, and fades with them."""

    count = 0

    def forward(self, input):
        self.count += 1
        self.save(torch.tensor(1 / (1 + self.count)))
        return input / (1 + self.count)

    def backward(self, grad_output):
        (factor,) = self.saved()
        return factor * grad_output


@pytest.mark.parametrize("middle", [Replaces, Fades])
def test_what_a_forward_keeps_in_attributes_is_kept(middle, build, trained_alike):
    found, plain = trained_alike(build(middle), told=True)
    assert [history.engine for _, history in found] == ["plain"] * 3
    assert [getattr(model[2], "count", 0) for model, _ in found] == [getattr(m[2], "count", 0) for m, _ in plain]


def test_a_rate_set_by_a_metric_is_heeded_and_stays(factory, assert_close):
    def run(engine):
        kept = []

        def keeping(round):
            kept.append(factory(round))
            return kept[-1]

        def halve(model, data):
            for other, _, optimizer in kept:
                if other is model:
                    optimizer.lr /= 2
            return 0.0

        results = cn.fit_rounds(keeping, TRAIN, rounds=2, metrics=[halve], engine=engine, **SHORT)
        return [model for model, _ in results], [optimizer.lr for _, _, optimizer in kept]

    (found, rates), (plain, expected) = run("compiled"), run("plain")
    assert rates == expected == [0.2 / 8] * 2
    for model, other in zip(found, plain, strict=True):
        assert_close(model, other)


def test_a_step_of_the_optimizers_own_is_taken(odd, factory, trained_alike):
    def clipping(round):
        model, loss, _ = factory(round)
        return model, loss, odd["Clips"](model.parameters(), lr=0.5)

    trained_alike(clipping, told=True)


def test_an_optimizers_own_counter_goes_on(factory, trained_alike):
    class Counted(cn.Optimizer):
        elementwise = True
        count = 0

        def update(self, param, grad, state):
            self.count += 1
            param -= self.current_lr * grad / self.count

    kept = []

    def counting(round):
        model, loss, _ = factory(round)
        kept.append(Counted(model.parameters(), lr=0.5))
        return model, loss, kept[-1]

    trained_alike(counting)
    assert [optimizer.count for optimizer in kept] == [9] * 6


def test_compiled_rounds_draw_each_for_itself(noisy, assert_close):
    results = cn.fit_rounds(noisy, TRAIN, rounds=2, seed=10, engine="compiled", **SHORT | {"batch_size": 8})
    expected = cn.fit_rounds(noisy, TRAIN, rounds=2, seed=10, engine="plain", **SHORT | {"batch_size": 8})
    for (model, history), (other, _) in zip(results, expected, strict=True):
        assert history.engine == "compiled"
        assert_close(model, other)


def test_a_compiled_round_that_runs_away_is_named():
    def faulty(round):
        model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 1))
        return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=1e30 if round == 1 else 0.1)

    with pytest.raises(cn.NonFiniteError, match="round 1, epoch 1, step"):
        cn.fit_rounds(faulty, TRAIN, rounds=3, engine="compiled", **SHORT)


def test_lines_of_rounds_one_after_the_other_say_which(capsys, factory):
    cn.fit_rounds(factory, TRAIN, rounds=2, engine="compiled", **SHORT | {"progress": True, "epochs": 1})
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["round 1/2, epoch 1/1", "round 2/2, epoch 1/1"]
