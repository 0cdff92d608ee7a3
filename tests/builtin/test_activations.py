import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import corenet as cn
from corenet.testing.support.guess import trials_of

COUNTERPARTS = {cn.ReLU: torch.relu, cn.Tanh: torch.tanh, cn.Sigmoid: torch.sigmoid}
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
each = pytest.mark.parametrize("activation", COUNTERPARTS)
quick = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@each
@quick
@given(shape=st.lists(st.integers(0, 5), max_size=4), dtype=st.sampled_from(FLOATS), scale=st.sampled_from([1, 30]))
def test_values_and_gradients_equal_torch_in_any_shape_and_dtype(derive, close, activation, shape, dtype, scale):
    input, upstream = (scale * torch.randn(shape)).to(dtype), torch.randn(shape).to(dtype)
    output, grad_input = derive(COUNTERPARTS[activation], input, upstream=upstream)
    module = activation()
    assert torch.equal(module(input), output)
    close(module.backward(upstream), grad_input)


@each
def test_the_gradient_agrees_in_every_case(activation):
    reports = [trial.gradients for trial in trials_of(activation)]
    assert reports
    assert all(report.ok for report in reports), "\n".join(map(str, reports))
    assert max(report.error for report in reports) < 1e-6


@each
@pytest.mark.parametrize("dtype", FLOATS)
def test_extreme_inputs_give_what_torch_gives(derive, close, activation, dtype):
    largest = torch.finfo(dtype).max
    input = torch.tensor([-math.inf, -largest, -100, -0.0, 0.0, 100, largest, math.inf], dtype=dtype)
    output, grad_input = derive(COUNTERPARTS[activation], input)
    module = activation()
    assert torch.equal(module(input), output)
    close(module.backward(torch.ones_like(input)), grad_input)


def test_relu_is_0_at_the_kink():
    relu = cn.ReLU()
    assert relu(torch.tensor([-0.0, 0.0])).tolist() == [0, 0]
    assert relu.backward(torch.tensor([5.0, 5.0])).tolist() == [0, 0]


def test_relu_passes_the_gradient_of_the_smallest_positive_number_whole():
    tiny = torch.tensor([torch.finfo(torch.float32).tiny, 1e30])
    relu = cn.ReLU()
    relu(tiny)
    assert relu.backward(torch.tensor([3.0, 4.0])).tolist() == [3.0, 4.0]


@each
def test_relu_keeps_nan_and_so_do_the_others(activation):
    assert activation()(torch.tensor([math.nan, 1.0])).isnan().tolist() == [True, False]


def test_relu_passes_no_gradient_where_the_output_is_nan():
    relu = cn.ReLU()
    relu(torch.tensor([math.nan, 1.0]))
    assert relu.backward(torch.ones(2)).tolist() == [0, 1]  # 1[y > 0]: no comparison with NaN is true


@each
def test_strided_inputs_give_the_same(activation):
    module, input, upstream = activation(), torch.randn(4, 3).T, torch.randn(4, 3).T
    output, grad = module(input), module.backward(upstream)
    assert torch.equal(output, module(input.contiguous()))
    assert torch.equal(grad, module.backward(upstream.contiguous()))


@each
def test_neither_method_changes_its_arguments_nor_what_it_returned(activation):
    module, input, upstream = activation(), torch.randn(10), torch.randn(10)
    before = input.clone(), upstream.clone()
    output = module(input)
    kept = output.clone()
    module.backward(upstream)
    assert torch.equal(input, before[0])
    assert torch.equal(upstream, before[1])
    assert torch.equal(output, kept)


@each
def test_layers_take_empty_batches(activation):
    module = activation()
    assert module(torch.zeros(0, 3)).shape == (0, 3)
    assert module.backward(torch.zeros(0, 3)).shape == (0, 3)


@each
def test_order_backward_without_a_forward_or_after_eval_raises(activation):
    module = activation()
    with pytest.raises(cn.BackwardError):
        module.backward(torch.ones(1))
    module.eval()(torch.ones(1))
    with pytest.raises(cn.BackwardError, match="eval mode"):
        module.backward(torch.ones(1))


@each
@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_integer_inputs_are_refused_naming_the_dtype(activation, dtype):
    with pytest.raises(cn.DTypeError, match=rf"{activation.__name__}\(\) takes floating-point input, got {dtype}"):
        activation()(torch.ones(2, dtype=dtype))


@each
def test_a_grad_output_that_would_broadcast_is_refused(activation):
    module = activation()
    module(torch.ones(4, 1))
    with pytest.raises(cn.ShapeError, match=r"expected the output's shape \(4, 1\)"):
        module.backward(torch.ones(4))
    assert module.backward(torch.ones(4, 1)).shape == (4, 1)
