"""The smaller last batch and what is measured after epochs are taken over by a later training on the same data."""

import pytest
import torch

import corenet as cn
from corenet.training.engines import whole_epochs

pytestmark = pytest.mark.usefixtures("needs_compiler")


def points(count, seed):
    data = cn.data.disk(count, seed=seed)
    return cn.data.Dataset(data.inputs.double(), data.targets.double())


@pytest.fixture
def evaluations(monkeypatch):
    """The evaluations that were recorded."""
    found, log = [], whole_epochs.log_evaluation

    def logged(*arguments):
        found.append(arguments)
        return log(*arguments)

    monkeypatch.setattr(whole_epochs, "log_evaluation", logged)
    return found


@pytest.fixture
def alike(build, everything):
    """Train by both engines, demand the same numbers of both, and return the engine's history."""

    def train(seed, data, valid, **settings):
        left = []
        for engine in ("plain", "compiled"):
            torch.manual_seed(seed)
            model, loss, optimizer = build(**settings)(0)
            options = {"valid": valid, "epochs": 14, "batch_size": 8, "engine": engine, "progress": False}
            history = cn.fit(model, loss, optimizer, data, seed=seed, **options)
            assert history.engine == engine
            left.append([*everything(model, optimizer), [(each.loss, each.train, each.valid) for each in history]])
        torch.testing.assert_close(left[1], left[0], rtol=1e-9, atol=1e-10)

    return train


def test_the_second_training_records_nothing(alike, made, evaluations):
    data, valid = points(43, 0), points(30, 1)
    for seed in range(3):
        alike(seed, data, valid)
    assert (made.count("recording"), len(evaluations)) == (2, 1)


def test_other_data_are_measured_on_anew(alike, made, evaluations):
    data = points(43, 0)
    for seed in range(3):
        alike(seed, data, points(30, seed))
    assert (made.count("recording"), len(evaluations)) == (2, 3)


def test_data_that_were_changed_are_measured_on_anew(alike, evaluations):
    data, valid = points(43, 0), points(30, 1)
    alike(0, data, valid)
    valid.targets[:9] = 1 - valid.targets[:9]
    alike(1, data, valid)
    assert len(evaluations) == 2


def test_data_that_were_changed_unseen_are_found_out_and_measured_on_anew(alike, evaluations):
    data, valid = points(43, 0), points(30, 1)
    numbers = valid.targets.numpy()
    alike(0, data, valid)
    numbers[:9] = 1 - numbers[:9]
    for seed in (1, 2):
        alike(seed, data, valid)
        assert len(evaluations) == 2, "in the very training that finds it out"


def test_another_structure_is_measured_on_anew(alike, evaluations):
    data, valid = points(43, 0), points(30, 1)
    alike(0, data, valid)
    alike(1, data, valid, momentum=0.5)
    alike(2, data, valid, tied=(0,))
    assert len(evaluations) == 3


def test_a_large_evaluation_is_not_kept(alike, evaluations, monkeypatch):
    monkeypatch.setattr("corenet.training.engines.cpu.reuse.EVALUATION_BYTES", 1000)
    data, valid = points(43, 0), points(30, 1)
    for seed in range(2):
        alike(seed, data, valid)
    assert len(evaluations) == 2
