"""Lion by its formula, number by number.

X. Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, algorithm 2.
"""

import math

import corenet as cn
import pytest
import torch

from corenet_optim import Lion


def by_the_formula(paths, lr, betas, weight_decay):
    beta1, beta2 = betas
    weights = torch.cat([each.reshape(-1) for each in paths.drawn(0)]).tolist()
    means, found = [0.0] * len(weights), []
    for step in paths.steps:
        for i, g in enumerate(torch.cat([each.reshape(-1) for each in paths.gradients(step)]).tolist()):
            c = beta1 * means[i] + (1 - beta1) * g
            sign = (c > 0) - (c < 0)
            weights[i] -= lr * (sign + weight_decay * weights[i])
            means[i] = beta2 * means[i] + (1 - beta2) * g
        found.append(list(weights))
    return torch.tensor(found, dtype=torch.float64)


@pytest.mark.parametrize("betas", [(0.9, 0.99), (0.3, 0.6), (0.0, 0.5)])
@pytest.mark.parametrize("weight_decay", [0.0, 0.7])
def test_the_trajectory_is_that_of_the_formula(paths, betas, weight_decay):
    mine = paths.ours(lambda own: Lion(own, lr=0.03, betas=betas, weight_decay=weight_decay))
    torch.testing.assert_close(mine, by_the_formula(paths, 0.03, betas, weight_decay), rtol=1e-12, atol=1e-12)


def test_the_defaults_are_the_papers(paths):
    torch.testing.assert_close(paths.ours(Lion), by_the_formula(paths, 1e-4, (0.9, 0.99), 0.0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)])
def test_other_dtypes_follow(paths, dtype, tolerance):
    mine = paths.ours(lambda own: Lion(own, lr=0.01, weight_decay=0.1), dtype)
    assert mine.dtype == dtype
    expected = by_the_formula(paths, 0.01, (0.9, 0.99), 0.1)
    first = slice(4) if dtype is torch.bfloat16 else slice(None)  # a sign that rounding turns makes two trajectories
    torch.testing.assert_close(mine.double()[first], expected[first], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"betas": (0.9, 0.99, 0.999)}, r"^Lion: betas must be two numbers in \[0, 1\), not \(0\.9, 0\.99, 0\.999\)$"),
        ({"weight_decay": -1}, r"^Lion: weight_decay must be a finite number ≥ 0, not -1$"),
        ({"lr": math.nan}, r"^lr must be a finite number, not nan$"),
    ],
)
def test_a_hyper_parameter_out_of_its_range_is_refused(options, message):
    with pytest.raises(cn.ConfigError, match=message):
        Lion([cn.Parameter(torch.ones(2))], **options)
