import math

import corenet as cn
import pytest
import torch

from corenet_optim import Adadelta, Adagrad, RMSprop

KINDS = Adagrad, Adadelta, RMSprop
each = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
common = pytest.mark.parametrize("maximize", [False, True])
decaying = pytest.mark.parametrize("weight_decay", [0.0, 0.3])


@each
def test_the_defaults_are_pytorchs(agrees, kind):
    agrees(kind)


@common
@decaying
@pytest.mark.parametrize("lr_decay", [0.0, 0.07])
@pytest.mark.parametrize("initial_accumulator_value", [0.0, 0.4])
@pytest.mark.parametrize("eps", [1e-10, 0.03])
def test_adagrad_is_pytorchs(agrees, maximize, weight_decay, lr_decay, initial_accumulator_value, eps):
    options = {"lr_decay": lr_decay, "initial_accumulator_value": initial_accumulator_value, "eps": eps}
    agrees(Adagrad, lr=0.07, maximize=maximize, weight_decay=weight_decay, **options)


@common
@decaying
@pytest.mark.parametrize("rho", [0.0, 0.55, 0.9, 1.0])
@pytest.mark.parametrize("eps", [1e-6, 0.03])
def test_adadelta_is_pytorchs(agrees, maximize, weight_decay, rho, eps):
    agrees(Adadelta, lr=0.7, maximize=maximize, weight_decay=weight_decay, rho=rho, eps=eps)


@common
@decaying
@pytest.mark.parametrize("alpha", [0.6, 0.99])
@pytest.mark.parametrize("momentum", [0.0, 0.8])
@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("eps", [1e-8, 0.03])
def test_rmsprop_is_pytorchs(agrees, maximize, weight_decay, alpha, momentum, centered, eps):
    options = {"alpha": alpha, "momentum": momentum, "centered": centered, "eps": eps}
    agrees(RMSprop, lr=0.03, tolerance=1e-10, maximize=maximize, weight_decay=weight_decay, **options)


@each
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 3e-2)])
def test_other_dtypes_are_pytorchs(agrees, kind, dtype, tolerance):
    agrees(kind, dtype=dtype, tolerance=tolerance, lr=0.05, weight_decay=0.1, eps=0.01)


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        (Adagrad, {"lr": 0.2, "lr_decay": 0.1, "weight_decay": 0.7, "eps": 0.01}),
        (Adadelta, {"lr": 0.2, "rho": 0.4, "weight_decay": 0.7, "eps": 0.01}),
        (RMSprop, {"lr": 0.2, "alpha": 0.4, "momentum": 0.3, "centered": True, "weight_decay": 0.7, "eps": 0.01}),
    ],
)
def test_groups_are_pytorchs(agrees, kind, own):
    def grouped(weights):
        return [{"params": weights[:2]}, {"params": [weights[2]], **own}, {"params": [weights[3]], "lr": 0.5}]

    agrees(kind, grouped=grouped, lr=0.03, tolerance=1e-11)


def test_a_group_starts_from_its_own_sum():  # of which PyTorch takes no notice
    weights = [cn.Parameter(torch.zeros(3)) for _ in range(2)]
    optimizer = Adagrad([{"params": weights[0], "initial_accumulator_value": 16.0}, {"params": weights[1]}], lr=1.0)
    for weight in weights:
        weight.grad += 3.0
    optimizer.step()
    torch.testing.assert_close(weights, [torch.full((3,), -0.6), torch.full((3,), -1.0)])


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (Adagrad, {"lr": -0.1}, r"^lr must be at least 0, not -0\.1$"),
        (Adagrad, {"lr_decay": math.nan}, r"^lr_decay must be a finite number, not nan$"),
        (Adagrad, {"eps": -1e-9}, r"^Adagrad: eps must be a finite number ≥ 0, not -1e-09$"),
        (Adagrad, {"initial_accumulator_value": None}, r"^Adagrad: initial_accumulator_value must be a .* not None$"),
        (Adadelta, {"rho": 1.1}, r"^Adadelta: rho must be a finite number from 0 to 1, not 1\.1$"),
        (Adadelta, {"rho": True}, r"^Adadelta: rho must be a finite number from 0 to 1, not True$"),
        (Adadelta, {"eps": "1"}, r"^Adadelta: eps must be a finite number ≥ 0, not '1'$"),
        (Adadelta, {"weight_decay": math.inf}, r"^Adadelta: weight_decay must be a finite number ≥ 0, not inf$"),
        (RMSprop, {"alpha": -0.1}, r"^RMSprop: alpha must be a finite number from 0 to 1, not -0\.1$"),
        (RMSprop, {"momentum": -1}, r"^RMSprop: momentum must be a finite number ≥ 0, not -1$"),
        (RMSprop, {"max_grad_norm": 0}, r"^max_grad_norm must be above 0, not 0$"),
    ],
)
def test_a_hyper_parameter_out_of_its_range_is_refused(kind, options, message):
    with pytest.raises(cn.ConfigError, match=message):
        kind([cn.Parameter(torch.ones(2))], **options)


def test_a_group_is_held_to_the_same_ranges():
    with pytest.raises(cn.ConfigError, match=r"^RMSprop: alpha must be a finite number from 0 to 1, not 2$"):
        RMSprop([{"params": [cn.Parameter(torch.ones(2))], "alpha": 2}])
