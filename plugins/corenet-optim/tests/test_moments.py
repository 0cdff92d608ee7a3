import math

import corenet as cn
import pytest
import torch

from corenet_optim import Adamax, NAdam, RAdam

KINDS = Adamax, NAdam, RAdam
each = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
maximizing = pytest.mark.parametrize("maximize", [False, True])
decaying = pytest.mark.parametrize("weight_decay", [0.0, 0.3])
decoupled = pytest.mark.parametrize("decoupled_weight_decay", [False, True])
with_betas = pytest.mark.parametrize("betas", [(0.9, 0.999), (0.55, 0.7), (0.0, 0.0)])
with_eps = pytest.mark.parametrize("eps", [1e-8, 0.03])


@each
def test_the_defaults_are_pytorchs(agrees, kind):
    agrees(kind)


@maximizing
@decaying
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.55, 0.7), (0.0, 0.3)])
@with_eps
def test_adamax_is_pytorchs(agrees, maximize, weight_decay, betas, eps):
    agrees(Adamax, lr=0.03, maximize=maximize, weight_decay=weight_decay, betas=betas, eps=eps)


@maximizing
@decaying
@decoupled
@with_betas
@with_eps
@pytest.mark.parametrize("momentum_decay", [0.0, 4e-3, 0.5])
def test_nadam_is_pytorchs(agrees, maximize, weight_decay, decoupled_weight_decay, betas, eps, momentum_decay):
    options = {"decoupled_weight_decay": decoupled_weight_decay, "momentum_decay": momentum_decay}
    agrees(NAdam, lr=0.03, maximize=maximize, weight_decay=weight_decay, betas=betas, eps=eps, **options)


@maximizing
@decaying
@decoupled
@with_betas
@with_eps
def test_radam_is_pytorchs_before_and_after_it_is_rectified(
    agrees, maximize, weight_decay, decoupled_weight_decay, betas, eps
):
    options = {"decoupled_weight_decay": decoupled_weight_decay, "betas": betas, "eps": eps}
    agrees(RAdam, lr=0.01, maximize=maximize, weight_decay=weight_decay, **options)


@each
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 3e-2)])
def test_other_dtypes_are_pytorchs(agrees, kind, dtype, tolerance):
    agrees(kind, dtype=dtype, tolerance=tolerance, lr=0.02, weight_decay=0.1)


@each
def test_groups_are_pytorchs(agrees, kind):
    def grouped(weights):
        own = {"lr": 0.2, "betas": (0.6, 0.8), "weight_decay": 0.7, "eps": 0.01}
        own |= {} if kind is Adamax else {"decoupled_weight_decay": True}
        own |= {"momentum_decay": 0.1} if kind is NAdam else {}
        return [{"params": weights[:2]}, {"params": [weights[2]], **own}, {"params": [weights[3]], "lr": 0.5}]

    agrees(kind, grouped=grouped, lr=0.03)


def test_a_parameter_that_was_frozen_for_a_while_goes_on_from_its_own_momentum():
    model = cn.Linear(2, 3, dtype=torch.float64)
    optimizer = NAdam(model.parameters(), lr=0.1)
    optimizer.step()
    product = optimizer.state_dict()["states"][0]["momentum_product"].clone()
    model.freeze()
    optimizer.layout.refresh()
    model.unfreeze()
    optimizer.step()
    after = optimizer.state_dict()["states"][0]["momentum_product"]
    torch.testing.assert_close(after, product * optimizer.momentum(1))
    assert 0 < after < product < 1


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (Adamax, {"betas": (0.9, 1.0)}, r"^Adamax: betas must be two numbers in \[0, 1\), not \(0\.9, 1\.0\)$"),
        (NAdam, {"betas": (-0.1, 0.9)}, r"^NAdam: betas must be two numbers in \[0, 1\), not \(-0\.1, 0\.9\)$"),
        (RAdam, {"betas": 0.9}, r"^RAdam: betas must be two numbers in \[0, 1\), not 0\.9$"),
        (RAdam, {"betas": (0.9, math.nan)}, r"^RAdam: betas must be two numbers in \[0, 1\), not \(0\.9, nan\)$"),
        (NAdam, {"momentum_decay": -0.2}, r"^NAdam: momentum_decay must be a finite number ≥ 0, not -0\.2$"),
        (Adamax, {"eps": -1}, r"^Adamax: eps must be a finite number ≥ 0, not -1$"),
        (RAdam, {"weight_decay": math.inf}, r"^RAdam: weight_decay must be a finite number ≥ 0, not inf$"),
        (NAdam, {"schedule": 0.5}, r"schedule"),
    ],
)
def test_a_hyper_parameter_out_of_its_range_is_refused(kind, options, message):
    with pytest.raises(cn.ConfigError, match=message):
        kind([cn.Parameter(torch.ones(2))], **options)
