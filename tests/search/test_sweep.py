"""A search: it selects by the part that is looked at, goes on where it was, and shares its trials with others."""

import json
from dataclasses import replace

import pytest

pytest.importorskip("optuna")

from optuna.trial import TrialState

import corenet as cn
from corenet.experiments import experiment
from corenet.search import results
from corenet.search.space import space
from corenet.search.sweep import sweep
from corenet.search.trial import Objective


def test_the_best_trial_is_the_experiment_that_is_written(search, tmp_path):
    asked = search(params=["optimizer.lr=log:1e-4:1e-1", "batch_size=10,20"])
    sweep(asked)
    study = asked.study()
    best = results.best_first(study)
    assert [trial.value for trial in best] == sorted(trial.value for trial in study.get_trials() if trial.value)
    results.write(asked, study, tmp_path)
    again = experiment(str(tmp_path / "best.toml"))
    assert again.recipe.optimizer["lr"] == best[0].params["optimizer.lr"]
    assert again.recipe.batch_size == json.loads(best[0].params["batch_size"])
    assert asked.objective.trained(again) == best[0].value
    rows = (tmp_path / "trials.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "trial,state,loss,optimizer.lr,batch_size,seconds"
    assert len(rows) == 7


def test_the_test_part_selects_nothing(search, tmp_path, monkeypatch):
    asked = search()
    chosen = asked.objective.experiment()
    before = asked.objective.trained(chosen)
    key, (parts,) = asked.objective._data
    asked.objective._data = (key, [replace(parts, test=None)])
    assert asked.objective.trained(chosen) == before


def test_it_goes_on_where_it_was(search, tmp_path):
    asked = search(trials=2)
    sweep(asked)
    first = [trial.params for trial in asked.study().get_trials()]
    sweep(replace(asked, trials=5))
    assert len(results.ended(asked.study())) == 5
    assert [trial.params for trial in asked.study().get_trials()][:2] == first
    sweep(replace(asked, trials=5))
    assert len(results.ended(asked.study())) == 5


def test_the_mean_of_the_rounds_counts(search, line):
    objective = search().objective
    objective.changes = ("rounds=2",)
    alone = [Objective(line, (f"seed={seed}",), objective.params, "loss") for seed in (0, 1)]
    values = [each.trained(each.experiment()) for each in alone]
    assert objective.trained(objective.experiment()) == pytest.approx(sum(values) / 2)


def test_what_is_not_finite_is_given_up_and_counts(search, tmp_path):
    asked = search(trials=2, params=["optimizer.lr=1e20:1e30"])
    sweep(asked)
    assert [trial.state for trial in results.ended(asked.study())] == [TrialState.PRUNED] * 2
    with pytest.raises(cn.DataError, match="no trial came to an end"):
        results.write(asked, asked.study(), tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"metric": "rmse"}, "another metric: it was 'loss', not 'rmse'"),
        ({"changes": ("epochs=9",)}, "another experiment: epochs was 8, not 9"),
        ({"params": space(["optimizer.lr=0:1.5"])}, "another space: optimizer.lr was"),
    ],
)
def test_a_search_of_something_else_is_refused(search, tmp_path, changed, message):
    asked = search(trials=1)
    sweep(asked)
    with pytest.raises(cn.ConfigError, match=message):
        replace(asked, objective=replace(asked.objective, **changed)).study()


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ("optimizer.rate=0:1.5", "rate"),
        ("optimiser.lr=0:1.5", "unknown entry 'optimiser'"),
        ("optimizer.lr=-1:1.5", "lr must be at least 0"),
        ("loss.name=mse,msee", "msee"),
    ],
)
def test_what_cannot_be_tried_is_refused_before_the_search(search, param, message):
    asked = search(params=[param])
    with pytest.raises(cn.CorenetError, match=message):
        sweep(asked)
    assert not results.ended(asked.study())
