"""Independent trainings, one after the other: round r is fit with seed + r."""

from contextlib import nullcontext

import pytest
import torch

import corenet as cn

TRAIN, VALID = cn.data.disk(50, seed=0), cn.data.disk(30, seed=1)
SHORT = {"epochs": 3, "batch_size": 20, "progress": False}  # 20, 20 and 10 points


def build(*middle, loss=cn.BCELoss, **settings):
    """Return a factory of networks with ``middle`` inside, whose rates may differ by round."""
    settings = {"lr": 0.2, "momentum": 0.9, "lr_decay": 0.01} | settings

    def factory(round):
        parts = [each() for each in middle]
        model = cn.Sequential(cn.Linear(2, 6), cn.ReLU(), *parts, cn.Linear(6, 1), cn.Sigmoid())
        chosen = {name: value(round) if callable(value) else value for name, value in settings.items()}
        return model, loss(), cn.SGD(model.parameters(), **chosen)

    return factory


factory = build()
noisy = build(lambda: cn.Dropout(0.3))


def alone(factory, round, train=TRAIN, valid=None, seed=10):
    """Train one round as fit does."""
    torch.manual_seed(cn.data.stream("weights", seed + round))
    model, loss, optimizer = factory(round)
    return model, cn.fit(model, loss, optimizer, train, valid, seed=seed + round, engine="plain", **SHORT), optimizer


def assert_close(left, right, **tolerance):
    torch.testing.assert_close(left.state_dict(), right.state_dict(), **tolerance)


@pytest.fixture
def compiled(needs_compiler):
    return "compiled"


@pytest.mark.parametrize("engine", ["plain", "auto"])
def test_round_r_is_fit_with_seed_plus_r(engine):
    results = cn.fit_rounds(factory, TRAIN, VALID, rounds=3, seed=10, engine=engine, **SHORT)
    assert len(results) == 3
    for round, (model, history) in enumerate(results):
        expected, told, _ = alone(factory, round, valid=VALID)
        assert history.engine == "plain"  # auto: so few steps earn nothing back
        assert_close(model, expected, rtol=0, atol=0)
        assert history.losses == told.losses
        assert [(e.valid, e.lr, e.epoch) for e in history] == [(e.valid, e.lr, e.epoch) for e in told]
    assert not torch.equal(results[0][0][0].weight, results[1][0][0].weight)


@pytest.mark.parametrize("loss", [cn.MSELoss, cn.MAELoss, cn.BCELoss, cn.BCEWithLogitsLoss, lambda: cn.MSELoss("sum")])
def test_every_loss_trains_as_alone(loss, compiled):
    each = build(loss=loss, lr=0.01)
    results = cn.fit_rounds(each, TRAIN, rounds=3, seed=10, engine=compiled, **SHORT)
    for round, (model, history) in enumerate(results):
        expected, told, _ = alone(each, round)
        assert history.engine == compiled
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
def test_hyper_parameters_may_differ_by_round(settings, compiled):
    each = build(**settings)
    for round, (model, history) in enumerate(cn.fit_rounds(each, TRAIN, rounds=3, seed=10, engine=compiled, **SHORT)):
        expected, told, _ = alone(each, round)
        assert history.engine == compiled
        assert_close(model, expected)
        assert [epoch.lr for epoch in history] == [epoch.lr for epoch in told]


def test_optimizers_are_left_as_if_each_had_trained_alone(compiled):
    kept = []

    def keeping(round):
        kept.append(factory(round))
        return kept[-1]

    cn.fit_rounds(keeping, TRAIN, rounds=3, seed=10, engine=compiled, **SHORT)
    for round, (model, _, optimizer) in enumerate(kept):
        _, _, expected = alone(factory, round)
        assert optimizer.steps == expected.steps == 9
        torch.testing.assert_close(optimizer.state_dict()["states"], expected.state_dict()["states"])
        weight = model[0].weight.clone()
        model[0].weight.grad.fill_(1)
        optimizer.step()  # and they still hold the parameters of their models
        assert not torch.equal(model[0].weight, weight)


def test_a_strangers_layer_with_a_buffer_trains_as_alone(odd, compiled):
    each = build(odd["Averages"])
    for round, (model, history) in enumerate(cn.fit_rounds(each, TRAIN, rounds=3, seed=10, engine=compiled, **SHORT)):
        assert history.engine == compiled
        assert_close(model, alone(each, round)[0])


def test_dropout_draws_for_each_round_and_from_one_seed():
    first, again = (cn.fit_rounds(noisy, TRAIN, rounds=3, seed=10, **SHORT) for _ in range(2))
    for (model, _), (same, _) in zip(first, again, strict=True):
        assert_close(model, same, rtol=0, atol=0)

    def alike(round):
        torch.manual_seed(0)  # the same weights in each round, so that only dropout tells them apart
        return noisy(round)

    results = cn.fit_rounds(alike, [TRAIN] * 2, rounds=2, **SHORT)
    assert not torch.equal(results[0][0][0].weight, results[1][0][0].weight)


@pytest.mark.parametrize("middle", ["Looks", "Counts"])
def test_what_cannot_be_recorded_is_told_in_each_round_and_trained_plainly(middle, odd, compiled):
    each = build(odd[middle])
    with pytest.warns(cn.EngineWarning, match="engine 'plain' runs, not 'compiled'") as told:
        results = cn.fit_rounds(each, TRAIN, rounds=2, seed=10, engine=compiled, **SHORT)
    assert len(told) == 2
    for round, (model, history) in enumerate(results):
        assert history.engine == "plain"
        assert_close(model, alone(each, round)[0], rtol=0, atol=0)


def test_models_may_differ_by_round():
    def growing(round):
        model = cn.Sequential(cn.Linear(2, 3 + round), cn.ReLU(), cn.Linear(3 + round, 1))
        return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)

    results = cn.fit_rounds(growing, TRAIN, rounds=2, **SHORT)
    assert [len(model[0].bias) for model, _ in results] == [3, 4]


def test_a_round_that_runs_away_is_named_and_no_later_one_begun():
    kept = []

    def keeping(round):
        model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 1))
        kept.append((model, cn.MSELoss(), cn.SGD(model.parameters(), lr=1e30 if round == 1 else 0.1)))
        return kept[-1]

    with pytest.raises(cn.NonFiniteError, match="round 1, epoch 1, step") as caught:
        cn.fit_rounds(keeping, TRAIN, rounds=3, **SHORT)
    assert caught.value.round == 1
    done, stopped, waiting = (optimizer.steps for _, _, optimizer in kept)
    assert (done, waiting) == (9, 0)
    assert stopped < 9
    for model, _, _ in kept:
        assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_rounds_leave_torch_s_generator_alone_and_the_factory_is_told_the_round():
    state, asked = torch.get_rng_state(), []

    def counting(round):
        asked.append(round)
        return factory(round)

    cn.fit_rounds(counting, TRAIN, rounds=3, **SHORT)
    assert asked == [0, 1, 2]
    assert torch.equal(torch.get_rng_state(), state)


def test_each_round_may_have_data_of_its_own():
    trains = [cn.data.disk(20, seed=seed) for seed in (5, 6)]
    valids = [cn.data.disk(10, seed=seed) for seed in (7, 8)]
    results = cn.fit_rounds(factory, trains, valids, rounds=2, **SHORT)
    for (model, history), train, valid in zip(results, trains, valids, strict=True):
        assert history[-1].train == {"error_rate": cn.error_rate(model, train)}
        assert history[-1].valid == {"error_rate": cn.error_rate(model, valid)}


@pytest.mark.parametrize("name", ["epochs", "batch_size", "rounds"])
@pytest.mark.parametrize("value", [0, -1, 1.0, True, "3"])
def test_counts_are_positive_integers(name, value):
    options = {**SHORT, "rounds": 1, name: value}
    with pytest.raises(cn.ConfigError, match=f"{name} must be an integer ≥ 1, not {value!r}") as caught:
        cn.fit_rounds(factory, TRAIN, **options)
    assert (caught.value.name, caught.value.value) == (name, value)


def test_as_many_data_sets_as_rounds():
    with pytest.raises(cn.ConfigError, match="train has 2 data sets for 3 rounds; give one, or one for each round"):
        cn.fit_rounds(factory, [TRAIN, TRAIN], rounds=3, **SHORT)
    with pytest.raises(cn.ConfigError, match="train has 4 data sets for 3 rounds"):
        cn.fit_rounds(factory, [TRAIN] * 4, rounds=3, **SHORT)
    with pytest.raises(cn.ConfigError, match="valid has 1 data sets"):
        cn.fit_rounds(factory, TRAIN, [VALID], rounds=3, **SHORT)


def trained_alike(factory, engine="compiled", told=False, **options):
    """Hold a training of three rounds against the plain one, and return both."""
    settings = {"rounds": 3, "seed": 10, "metrics": ()} | SHORT | options
    with pytest.warns(cn.EngineWarning) if told else nullcontext():
        found = cn.fit_rounds(factory, TRAIN, engine=engine, **settings)
    plain = cn.fit_rounds(factory, TRAIN, engine="plain", **settings)
    for (model, _), (expected, _) in zip(found, plain, strict=True):
        assert_close(model, expected)
    return found, plain


class Tilted(cn.MSELoss):
    """Holds a constant tensor, which may differ by round."""

    def __init__(self, tilt):
        super().__init__()
        self.tilt = torch.tensor(tilt)

    def elements(self, input, target):
        return self.tilt * super().elements(input, target)

    def derivative(self, input, target):
        return self.tilt * super().derivative(input, target)


@pytest.mark.usefixtures("needs_compiler")
def test_constants_that_differ_by_round_are_heeded():
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


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("middle", [Replaces, Fades])
def test_what_a_forward_keeps_in_attributes_is_kept(middle):
    found, plain = trained_alike(build(middle), told=True)
    assert [history.engine for _, history in found] == ["plain"] * 3
    assert [getattr(model[2], "count", 0) for model, _ in found] == [getattr(m[2], "count", 0) for m, _ in plain]


def test_a_rate_set_by_a_metric_is_heeded_and_stays(compiled):
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

    (found, rates), (plain, expected) = run(compiled), run("plain")
    assert rates == expected == [0.2 / 8] * 2
    for model, other in zip(found, plain, strict=True):
        assert_close(model, other)


@pytest.mark.usefixtures("needs_compiler")
def test_a_step_of_the_optimizers_own_is_taken(odd):
    def clipping(round):
        model, loss, _ = factory(round)
        return model, loss, odd["Clips"](model.parameters(), lr=0.5)

    trained_alike(clipping, told=True)


@pytest.mark.usefixtures("needs_compiler")
def test_an_optimizers_own_counter_goes_on():
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


def test_models_keep_nothing_of_each_other_afterwards():
    (model, _), *_ = cn.fit_rounds(factory, TRAIN, rounds=50, **SHORT | {"epochs": 1})
    weight = model[0].weight
    for tensor in (weight, weight.grad):
        assert tensor.untyped_storage().nbytes() <= 4 * sum(parameter.numel() for parameter in model.parameters())


def test_parameters_of_two_dtypes_stay_what_they_are():
    class Double(cn.Tanh):
        def __init__(self):
            self.unused = cn.Parameter(torch.ones(2, dtype=torch.float64))

    for model, _ in cn.fit_rounds(build(Double), TRAIN, rounds=2, **SHORT):
        assert [model[0].weight.dtype, model[2].unused.dtype] == [torch.float32, torch.float64]


def test_an_interrupt_of_a_round_leaves_it_whole_and_no_later_one_begun():
    kept = []

    def keeping(round):
        kept.append(factory(round))
        return kept[-1]

    def stop(model, data):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cn.fit_rounds(keeping, TRAIN, rounds=2, metrics=[stop], **SHORT)
    assert [optimizer.steps for _, _, optimizer in kept] == [3, 0]
    assert [bool(each.state_dict()["states"][0]["velocity"].any()) for _, _, each in kept] == [True, False]


@pytest.mark.parametrize("engine", ["auto", "plain"])
def test_an_output_that_is_not_finite_is_told_with_its_round(engine):
    def faulty(round):
        model, loss, optimizer = factory(round)
        if round == 1:
            model[2].bias.fill_(torch.nan)
        return model, loss, optimizer

    with pytest.raises(cn.NonFiniteError, match="round 1, epoch 1, step 1: the model's output is not finite"):
        cn.fit_rounds(faulty, TRAIN, rounds=3, engine=engine, **SHORT)


@pytest.mark.usefixtures("needs_compiler")
def test_compiled_rounds_draw_each_for_itself():
    results = cn.fit_rounds(noisy, TRAIN, rounds=2, seed=10, engine="compiled", **SHORT | {"batch_size": 8})
    expected = cn.fit_rounds(noisy, TRAIN, rounds=2, seed=10, engine="plain", **SHORT | {"batch_size": 8})
    for (model, history), (other, _) in zip(results, expected, strict=True):
        assert history.engine == "compiled"
        assert_close(model, other)


@pytest.mark.usefixtures("needs_compiler")
def test_a_compiled_round_that_runs_away_is_named():
    def faulty(round):
        model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 1))
        return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=1e30 if round == 1 else 0.1)

    with pytest.raises(cn.NonFiniteError, match="round 1, epoch 1, step"):
        cn.fit_rounds(faulty, TRAIN, rounds=3, engine="compiled", **SHORT)


@pytest.mark.usefixtures("needs_compiler")
def test_lines_of_rounds_one_after_the_other_say_which(capsys):
    cn.fit_rounds(factory, TRAIN, rounds=2, engine="compiled", **SHORT | {"progress": True, "epochs": 1})
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["round 1/2, epoch 1/1", "round 2/2, epoch 1/1"]
