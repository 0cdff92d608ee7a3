import math

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from corenet_activations import Hardtanh, LeakyReLU, PReLU

quick = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
shapes = st.lists(st.integers(0, 5), max_size=4)
numbers = st.floats(-3, 3)


def drawn(shape, scale=2):
    return scale * torch.randn(shape, dtype=torch.float64)


@quick
@given(shape=shapes, slope=numbers)
def test_leaky_relu_equals_torch_for_any_slope_and_shape(agrees, shape, slope):
    agrees(LeakyReLU(slope), nn.LeakyReLU(slope), drawn(shape))


@quick
@given(shape=st.lists(st.integers(1, 5), min_size=2, max_size=5), shared=st.booleans())
def test_prelu_equals_torch_for_one_slope_and_one_a_channel(agrees, shape, shared):
    count = 1 if shared else shape[1]
    theirs = nn.PReLU(count).double()
    nn.init.normal_(theirs.weight)
    agrees(PReLU(count, dtype=torch.float64), theirs, drawn(shape))


@pytest.mark.parametrize("shape", [(), (4,), (0, 3)])
def test_prelu_with_one_slope_takes_any_shape(agrees, shape):
    agrees(PReLU(init=-0.4, dtype=torch.float64), nn.PReLU(init=-0.4).double(), drawn(shape))


@quick
@given(shape=shapes, low=st.floats(-3, 0.9), width=st.floats(0.01, 3))
def test_hardtanh_equals_torch_for_any_bounds(agrees, shape, low, width):
    agrees(Hardtanh(low, low + width), nn.Hardtanh(low, low + width), drawn(shape))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (LeakyReLU(0.3), nn.LeakyReLU(0.3)),
        (PReLU(init=0.3, dtype=torch.float64), nn.PReLU(init=0.3).double()),
        (Hardtanh(-1, 2), nn.Hardtanh(-1, 2)),
    ],
    ids=repr,
)
def test_kinks_and_what_is_far_out_are_as_in_torch(agrees, ours, theirs):
    agrees(ours, theirs, torch.tensor([-1e300, -1, -0.0, 0.0, 1e-300, 2, 1e300], dtype=torch.float64))


def test_nan_stays_nan():
    for module in (LeakyReLU(), PReLU(), Hardtanh()):
        assert module(torch.tensor([math.nan, 1.0])).isnan().tolist() == [True, False]


def test_prelu_adds_to_the_gradient_and_is_drawn_anew():
    module = PReLU(2, init=0.5)
    for _ in range(2):
        module(torch.tensor([[-3.0, 4.0], [5.0, -7.0]]))
        module.backward(torch.tensor([[2.0, 1.0], [1.0, 3.0]]))
    assert module.weight.grad.tolist() == [-12.0, -42.0]
    module.weight.fill_(9)
    module.reset_parameters()
    assert module.weight.tolist() == [0.5, 0.5]


def test_constructors_have_the_defaults_of_torch():
    assert LeakyReLU().negative_slope == nn.LeakyReLU().negative_slope
    assert PReLU().weight.tolist() == nn.PReLU().weight.tolist()
    assert (Hardtanh().min_val, Hardtanh().max_val) == (nn.Hardtanh().min_val, nn.Hardtanh().max_val)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LeakyReLU(math.inf), r"^LeakyReLU: negative_slope must be a finite number, not inf$"),
        (lambda: LeakyReLU("0.1"), r"^LeakyReLU: negative_slope must be a finite number, not '0\.1'$"),
        (lambda: PReLU(0), r"^PReLU: num_parameters must be an integer ≥ 1, not 0$"),
        (lambda: PReLU(True), r"^PReLU: num_parameters must be an integer ≥ 1, not True$"),
        (lambda: PReLU(init=math.nan), r"^PReLU: init must be a finite number, not nan$"),
        (lambda: Hardtanh(1, 1), r"^Hardtanh: min_val must be less than max_val, not 1 with 1$"),
        (lambda: Hardtanh(max_val=None), r"^Hardtanh: max_val must be a finite number, not None$"),
    ],
)
def test_wrong_settings_are_refused(build, message):
    with pytest.raises(cn.ConfigError, match=message):
        build()


@pytest.mark.parametrize("shape", [(4, 2), (3,), (2, 4, 3)])
def test_prelu_refuses_another_number_of_channels(shape):
    with pytest.raises(cn.ShapeError) as caught:
        PReLU(3)(torch.ones(shape))
    assert str(caught.value) == f"PReLU(3) got {shape}; expected 3 channels in dimension 1, or use PReLU(1)"


def test_prelu_refuses_another_dtype():
    with pytest.raises(cn.DTypeError, match=r"PReLU\(1\) has torch\.float32 parameters and got torch\.float64 input"):
        PReLU()(torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("module", [LeakyReLU(), PReLU(), Hardtanh()], ids=repr)
def test_integers_are_refused(module):
    with pytest.raises(cn.DTypeError, match="takes floating-point input, got torch.int64; use input.float()"):
        module(torch.ones(2, dtype=torch.int64))
