"""Adam and AdamW: PyTorch's numbers, in every setting, with groups, in each dtype."""

from itertools import product

import pytest
import torch

import corenet as cn

STEPS = 50
PAIRS = [(cn.Adam, torch.optim.Adam), (cn.AdamW, torch.optim.AdamW)]
SETTINGS = [
    {"betas": betas, "eps": eps, "weight_decay": decay, "amsgrad": amsgrad, "maximize": maximize}
    for betas, eps, decay, amsgrad, maximize in product(
        ((0.9, 0.999), (0.55, 0.7)), (1e-8, 0.03), (0.0, 0.3), (False, True), (False, True)
    )
]
SHAPES = (3, 2), (5,), (1, 3), ()


def drawn(seed, dtype):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for shape in SHAPES]


def trajectory(weights, make, steps=STEPS):
    """Return the weights after each step, by gradients of which some are a hundred times as large as others."""
    optimizer, found = make(weights), []
    for step in range(steps):
        for weight, grad in zip(weights, drawn(100 + step, weights[0].dtype), strict=True):
            weight.grad = grad * (0.05 if step % 3 else 5.0)
        optimizer.step()
        found.append(torch.cat([weight.detach().reshape(-1) for weight in weights]))
    return torch.stack(found)


def both(pair, dtype, **options):
    """Return the trajectories of ours and of torch's, which takes its plainest way."""
    ours, theirs = pair
    mine = trajectory([cn.Parameter(each) for each in drawn(0, dtype)], lambda own: ours(own, **options))
    leaves = [torch.nn.Parameter(each) for each in drawn(0, dtype)]
    return mine, trajectory(leaves, lambda own: theirs(own, **options, foreach=False))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].__name__)
@pytest.mark.parametrize("options", SETTINGS)
def test_the_trajectory_is_pytorchs(pair, options):
    mine, theirs = both(pair, torch.float64, lr=0.03, **options)
    torch.testing.assert_close(mine, theirs, rtol=1e-13, atol=1e-14)
    assert (mine[-1] - mine[0]).abs().min() > 1e-3


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].__name__)
def test_the_defaults_are_pytorchs(pair):
    mine, theirs = both(pair, torch.float64)
    torch.testing.assert_close(mine, theirs, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].__name__)
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 2e-6), (torch.bfloat16, 2e-2)])
def test_other_dtypes_are_pytorchs(pair, dtype, rtol):
    mine, theirs = both(pair, dtype, lr=0.03, weight_decay=0.1, amsgrad=True)
    assert mine.dtype == dtype
    torch.testing.assert_close(mine, theirs, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].__name__)
def test_groups_are_pytorchs(pair):
    def grouped(kind, **options):
        def make(weights):
            own = {"lr": 0.2, "betas": (0.6, 0.8), "weight_decay": 0.7, "eps": 0.01, "amsgrad": True}
            groups = [{"params": weights[:2]}, {"params": [weights[2]], **own}, {"params": [weights[3]], "lr": 0.5}]
            return kind(groups, lr=0.03, **options)

        return make

    mine = trajectory([cn.Parameter(each) for each in drawn(0, torch.float64)], grouped(pair[0]))
    leaves = [torch.nn.Parameter(each) for each in drawn(0, torch.float64)]
    theirs = trajectory(leaves, grouped(pair[1], foreach=False))
    torch.testing.assert_close(mine, theirs, rtol=1e-13, atol=1e-14)


def test_weight_decay_passes_by_the_means_of_adamw_alone():
    weights = [cn.Parameter(torch.tensor([2.0, -3.0])) for _ in range(2)]
    coupled, decoupled = cn.Adam(weights[:1], lr=0.1, weight_decay=0.5), cn.AdamW(weights[1:], lr=0.1, weight_decay=0.5)
    for optimizer in (coupled, decoupled):
        optimizer.step()
    torch.testing.assert_close(weights[0], torch.tensor([1.9, -2.9]))  # a whole step, whatever the gradient
    torch.testing.assert_close(weights[1], torch.tensor([2.0, -3.0]) * 0.95)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"lr": -0.1}, "lr"),
        ({"betas": (0.9, 1.0)}, "betas"),
        ({"betas": (-0.1, 0.9)}, r"betas\[0\]"),
        ({"betas": (0.9, float("nan"))}, r"betas\[1\]"),
        ({"betas": 0.9}, "betas"),
        ({"betas": (0.9, 0.99, 0.999)}, "betas"),
        ({"eps": -1e-8}, "eps"),
        ({"weight_decay": float("inf")}, "weight_decay"),
        ({"max_grad_norm": 0.0}, "max_grad_norm"),
        ({"schedule": 0.5}, "schedule"),
    ],
)
@pytest.mark.parametrize("kind", [cn.Adam, cn.AdamW])
def test_a_hyper_parameter_out_of_its_range_is_refused(kind, options, named):
    with pytest.raises(cn.ConfigError, match=named):
        kind([cn.Parameter(torch.ones(2))], **options)
