"""Running an experiment: the same figures each time, on data that is kept apart, read as they are."""

from dataclasses import replace

import pytest
import torch

import corenet as cn
from corenet.experiments import experiment, run
from corenet.experiments.run import ExperimentResult, Measured


def short(name, epochs=2, **changes):
    """Return an experiment with both recipes cut to a few epochs."""
    each = experiment(name)
    return replace(
        each,
        recipe=replace(each.recipe, epochs=epochs, **changes),
        better=replace(each.better, epochs=epochs, **changes),
    )


def weights(result):
    return [round.model.state_dict() for round in result.rounds]


def assert_same(left, right):
    torch.testing.assert_close(left, right, rtol=0, atol=0)


@pytest.fixture(scope="module")
def dropout():
    """Two short rounds of the experiment with dropout."""
    return run(short("003b"), rounds=2, seed=5)


def test_twice_is_the_same(dropout):
    again = run(short("003b"), rounds=2, seed=5)
    assert_same(weights(again), weights(dropout))
    assert (again.train_error, again.test_error) == (dropout.train_error, dropout.test_error)
    assert [round.history.losses for round in again.rounds] == [round.history.losses for round in dropout.rounds]


def test_round_r_is_the_first_round_of_seed_plus_r():
    two, alone = run(short("003a"), rounds=2, seed=5), run(short("003a"), rounds=1, seed=6)
    torch.testing.assert_close(weights(alone)[0], weights(two)[1])
    assert alone.test_error.values == two.test_error.values[1:]
    assert torch.equal(alone.rounds[0].test.inputs, two.rounds[1].test.inputs)


def test_running_leaves_torch_s_generator_alone():
    state = torch.get_rng_state()
    run(short("003b", epochs=1))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", ["003a", "002", "000"])  # targets 0 and 1, one column a class, −1 and 1
def test_errors_are_read_as_the_targets_code_them(name):
    result = run(short(name), rounds=2)
    for round, measured in zip(result.rounds, result.test_error.values, strict=True):
        by = round.parts.statistics
        raw = round.test.inputs if by is None else round.test.inputs * by.std + by.mean
        distance = (raw - 0.5).square().sum(1)
        clear = (distance - 1 / (2 * torch.pi)).abs() > 1e-5
        assert torch.equal(round.true()[clear], (distance < 1 / (2 * torch.pi))[clear])
        assert (round.predicted(raw) != round.true()).float().mean().item() == pytest.approx(measured, abs=2e-3)
        assert measured == cn.error_rate(round.model, round.test) == round.history[-1].valid["error_rate"]
    assert result.train_error.values == tuple(round.history[-1].train["error_rate"] for round in result.rounds)
    assert result.seconds.values == tuple(round.history.seconds for round in result.rounds)


@pytest.mark.parametrize(("recipe", "normalized"), [("reported", False), ("better", True)])
def test_train_and_test_points_are_apart_and_normalised_by_the_training_points(recipe, normalized, monkeypatch):
    trains = []
    plain = cn.data.Dataset.order

    def spy(self, *args):
        if self not in trains:
            trains.append(self)
        return plain(self, *args)

    monkeypatch.setattr(cn.data.Dataset, "order", spy)
    result = run(short("003a", epochs=1), recipe, rounds=3, seed=4)

    points = [data.inputs for data in trains] + [round.test.inputs for round in result.rounds]
    assert [len(each) for each in points] == [1000] * 6
    assert len({tuple(each[0].tolist()) for each in points}) == 6
    for train, round in zip(trains, result.rounds, strict=True):
        assert (round.parts.statistics is not None) is normalized
        if normalized:
            torch.testing.assert_close(train.inputs.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
            assert round.test.inputs.mean(0).abs().min() > 1e-4
        else:
            assert 0 <= train.inputs.min() < train.inputs.max() < 1


def test_the_output_is_that_of_raw_points():
    round = run(short("003a", epochs=1)).rounds[0]
    points = torch.rand(5, 2)
    by = round.parts.statistics
    assert_same(round.output(points), cn.predict(round.model, (points - by.mean) / by.std))


def test_the_recipe_is_chosen_by_name():
    each = short("003a", epochs=1)
    assert run(each).recipe == "better"
    assert run(each, "reported").rounds[0].parts.statistics is None
    with pytest.raises(cn.ConfigError, match="recipe must be 'reported' or 'better', not 'best'") as caught:
        run(each, "best")
    assert caught.value.name == "recipe"


@pytest.mark.parametrize("rounds", [0, -1])
def test_there_is_at_least_one_round(rounds):
    with pytest.raises(cn.ConfigError, match=f"rounds must be an integer ≥ 1, not {rounds}"):
        run(short("003a"), rounds=rounds)


def test_epochs_batches_and_the_optimizer_are_those_of_the_recipe():
    history = run(short("003a", epochs=3, batch_size=300)).rounds[0].history
    assert [epoch.lr for epoch in history] == [0.1 / (1 + steps * 5e-3) for steps in (0, 4, 8)]


def test_a_figure_over_rounds():
    figure = Measured((0.1, 0.2, 0.6))
    assert (figure.mean, figure.std) == (pytest.approx(0.3), pytest.approx(0.07**0.5))
    assert str(figure) == "0.300 ± 0.265"
    assert (Measured((0.25,)).std, str(Measured((0.25,)))) == (0.0, "0.250")


def result(reported, train, test):
    each = replace(experiment("003a"), reported=reported)
    figures = {"train_error": Measured(train), "test_error": Measured(test), "seconds": Measured((1.0, 3.0))}
    return ExperimentResult(each, "better", run(short("003a", epochs=1)).rounds, figures)


@pytest.mark.parametrize(
    ("reported", "met"),
    [
        ({}, None),
        ({"test_error": 0.2}, True),
        ({"test_error": 0.3}, True),
        ({"test_error": 0.1999}, False),
        ({"train_error": 0.05, "test_error": 0.3}, False),
        ({"train_error": 0.1, "test_error": 0.2}, True),
        ({"train_error": 0.1, "test_error": 0.1}, False),
    ],
)
def test_a_report_is_met_where_every_figure_is_in_the_mean(reported, met):
    assert result(reported, train=(0.1, 0.1), test=(0.1, 0.3)).met is met


def test_a_result_is_plain_values():
    assert result({"test_error": 0.2}, train=(0.1, 0.1), test=(0.1, 0.3)).to_dict() == {
        "experiment": "003a",
        "recipe": "better",
        "components": [
            {"kind": kind, "name": f"corenet:{name}", "version": cn.__version__}
            for kind, name in [
                ("module", "linear"),
                ("module", "relu"),
                ("loss", "mse"),
                ("optimizer", "sgd"),
            ]
        ],
        "reported": {"test_error": 0.2},
        "measured": {
            "train_error": {"mean": 0.1, "std": 0.0, "rounds": [0.1, 0.1]},
            "test_error": {"mean": 0.2, "std": pytest.approx(0.02**0.5), "rounds": [0.1, 0.3]},
            "seconds": {"mean": 2.0, "std": pytest.approx(2**0.5), "rounds": [1.0, 3.0]},
        },
        "met": True,
    }


def test_003a_meets_its_report():
    done = run(experiment("003a"))
    assert done.met
    assert done.train_error.mean <= 0.032
    assert done.test_error.mean <= 0.042
    assert done.rounds[0].history[-1].loss < done.rounds[0].history[0].loss / 5
