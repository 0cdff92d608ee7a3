"""The parts of a table: no row twice, each class in proportion, nothing of validation or test in the coding."""

import numpy as np
import pytest
import torch

import corenet as cn
from corenet.tables.split import stratified


def random_classes(seed):
    draw = np.random.default_rng(seed)
    counts = draw.integers(4, 60, size=draw.integers(1, 7))
    return draw.permutation(np.repeat(np.arange(len(counts)), counts))


@pytest.mark.parametrize("seed", range(30))
def test_each_row_is_in_one_part_and_each_class_in_proportion(seed):
    classes = random_classes(seed)
    parts = stratified(classes, 0.2, 0.3, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(classes)))
    assert [len(part) for part in parts[1:]] == [round(len(classes) * 0.2), round(len(classes) * 0.3)]
    for part, fraction in zip(parts, (0.5, 0.2, 0.3), strict=True):
        assert part.tolist() == sorted(part.tolist())
        for each in np.unique(classes):
            expected = fraction * (classes == each).sum()
            assert abs((classes[part] == each).sum() - expected) <= 1.6
    assert set(classes[parts[0]]) == set(classes)


def test_a_class_of_two_rows_is_in_training():
    classes = np.array([0, 0, *[1] * 20])
    for seed in range(200):
        assert 0 in classes[stratified(classes, 0.4, 0.4, seed)[0]]


def test_the_seed_decides_and_nothing_else_does():
    classes = np.arange(60) % 3
    state = torch.get_rng_state()
    splits = {seed: tuple(map(tuple, stratified(classes, 0.2, 0.2, seed))) for seed in range(20)}
    assert len(set(splits.values())) == 20
    torch.manual_seed(5)
    assert splits[3] == tuple(map(tuple, stratified(classes, 0.2, 0.2, 3)))
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)


def test_every_row_is_tested_under_some_seed():
    tested = {row for seed in range(60) for row in stratified(np.zeros(30, int), 0.2, 0.2, seed)[2].tolist()}
    assert tested == set(range(30))


@pytest.mark.parametrize("seed", [0, 7])
def test_the_coding_is_of_the_training_part_alone(seed):
    draw = np.random.default_rng(seed)
    values = draw.normal(5, 3, size=50)
    city = np.array(["common"] * 48 + ["rare", "other"])
    table = cn.table({"x": values, "row": draw.permutation(50), "city": city}, draw.normal(size=50))
    train, valid, test = table.split(seed=seed)
    rows = [torch.cat([part.inputs[:, 1] for part in (each,)]) for each in (train, valid, test)]
    whole = table.dataset()
    places = [[whole.inputs[:, 1].tolist().index(row) for row in part.tolist()] for part in rows]
    assert table.coding.columns[0].mean == pytest.approx(values[places[0]].mean())
    assert table.coding.columns[0].std == pytest.approx(values[places[0]].std())
    assert set(table.coding.columns[2].values) == set(city[places[0]])
    expected = (values[places[2]] - values[places[0]].mean()) / values[places[0]].std()
    np.testing.assert_allclose(test.inputs[:, 0], expected, rtol=1e-4, atol=1e-6)
    assert train.inputs[:, 0].mean().abs() < 1e-6
    assert train.targets.mean().abs() < 1e-6
    assert (len(train), len(valid), len(test)) == (30, 10, 10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"valid": -0.1}, r"valid=-0\.1 of 40 rows is no part"),
        ({"test": 0.01}, r"test=0\.01 of 40 rows is no part"),
        ({"test": 1}, "test=1 of 40 rows"),
        ({"valid": 0.6, "test": 0.38}, "leave too few to train on"),
        ({"seed": 0.5}, "seed must be an integer"),
    ],
)
def test_fractions_that_cannot_be_are_refused(options, message):
    table = cn.table({"x": np.sqrt(np.arange(40)), "y": np.arange(40) % 4}, "y")
    before = table.coding
    with pytest.raises(cn.ConfigError, match=message):
        table.split(**options)
    assert table.coding is before


@pytest.mark.parametrize("nothing", [0, 0.0])
def test_a_fraction_of_nothing_leaves_the_part_empty_and_the_others_as_they_are(nothing):
    train, valid, test = stratified(np.arange(40) % 3, nothing, 0.25, seed=1)
    assert (len(train), len(valid), len(test)) == (30, 0, 10)
    assert sorted([*train, *test]) == list(range(40))
