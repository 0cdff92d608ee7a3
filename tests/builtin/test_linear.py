import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import corenet as cn
from corenet.testing.support.guess import trials_of

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
quick = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def linear_of(input, weight, bias=None):
    return torch.nn.functional.linear(input, weight, bias)


@quick
@given(
    leading=st.lists(st.integers(0, 4), max_size=3),
    sizes=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    bias=st.booleans(),
    dtype=st.sampled_from(FLOATS),
)
def test_values_and_gradients_equal_torch_in_any_leading_dimensions_and_dtype(
    derive, close, leading, sizes, bias, dtype
):
    linear = cn.Linear(*sizes, bias=bias, dtype=dtype)
    input, upstream = torch.randn(*leading, sizes[0]).to(dtype), torch.randn(*leading, sizes[1]).to(dtype)
    output, grad_input, *grads = derive(linear_of, input, *linear.parameters(), upstream=upstream)
    close(linear(input), output, roundings=16)
    close(linear.backward(upstream), grad_input, roundings=16)
    for parameter, grad in zip(linear.parameters(), grads, strict=True):
        close(parameter.grad, grad, roundings=64)


def test_the_gradient_agrees_in_every_case():
    reports = [trial.gradients for trial in trials_of(cn.Linear)]
    assert all(report.ok for report in reports), "\n".join(map(str, reports))
    assert len(reports) == 8
    assert max(report.error for report in reports) < 1e-6


@pytest.mark.parametrize("leading", [(), (4,), (2, 3), (2, 3, 2)])
def test_linear_keeps_all_leading_dimensions_none_included(leading):
    linear = cn.Linear(3, 2)
    assert linear(torch.ones(*leading, 3)).shape == (*leading, 2)
    assert linear.backward(torch.ones(*leading, 2)).shape == (*leading, 3)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3)])
def test_layers_take_empty_batches(shape):
    linear = cn.Linear(3, 2)
    assert linear(torch.zeros(shape)).shape == (*shape[:-1], 2)
    assert linear.backward(torch.zeros(*shape[:-1], 2)).shape == shape
    assert all(parameter.grad.abs().sum() == 0 for parameter in linear.parameters())


def test_bias_false_leaves_bias_none():
    linear = cn.Linear(2, 1, bias=False)
    assert linear.bias is None
    assert list(linear.state_dict()) == ["weight"]
    assert repr(linear) == "Linear(2 → 1, bias=False)"


@pytest.mark.parametrize("bias", [True, False])
def test_backward_adds_to_grad(bias):
    linear = cn.Linear(3, 2, bias=bias, dtype=torch.float64)
    input, upstream = torch.randn(4, 3).double(), torch.randn(4, 2).double()
    linear(input)
    linear.backward(upstream)
    once = [parameter.grad.clone() for parameter in linear.parameters()]
    gradients = [parameter.grad for parameter in linear.parameters()]
    linear(input)
    linear.backward(upstream)
    for parameter, gradient, grad in zip(linear.parameters(), gradients, once, strict=True):
        assert parameter.grad is gradient
        torch.testing.assert_close(gradient, 2 * grad)


def test_the_parameter_half_alone_gives_the_same_parameter_gradients():
    whole, half = cn.Linear(3, 2), cn.Linear(3, 2)
    half.load_state_dict(whole.state_dict())
    input, upstream = torch.randn(4, 3), torch.randn(4, 2)
    for linear in (whole, half):
        linear(input)
    whole.backward(upstream)
    assert half.backward_parameters(upstream) is None
    assert torch.equal(whole.weight.grad, half.weight.grad)
    assert torch.equal(whole.bias.grad, half.bias.grad)
    with pytest.raises(cn.BackwardError):
        half.backward(upstream)


def test_strided_and_expanded_tensors_change_nothing_but_the_speed():
    linear = cn.Linear(3, 2, dtype=torch.float64)
    input, upstream = torch.randn(3, 4).double().T, torch.ones(1, 1).double().expand(4, 2)
    output, grad_input = linear(input), linear.backward(upstream)
    grads = [parameter.grad.clone() for parameter in linear.parameters()]
    linear.zero_grad()
    torch.testing.assert_close(output, linear(input.contiguous()))
    torch.testing.assert_close(grad_input, linear.backward(upstream.contiguous()))
    for parameter, grad in zip(linear.parameters(), grads, strict=True):
        torch.testing.assert_close(parameter.grad, grad)


@pytest.mark.parametrize("shape", [(3,), (4, 3)])
def test_neither_method_changes_its_arguments(shape):
    linear = cn.Linear(3, 2)
    input, upstream = torch.ones(shape), torch.ones(*shape[:-1], 2)
    linear(input)
    linear.backward(upstream)
    assert (input == 1).all()
    assert (upstream == 1).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_parameters_are_of_the_dtype_and_on_the_device_asked_for(dtype):
    linear = cn.Linear(2, 3, device="cpu", dtype=dtype)
    assert [(p.dtype, p.device.type) for p in linear.parameters()] == [(dtype, "cpu")] * 2
    assert [tuple(p.shape) for p in linear.parameters()] == [(3, 2), (3,)]


@pytest.mark.parametrize("device", ["gpu", "meta", 3.5, pytest.param("cuda", marks=NO_GPU)])
def test_a_device_that_cannot_hold_the_parameters_is_refused(device):
    with pytest.raises(cn.DeviceError, match=f"there is no device {device} here"):
        cn.Linear(2, 3, device=device)
    linear = cn.Linear(2, 3)
    before = linear.state_dict()
    with pytest.raises(cn.DeviceError, match="use device='cpu'"):
        linear.to(device=device)
    assert all(torch.equal(linear.state_dict()[name], tensor) for name, tensor in before.items())


def test_parameters_are_torchs_default_dtype_unless_told():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        assert cn.Linear(2, 1).weight.dtype == torch.float64
    finally:
        torch.set_default_dtype(before)
    assert cn.Linear(2, 1).weight.dtype == torch.float32


def test_the_start_is_pytorchs():
    torch.manual_seed(3)
    theirs = torch.nn.Linear(7, 5)
    torch.manual_seed(3)
    ours = cn.Linear(7, 5)
    torch.testing.assert_close(ours.weight, theirs.weight.detach())
    torch.testing.assert_close(ours.bias, theirs.bias.detach())


def test_weights_draw_from_torchs_generator_when_made_and_when_reset():
    torch.manual_seed(1)
    linear = cn.Linear(3, 2)
    first = linear.state_dict()
    linear.reset_parameters()
    assert not torch.equal(linear.weight, first["weight"])
    torch.manual_seed(1)
    linear.reset_parameters()
    assert torch.equal(linear.weight, first["weight"])
    assert torch.equal(linear.bias, first["bias"])


def test_reset_parameters_keeps_the_initializer():
    linear = cn.Linear(3, 2, init="zeros")
    linear.weight += 1
    linear.bias += 1
    linear.reset_parameters()
    assert (linear.weight.abs().sum(), linear.bias.abs().sum()) == (0, 0)


@pytest.mark.parametrize("name", ["in_features", "out_features"])
@pytest.mark.parametrize("value", [0, -1, 2.0, "3", None, True])
def test_a_width_that_is_no_positive_integer_is_refused(name, value):
    with pytest.raises(cn.ConfigError, match=rf"Linear: {name} must be an integer ≥ 1, not {value!r}") as caught:
        cn.Linear(**{"in_features": 2, "out_features": 2, name: value})
    assert (caught.value.name, caught.value.value) == (name, value)


def test_an_unknown_init_is_refused_with_the_closest():
    with pytest.raises(cn.UnknownComponentError, match=r"no initializer 'xavier' \(did you mean 'xavier_normal'\?\)"):
        cn.Linear(2, 1, init="xavier")


@pytest.mark.parametrize("shape", [(), (4,), (5, 4), (3, 5), (1, 3, 1)])
def test_a_wrong_last_dimension_is_refused_naming_both(shape):
    with pytest.raises(cn.ShapeError, match=r"expected last dimension 3") as caught:
        cn.Linear(3, 2)(torch.zeros(shape))
    assert (caught.value.shape, caught.value.component) == (shape, "Linear(3 → 2)")


def test_integer_inputs_and_mixed_dtypes_are_refused_naming_both_dtypes():
    linear = cn.Linear(2, 1)
    with pytest.raises(cn.DTypeError, match=r"Linear\(2 → 1\) takes floating-point input, got torch.int64"):
        linear(torch.ones(1, 2, dtype=torch.int64))
    with pytest.raises(cn.DTypeError, match=r"torch.float32 parameters and got torch.float16 input"):
        linear(torch.ones(1, 2, dtype=torch.float16))


def test_bad_input_saves_nothing_and_adds_nothing():
    linear = cn.Linear(2, 1)
    with pytest.raises(cn.ShapeError):
        linear(torch.ones(4, 3))
    with pytest.raises(cn.BackwardError):
        linear.backward(torch.ones(4, 1))
    linear(torch.ones(4, 2))
    with pytest.raises(cn.ShapeError, match=r"backward of Linear\(2 → 1\) got \(4,\); expected the output's shape"):
        linear.backward(torch.ones(4))
    assert all((parameter.grad == 0).all() for parameter in linear.parameters())
