"""LARS and LAMB by their formulas, number by number.

Y. You, I. Gitman and B. Ginsburg, "Large batch training of convolutional networks", 2017, algorithm 1; Y. You et al.,
"Large batch optimization for deep learning: training BERT in 76 minutes", ICLR 2020, algorithm 2.
"""

import math

import corenet as cn
import pytest
import torch

from corenet_optim import LAMB, LARS


def norm(numbers):
    return math.sqrt(sum(each * each for each in numbers))


def layers(tensors):
    return [each.reshape(-1).tolist() for each in tensors]


def lars(paths, lr=0.1, momentum=0.9, weight_decay=0.0, trust_coefficient=1e-3, eps=1e-8):
    weights, found = layers(paths.drawn(0)), []
    velocities = [[0.0] * len(layer) for layer in weights]
    for step in paths.steps:
        for w, v, g in zip(weights, velocities, layers(paths.gradients(step)), strict=True):
            local = 1.0
            if norm(w) and norm(g):
                local = trust_coefficient * norm(w) / (norm(g) + weight_decay * norm(w) + eps)
            for i in range(len(w)):
                v[i] = momentum * v[i] + lr * local * (g[i] + weight_decay * w[i])
            for i in range(len(w)):
                w[i] -= v[i]
        found.append(sum(weights, []))
    return torch.tensor(found, dtype=torch.float64)


def lamb(paths, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.01):
    (beta1, beta2), weights, found = betas, layers(paths.drawn(0)), []
    means, squares = ([[0.0] * len(layer) for layer in weights] for _ in range(2))
    for step in paths.steps:
        for w, m, s, g in zip(weights, means, squares, layers(paths.gradients(step)), strict=True):
            r = []
            for i in range(len(w)):
                m[i] = beta1 * m[i] + (1 - beta1) * g[i]
                s[i] = beta2 * s[i] + (1 - beta2) * g[i] ** 2
                first, second = m[i] / (1 - beta1 ** (step + 1)), s[i] / (1 - beta2 ** (step + 1))
                r.append(first / (math.sqrt(second) + eps) + weight_decay * w[i])
            ratio = norm(w) / norm(r) if norm(w) and norm(r) else 1.0
            for i in range(len(w)):
                w[i] -= lr * ratio * r[i]
        found.append(sum(weights, []))
    return torch.tensor(found, dtype=torch.float64)


def close(found, expected, tolerance=1e-12):
    torch.testing.assert_close(found.double(), expected, rtol=tolerance, atol=tolerance)
    assert (expected[-1] - expected[0]).abs().max() > 1e-3


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 2.0, "momentum": 0.0, "trust_coefficient": 0.01},
        {"lr": 0.7, "momentum": 0.6, "weight_decay": 0.3, "trust_coefficient": 0.02, "eps": 0.4},
    ],
)
def test_lars_is_the_papers(paths, options):
    close(paths.ours(lambda own: LARS(own, **options)), lars(paths, **options))


@pytest.mark.parametrize(
    "options",
    [{}, {"lr": 0.03, "betas": (0.55, 0.7), "weight_decay": 0.0}, {"lr": 0.02, "eps": 0.3, "weight_decay": 0.4}],
)
def test_lamb_is_the_papers(paths, options):
    close(paths.ours(lambda own: LAMB(own, **options)), lamb(paths, **options))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 6e-2)])
@pytest.mark.parametrize(("kind", "formula"), [(LARS, lars), (LAMB, lamb)])
def test_other_dtypes_follow(paths, kind, formula, dtype, tolerance):
    mine = paths.ours(lambda own: kind(own, lr=0.02, weight_decay=0.1), dtype)
    assert mine.dtype == dtype
    torch.testing.assert_close(mine.double(), formula(paths, lr=0.02, weight_decay=0.1), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("kind", "step"), [(LARS, 0.5 * 3.0), (LAMB, 0.5)])
def test_weights_that_are_all_zero_start_at_the_rate_itself(kind, step):
    weight = cn.Parameter(torch.zeros(4, dtype=torch.float64))
    optimizer = kind([weight], lr=0.5)
    weight.grad += 3.0
    optimizer.step()
    torch.testing.assert_close(weight, torch.full((4,), -step, dtype=torch.float64), rtol=1e-5, atol=0)


@pytest.mark.parametrize(("kind", "options"), [(LARS, {"trust_coefficient": 1.0}), (LAMB, {"weight_decay": 0.0})])
def test_a_norm_beyond_float16_is_none_of_infinity(kind, options):
    weight = cn.Parameter(torch.full((100,), 8000.0, dtype=torch.float16))  # of a norm of 80000, the largest is 65504
    optimizer = kind([weight], lr=0.25, **options)
    weight.grad += 2.0
    optimizer.step()
    torch.testing.assert_close(weight, torch.full((100,), 6000.0, dtype=torch.float16))


@pytest.mark.parametrize("kind", [LARS, LAMB])
def test_each_parameter_has_a_rate_of_its_own(paths, kind):
    def moved(scale):
        weights = [cn.Parameter(each * scale) for each in paths.drawn(0)]
        optimizer = kind(weights, lr=0.01, weight_decay=0.0)
        before = [each.clone() for each in weights]
        for weight, grad in zip(weights, paths.drawn(7), strict=True):
            weight.grad = grad
        optimizer.step()
        return [(now - then) / scale for now, then in zip(weights, before, strict=True)]

    torch.testing.assert_close(moved(1.0), moved(8.0))


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (LARS, {"momentum": -0.1}, r"^LARS: momentum must be a finite number ≥ 0, not -0\.1$"),
        (LARS, {"trust_coefficient": math.nan}, r"^LARS: trust_coefficient must be a finite number ≥ 0, not nan$"),
        (LARS, {"eps": "0"}, r"^LARS: eps must be a finite number ≥ 0, not '0'$"),
        (LAMB, {"betas": (1, 0.9)}, r"^LAMB: betas must be two numbers in \[0, 1\), not \(1, 0\.9\)$"),
        (LAMB, {"eps": -1e-6}, r"^LAMB: eps must be a finite number ≥ 0, not -1e-06$"),
        (LAMB, {"weight_decay": math.inf}, r"^LAMB: weight_decay must be a finite number ≥ 0, not inf$"),
    ],
)
def test_a_hyper_parameter_out_of_its_range_is_refused(kind, options, message):
    with pytest.raises(cn.ConfigError, match=message):
        kind([cn.Parameter(torch.ones(2))], **options)
