"""The toy sets: balanced, seeded, and of the shape they are named after."""

import math

import pytest
import torch

import corenet as cn
from corenet.tables.toys import TOYS, bumps, circles, moons, sine, spirals, xor

CLASSES = [moons, circles, spirals, xor]


@pytest.mark.parametrize("toy", TOYS.values(), ids=TOYS)
def test_the_seed_decides_and_torchs_generator_is_left_alone(toy):
    state = torch.get_rng_state()
    first, again, other = toy(51, seed=3), toy(51, seed=3), toy(51, seed=4)
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.targets, again.targets)
    assert not torch.equal(first.inputs, other.inputs)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.targets.shape == (51, 1)


@pytest.mark.parametrize("toy", CLASSES, ids=lambda toy: toy.__name__)
def test_classes_are_balanced(toy):
    targets = toy(1000, seed=0).targets
    assert set(targets[:, 0].tolist()) == {0.0, 1.0}
    assert 0.45 < targets.mean().item() < 0.55


def test_circles_have_their_radii():
    data = circles(200, seed=1, noise=0.0)
    torch.testing.assert_close(data.inputs.norm(dim=1), 1 - 0.5 * data.targets[:, 0])


def test_moons_lie_on_their_half_circles():
    data = moons(200, seed=1, noise=0.0)
    centre = torch.where(data.targets == 0, torch.tensor([0.0, 0.0]), torch.tensor([1.0, 0.5]))
    torch.testing.assert_close((data.inputs - centre).norm(dim=1), torch.ones(200))
    assert ((data.inputs - centre)[:, 1] * (1 - 2 * data.targets[:, 0]) >= -1e-6).all()


def test_a_spiral_turns_with_its_radius():
    data = spirals(200, seed=1, noise=0.0)
    radius = data.inputs.norm(dim=1)
    angle = 3 * math.pi * radius + math.pi * data.targets[:, 0]
    expected = torch.stack([angle.cos(), angle.sin()], 1) * radius[:, None]
    torch.testing.assert_close(data.inputs, expected, rtol=1e-4, atol=1e-5)


def test_xor_is_of_the_signs():
    data = xor(300, seed=2)
    assert torch.equal((data.inputs[:, 0] > 0) ^ (data.inputs[:, 1] > 0), data.targets[:, 0].bool())


def test_curves_are_their_formulas():
    x = sine(100, seed=2, noise=0.0)
    torch.testing.assert_close(x.targets, torch.sin(2 * math.pi * x.inputs))
    b = bumps(100, seed=2, noise=0.0)
    torch.testing.assert_close(
        b.targets, torch.exp(-40 * (b.inputs - 0.5) ** 2) - torch.exp(-10 * (b.inputs + 0.5) ** 2)
    )


def test_noise_has_its_size():
    noise = sine(5000, seed=3, noise=0.3).targets - sine(5000, seed=3, noise=0.0).targets
    assert noise.std().item() == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("name", TOYS)
def test_a_toy_is_a_table_by_its_name(name):
    table, data = cn.table(name), TOYS[name](1000, seed=0)
    assert len(table) == 1000
    torch.testing.assert_close(table.dataset().inputs, data.normalized().inputs, rtol=1e-4, atol=1e-5)
    if name in ("sine", "bumps"):
        assert table.coding.out_features == 1
    else:
        assert table.dataset().targets.tolist() == data.targets[:, 0].tolist()
