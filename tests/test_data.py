"""Data sets, their batches, and the disk."""

import math

import pytest
import torch

import corenet as cn
from corenet.data import DISK_RADIUS, Dataset, disk


def numbered(count=10):
    """Return a data set whose inputs and targets tell which point they are."""
    return Dataset(torch.arange(float(count)).reshape(-1, 1), torch.arange(count))


def order(data, *args, **options):
    return torch.cat([targets for _, targets in data.batches(*args, **options)]).tolist()


def test_without_a_seed_batches_come_in_stored_order_the_last_one_smaller():
    batches = list(numbered().batches(4))
    assert [inputs.shape for inputs, _ in batches] == [(4, 1), (4, 1), (2, 1)]
    assert order(numbered(), 4) == list(range(10))
    assert order(numbered(), 4, epoch=5) == list(range(10))


@pytest.mark.parametrize("batch_size", [1, 3, 5, 10, 11])
def test_each_point_comes_once_beside_its_own_target(batch_size):
    batches = list(numbered().batches(batch_size, seed=1))
    for inputs, targets in batches:
        assert inputs[:, 0].tolist() == targets.tolist()
    assert sorted(torch.cat([targets for _, targets in batches]).tolist()) == list(range(10))
    assert [len(inputs) for inputs, _ in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert len(batches) == math.ceil(10 / batch_size)


def test_seed_and_epoch_give_the_order_and_nothing_else_does():
    data = numbered(50)
    orders = {(seed, epoch): tuple(order(data, 7, seed, epoch)) for seed in range(5) for epoch in range(5)}
    assert len(set(orders.values())) == 25  # seed 1 epoch 0 is not seed 0 epoch 1, either
    assert tuple(range(50)) not in orders.values()
    torch.manual_seed(5)
    assert orders[2, 3] == tuple(order(data, 50, seed=2, epoch=3))


@pytest.mark.parametrize("seed", [2**32, 2**32 + 1, 2**64 + 1, -1])
def test_large_and_negative_seeds_are_seeds_of_their_own(seed):
    orders = [order(numbered(50), 50, each) for each in (0, 1, 2**32 - 1)]
    assert order(numbered(50), 50, seed) not in orders
    assert order(numbered(50), 50, seed) == order(numbered(50), 50, seed)


def test_batches_draw_from_a_generator_of_their_own():
    state = torch.get_rng_state()
    order(numbered(), 3, seed=0)
    numbered().split(0.5)
    disk(5, seed=0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, True, None])
def test_a_batch_size_is_a_positive_integer(batch_size):
    with pytest.raises(cn.ConfigError, match=f"batch_size must be an integer ≥ 1, not {batch_size!r}"):
        numbered().batches(batch_size)  # at the call, before anything is drawn


def test_normalized_features_have_mean_0_and_deviation_1():
    data = Dataset(torch.tensor([[1.0, 10.0], [3.0, 30.0], [5.0, 80.0]]), torch.zeros(3, 1))
    normal = data.normalized()
    # √(8/3) and √(2600/3): the deviation of the population
    expected = torch.tensor([[-2 / math.sqrt(8 / 3), -30], [0, -10], [2 / math.sqrt(8 / 3), 40]])
    expected[:, 1] /= math.sqrt(2600 / 3)
    torch.testing.assert_close(normal.inputs, expected)
    assert torch.equal(normal.targets, data.targets)
    assert data.inputs[0].tolist() == [1.0, 10.0]  # the data itself stays


def test_statistics_are_reused_on_other_data():
    train, test = disk(100, seed=0), disk(100, seed=1)
    statistics = train.statistics()
    normal = test.normalized(statistics)
    torch.testing.assert_close(normal.inputs, (test.inputs - train.inputs.mean(0)) / train.inputs.std(0, correction=0))
    assert not torch.allclose(normal.inputs, test.normalized().inputs)
    torch.testing.assert_close(train.normalized(statistics).inputs, train.normalized().inputs)


@pytest.mark.parametrize("value", [0.0, 0.1, -123.456, 1e30])
@pytest.mark.parametrize("count", [1, 3, 1000])
def test_a_constant_feature_becomes_zero(value, count):
    data = Dataset(torch.full((count, 1), value), torch.zeros(count, 1))
    assert data.statistics().std.item() == 1
    assert data.normalized().inputs.abs().max() <= 1e-6 * abs(value)


def test_split_gives_every_point_to_one_of_two():
    first, second = numbered().split(0.7, seed=3)
    assert (len(first), len(second)) == (7, 3)
    assert sorted([*first.targets.tolist(), *second.targets.tolist()]) == list(range(10))
    assert first.inputs[:, 0].tolist() == first.targets.tolist()
    assert first.targets.tolist() == numbered().split(0.7, seed=3)[0].targets.tolist()
    assert sorted(first.targets.tolist()) != sorted(numbered().split(0.7, seed=4)[0].targets.tolist())
    assert sorted(first.targets.tolist()) != list(range(7))


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 1.5, 0.01, 0.99, float("nan")])
def test_split_leaves_no_part_empty(fraction):
    with pytest.raises(cn.ConfigError, match=f"split: a fraction of {fraction!r} of 10 points leaves one of"):
        numbered().split(fraction)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["inputs", "targets"])
def test_values_that_are_not_finite_are_refused(bad, name):
    tensors = {"inputs": torch.zeros(5, 2), "targets": torch.zeros(5, 2)}
    tensors[name][3, 1] = tensors[name][4, 0] = bad
    with pytest.raises(cn.DataError, match=f"{name} has 2 values that are .* not a number, the first in row 3"):
        Dataset(**tensors)


def test_no_data_is_refused():
    with pytest.raises(cn.DataError, match="needs at least one point, got none"):
        Dataset(torch.zeros(0, 2), torch.zeros(0, 1))


@pytest.mark.parametrize("targets", [(4, 1), (6, 1), ()])
def test_lengths_must_be_equal(targets):
    with pytest.raises(cn.ShapeError) as caught:
        Dataset(torch.zeros(5, 2), torch.zeros(targets))
    assert str(caught.value) == (
        f"Dataset got {targets}; expected targets as long as the inputs (5, 2), one row a point"
    )


def test_a_number_is_no_data_set():
    with pytest.raises(cn.ShapeError):
        Dataset(torch.tensor(1.0), torch.tensor(1.0))


def test_complex_inputs_are_refused():
    with pytest.raises(cn.DTypeError, match=r"real numbers, got torch.complex64 as inputs; use torch.view_as_real"):
        Dataset(torch.zeros(3, 2, dtype=torch.complex64), torch.zeros(3))


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.bool])
def test_inputs_may_be_indices_which_to_leaves_alone(dtype):
    data = Dataset(torch.tensor([[1, 0], [0, 1], [1, 1]], dtype=dtype), torch.zeros(3))
    moved = data.to(torch.float64)
    assert (moved.inputs.dtype, moved.targets.dtype) == (dtype, torch.float64)
    assert [inputs.tolist() for inputs, _ in data.batches(2)] == [[[1, 0], [0, 1]], [[1, 1]]]
    with pytest.raises(cn.DTypeError, match=rf"floating-point inputs have statistics, not {dtype}; use inputs.float"):
        data.normalized()


def test_several_inputs_and_targets_stay_beside_each_other():
    place = torch.arange(7)
    data = Dataset((place.float()[:, None], place), (place, 10.0 * place))
    for batches in (data.batches(3), data.batches(3, seed=1), data.split(0.5)[1].batches(3)):
        for (values, indices), (same, tens) in batches:
            assert values[:, 0].tolist() == indices.tolist() == same.tolist() == (tens / 10).tolist()
    (values, _), (_, tens) = data.shuffled(0, 0, 1)
    assert sorted(values[:7, 0].tolist()) == list(range(7))
    assert (10 * values[:, 0]).tolist() == tens.tolist()
    moved = data.to(torch.float64)
    assert [each.dtype for each in (*moved.inputs, *moved.targets)] == [
        torch.float64,
        torch.int64,
        torch.int64,
        torch.float64,
    ]
    assert (len(data), repr(data)) == (7, "Dataset(7 points, (1,), () → (), ())")
    with pytest.raises(cn.DTypeError, match="has 2 inputs; normalise each before"):
        data.statistics()


def test_one_of_several_is_named_where_it_is_wrong():
    good = torch.zeros(3, 1)
    with pytest.raises(cn.ShapeError, match=r"expected inputs\[1\] as long as the inputs \(3, 1\)"):
        Dataset((good, torch.zeros(2)), good)
    with pytest.raises(cn.ShapeError, match=r"expected targets\[1\] as long as"):
        Dataset(good, (good, torch.zeros(())))
    with pytest.raises(cn.DataError, match=r"targets\[1\] has 1 values that are infinite or not a number"):
        Dataset(good, (good, torch.tensor([0.0, math.nan, 1.0])))
    with pytest.raises(cn.DataError, match=r"at least one tensor of inputs, got \(\)"):
        Dataset((), good)
    with pytest.raises(cn.DTypeError, match=r"got list as inputs\[0\]"):
        Dataset(([1.0], good), good)


@pytest.mark.parametrize(("inputs", "targets"), [([[1.0]], torch.zeros(1)), (torch.zeros(1, 1), [0.0])])
def test_lists_are_refused(inputs, targets):
    with pytest.raises(cn.DTypeError, match=r"takes tensors, got list as (inputs|targets); use torch.as_tensor"):
        Dataset(inputs, targets)


def test_to_converts_inputs_and_floating_targets_only():
    data = numbered().to(dtype=torch.float64)
    assert (data.inputs.dtype, data.targets.dtype) == (torch.float64, torch.int64)
    assert disk(3, seed=0).to(device="cpu", dtype=torch.float64).targets.dtype == torch.float64
    assert disk(3, seed=0).to(torch.float64).inputs.dtype == torch.float64
    assert disk(3, seed=0).to("cpu", torch.float64).inputs.dtype == torch.float64
    with pytest.raises(cn.DTypeError):
        numbered().to(dtype=torch.int32)


def test_length_and_repr():
    data = Dataset(torch.zeros(5, 2, 3), torch.zeros(5))
    assert len(data) == 5
    assert repr(data) == "Dataset(5 points, (2, 3) → ())"


def test_the_disk_is_reproducible_and_each_seed_has_its_own():
    assert torch.equal(disk(100, seed=0).inputs, disk(100, seed=0).inputs)
    assert not torch.equal(disk(100, seed=0).inputs, disk(100, seed=1).inputs)
    torch.manual_seed(9)
    assert torch.equal(disk(2, seed=0).inputs, disk(2, seed=0).inputs)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_the_disk_has_the_default_dtype_and_the_same_points_in_each(dtype):
    expected = disk(50, seed=0)
    torch.set_default_dtype(dtype)
    try:
        data = disk(50, seed=0)
        model = cn.Sequential(cn.Linear(2, 1), cn.Sigmoid())
        cn.train_step(model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.1), data.inputs, data.targets)
    finally:
        torch.set_default_dtype(torch.float32)
    assert expected.inputs.dtype == expected.targets.dtype == torch.float32
    assert torch.equal(data.inputs, expected.inputs.to(dtype))
    assert torch.equal(data.targets, expected.targets.to(dtype))


def test_the_disk_is_a_disk():
    data = disk(5000, seed=2)
    assert (data.inputs.shape, data.targets.shape) == ((5000, 2), (5000, 1))
    assert data.inputs.dtype == data.targets.dtype == torch.float32
    assert data.inputs.min() >= 0
    assert data.inputs.max() < 1
    distance = (data.inputs.double() - 0.5).norm(dim=1)
    inside = data.targets[:, 0] == 1
    assert pytest.approx(0.398942, abs=1e-6) == DISK_RADIUS
    assert 0.39 < distance[inside].max() < 0.398943 < distance[~inside].min() < 0.408
    assert set(data.targets.unique().tolist()) == {0.0, 1.0}


def test_the_disk_is_half_of_the_square():
    assert math.pi * DISK_RADIUS**2 == pytest.approx(0.5)
    assert disk(20_000, seed=0).targets.mean().item() == pytest.approx(0.5, abs=0.01)
    torch.testing.assert_close(disk(20_000, seed=0).inputs.mean(0), torch.full((2,), 0.5), atol=0.01, rtol=0)


@pytest.mark.parametrize("n", [0, -3, 2.5, True])
def test_a_disk_has_points(n):
    with pytest.raises(cn.ConfigError, match=f"n must be an integer ≥ 1, not {n!r}"):
        disk(n, seed=0)


def test_the_disk_and_the_weights_of_one_seed_have_nothing_in_common():
    torch.manual_seed(0)
    drawn = torch.rand(1000, 2)
    assert (drawn - cn.data.disk(1000, seed=0).inputs).abs().max() > 0.5
