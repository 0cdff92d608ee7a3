import corenet as cn
import pytest
import torch

from corenet_optim import Muon
from corenet_optim.muon import orthogonal

MATRICES = (3, 2), (2, 5), (4, 4), (7, 1)
pytestmark = pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon")


def test_the_defaults_are_pytorchs(agrees):
    agrees(Muon, shapes=MATRICES)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("adjust_lr_fn", [None, "original", "match_rms_adamw"])
@pytest.mark.parametrize(
    "options",
    [
        {"momentum": 0.0, "weight_decay": 0.0},
        {"momentum": 0.6, "weight_decay": 0.4, "ns_steps": 3, "eps": 2.0},
        {"momentum": 1.0, "weight_decay": 0.4},
        {"ns_coefficients": (2.0, -1.5, 0.5), "ns_steps": 12},
    ],
)
def test_matrices_go_as_in_pytorch(agrees, nesterov, adjust_lr_fn, options):
    agrees(Muon, shapes=MATRICES, lr=0.03, nesterov=nesterov, adjust_lr_fn=adjust_lr_fn, **options)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 3e-2)])
def test_other_dtypes_are_pytorchs(agrees, dtype, tolerance):
    agrees(Muon, dtype=dtype, shapes=MATRICES, tolerance=tolerance, lr=0.03)


def test_groups_are_pytorchs(agrees):
    def grouped(weights):
        own = {"lr": 0.2, "momentum": 0.3, "nesterov": False, "ns_steps": 2, "adjust_lr_fn": "match_rms_adamw"}
        return [{"params": weights[:2]}, {"params": [weights[2]], **own}, {"params": [weights[3]], "lr": 0.5}]

    agrees(Muon, shapes=MATRICES, grouped=grouped, lr=0.03)


@pytest.mark.parametrize("maximize", [False, True])
def test_what_is_no_matrix_goes_as_by_adamw_of_pytorch(paths, maximize):
    options = {"lr": 0.03, "weight_decay": 0.3, "eps": 1e-4, "betas": (0.6, 0.8), "maximize": maximize}
    shapes = (5,), (), (1,)
    mine = paths.ours(lambda own: Muon(own, **options), shapes=shapes)
    expected = paths.theirs(lambda own: torch.optim.AdamW(own, **options, foreach=False), shapes=shapes)
    torch.testing.assert_close(mine, expected, rtol=1e-12, atol=1e-12)


def test_more_dimensions_are_laid_out_as_a_matrix(paths):
    def moved(shape):
        weight = cn.Parameter(paths.drawn(0, shapes=[(4, 6)])[0].reshape(shape))
        optimizer = Muon([weight], lr=0.1)
        weight.grad = paths.gradients(0, shapes=[(4, 6)])[0].reshape(shape)
        optimizer.step()
        return weight.reshape(4, 6)

    torch.testing.assert_close(moved((4, 2, 3)), moved((4, 6)), rtol=0, atol=0)


def test_maximize_is_the_way_of_the_gradient_turned_round(paths):
    up, down = (cn.Parameter(each) for each in paths.drawn(0, shapes=[(3, 5)]) * 2)
    climbing, descending = Muon([up], lr=0.1, maximize=True), Muon([down], lr=0.1)
    for step in range(4):
        (grad,) = paths.gradients(step, shapes=[(3, 5)])
        up.grad, down.grad = grad, -grad
        climbing.step()
        descending.step()
    torch.testing.assert_close(up, down, rtol=0, atol=0)
    assert not torch.equal(up, paths.drawn(0, shapes=[(3, 5)])[0])


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (5, 5)])
def test_the_iteration_makes_a_matrix_orthogonal(paths, shape):
    (matrix,) = paths.drawn(3, shapes=[shape])
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonal(matrix, (2.0, -1.5, 0.5), 30, 1e-7).double()
    torch.testing.assert_close(found, left @ right, rtol=0, atol=0.03)


def test_a_gradient_in_bfloat16_without_look_ahead_leaves_the_momentum_alone(paths):
    weight = cn.Parameter(paths.drawn(0, torch.bfloat16, [(3, 4)])[0])
    optimizer = Muon([weight], nesterov=False, momentum=0.0)
    (grad,) = paths.gradients(0, torch.bfloat16, [(3, 4)])
    weight.grad = grad
    optimizer.step()
    assert torch.equal(optimizer.state_dict()["states"][0]["mean"], grad)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"momentum": 1.5}, r"^Muon: momentum must be a finite number from 0 to 1, not 1\.5$"),
        ({"ns_steps": 0}, r"^Muon: ns_steps must be an integer from 1 to 99, not 0$"),
        ({"ns_steps": 100}, r"^Muon: ns_steps must be an integer from 1 to 99, not 100$"),
        ({"ns_steps": 5.0}, r"^Muon: ns_steps must be an integer from 1 to 99, not 5\.0$"),
        ({"ns_coefficients": (3, -4)}, r"^Muon: ns_coefficients must be three finite numbers, not \(3, -4\)$"),
        ({"ns_coefficients": (3, "a", 1)}, r"^Muon: ns_coefficients must be three finite numbers, not \(3, 'a', 1\)$"),
        ({"adjust_lr_fn": "best"}, r"^Muon: adjust_lr_fn must be 'original', 'match_rms_adamw' or None, not 'best'$"),
        ({"weight_decay": -0.1}, r"weight_decay"),
        ({"betas": (0.9, 1.0)}, r"betas"),
    ],
)
def test_a_hyper_parameter_out_of_its_range_is_refused(options, message):
    with pytest.raises(cn.ConfigError, match=message):
        Muon([cn.Parameter(torch.ones(2, 2))], **options)
