"""Independent trainings, one after the other: round r is fit with seed + r."""

import pytest
import torch

import corenet as cn

TRAIN, VALID = cn.data.disk(50, seed=0), cn.data.disk(30, seed=1)
SHORT = {"epochs": 3, "batch_size": 20, "progress": False}  # 20, 20 and 10 points


@pytest.mark.parametrize("engine", ["plain", "auto"])
def test_round_r_is_fit_with_seed_plus_r(engine, factory, alone, assert_close):
    results = cn.fit_rounds(factory, TRAIN, VALID, rounds=3, seed=10, engine=engine, **SHORT)
    assert len(results) == 3
    for round, (model, history) in enumerate(results):
        expected, told, _ = alone(factory, round, valid=VALID)
        assert history.engine == "plain"  # auto: so few steps earn nothing back
        assert_close(model, expected, rtol=0, atol=0)
        assert history.losses == told.losses
        assert [(e.valid, e.lr, e.epoch) for e in history] == [(e.valid, e.lr, e.epoch) for e in told]
    assert not torch.equal(results[0][0][0].weight, results[1][0][0].weight)


def test_dropout_draws_for_each_round_and_from_one_seed(noisy, assert_close):
    first, again = (cn.fit_rounds(noisy, TRAIN, rounds=3, seed=10, **SHORT) for _ in range(2))
    for (model, _), (same, _) in zip(first, again, strict=True):
        assert_close(model, same, rtol=0, atol=0)

    def alike(round):
        torch.manual_seed(0)  # the same weights in each round, so that only dropout tells them apart
        return noisy(round)

    results = cn.fit_rounds(alike, [TRAIN] * 2, rounds=2, **SHORT)
    assert not torch.equal(results[0][0][0].weight, results[1][0][0].weight)


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


def test_rounds_leave_torch_s_generator_alone_and_the_factory_is_told_the_round(factory):
    state, asked = torch.get_rng_state(), []

    def counting(round):
        asked.append(round)
        return factory(round)

    cn.fit_rounds(counting, TRAIN, rounds=3, **SHORT)
    assert asked == [0, 1, 2]
    assert torch.equal(torch.get_rng_state(), state)


def test_each_round_may_have_data_of_its_own(factory):
    trains = [cn.data.disk(20, seed=seed) for seed in (5, 6)]
    valids = [cn.data.disk(10, seed=seed) for seed in (7, 8)]
    results = cn.fit_rounds(factory, trains, valids, rounds=2, **SHORT)
    for (model, history), train, valid in zip(results, trains, valids, strict=True):
        assert history[-1].train == {"error_rate": cn.error_rate(model, train)}
        loss = cn.BCELoss()(cn.predict(model, valid), valid.targets).item()
        assert history[-1].valid == {"loss": loss, "error_rate": cn.error_rate(model, valid)}


@pytest.mark.parametrize("name", ["epochs", "batch_size", "rounds"])
@pytest.mark.parametrize("value", [0, -1, 1.0, True, "3"])
def test_counts_are_positive_integers(name, value, factory):
    options = {**SHORT, "rounds": 1, name: value}
    with pytest.raises(cn.ConfigError, match=f"{name} must be an integer ≥ 1, not {value!r}") as caught:
        cn.fit_rounds(factory, TRAIN, **options)
    assert (caught.value.name, caught.value.value) == (name, value)


def test_as_many_data_sets_as_rounds(factory):
    with pytest.raises(cn.ConfigError, match="train has 2 data sets for 3 rounds; give one, or one for each round"):
        cn.fit_rounds(factory, [TRAIN, TRAIN], rounds=3, **SHORT)
    with pytest.raises(cn.ConfigError, match="train has 4 data sets for 3 rounds"):
        cn.fit_rounds(factory, [TRAIN] * 4, rounds=3, **SHORT)
    with pytest.raises(cn.ConfigError, match="valid has 1 data sets"):
        cn.fit_rounds(factory, TRAIN, [VALID], rounds=3, **SHORT)


def test_models_keep_nothing_of_each_other_afterwards(factory):
    (model, _), *_ = cn.fit_rounds(factory, TRAIN, rounds=50, **SHORT | {"epochs": 1})
    weight = model[0].weight
    for tensor in (weight, weight.grad):
        assert tensor.untyped_storage().nbytes() <= 4 * sum(parameter.numel() for parameter in model.parameters())


def test_parameters_of_two_dtypes_stay_what_they_are(build):
    class Double(cn.Tanh):
        def __init__(self):
            self.unused = cn.Parameter(torch.ones(2, dtype=torch.float64))

    for model, _ in cn.fit_rounds(build(Double), TRAIN, rounds=2, **SHORT):
        assert [model[0].weight.dtype, model[2].unused.dtype] == [torch.float32, torch.float64]


def test_an_interrupt_of_a_round_leaves_it_whole_and_no_later_one_begun(factory):
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
def test_an_output_that_is_not_finite_is_told_with_its_round(engine, factory):
    def faulty(round):
        model, loss, optimizer = factory(round)
        if round == 1:
            model[2].bias.fill_(torch.nan)
        return model, loss, optimizer

    with pytest.raises(cn.NonFiniteError, match="round 1, epoch 1, step 1: the model's output is not finite"):
        cn.fit_rounds(faulty, TRAIN, rounds=3, engine=engine, **SHORT)


def test_callbacks_are_begun_and_ended_in_each_round():
    seen = []

    class Notes(cn.Callback):
        def begin(self, training):
            seen.append("begin")

        def after_epoch(self, training):
            seen.append(training.epoch)
            return training.epoch == 2

        def end(self, training):
            seen.append("end")

    def factory(round):
        model = cn.Sequential(cn.Linear(2, 1))
        return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)

    data = cn.data.disk(20, seed=0)
    results = cn.fit_rounds(factory, data, rounds=2, epochs=5, batch_size=10, progress=False, callbacks=[Notes()])
    assert seen == ["begin", 1, 2, "end"] * 2
    assert [len(history) for _, history in results] == [2, 2]
