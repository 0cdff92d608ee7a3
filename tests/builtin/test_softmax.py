import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import corenet as cn
from corenet.testing.support.guess import trials_of

COUNTERPARTS = {cn.Softmax: torch.softmax, cn.LogSoftmax: torch.log_softmax}
FLOATS = [torch.float32, torch.float64]
HALVES = [torch.float16, torch.bfloat16]
each = pytest.mark.parametrize("cls", COUNTERPARTS)
quick = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@each
@quick
@given(
    shape=st.lists(st.integers(0, 5), max_size=4),
    dim=st.integers(-4, 3),
    dtype=st.sampled_from(FLOATS),
    scale=st.sampled_from([1, 30]),
)
def test_values_and_gradients_equal_torch_in_any_shape_dimension_and_dtype(
    derive, close, cls, shape, dim, dtype, scale
):
    input, upstream = (scale * torch.randn(shape)).to(dtype), torch.randn(shape).to(dtype)
    module, dims = cls(dim), max(1, len(shape))
    if not -dims <= dim < dims:
        with pytest.raises(cn.ShapeError, match=f"expected an input with a dimension {dim}"):
            module(input)
        return
    output, grad_input = derive(lambda x: COUNTERPARTS[cls](x, dim), input, upstream=upstream)
    assert torch.equal(module(input), output)
    close(module.backward(upstream), grad_input, roundings=64)


@each
@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_keeps_its_own_digits(derive, close, cls, dtype):
    input, upstream = (3 * torch.randn(7, 33)).to(dtype), torch.randn(7, 33).to(dtype)
    exact = derive(lambda x: COUNTERPARTS[cls](x, 1), input.double(), upstream=upstream.double())
    module = cls()
    close(module(input), exact[0].to(dtype))
    close(module.backward(upstream), exact[1].to(dtype), roundings=32)


@each
def test_the_last_dimension_is_the_default(cls):
    input = torch.randn(2, 3, 4)
    assert torch.equal(cls()(input), COUNTERPARTS[cls](input, -1))
    assert (repr(cls()), repr(cls(dim=1))) == (f"{cls.__name__}()", f"{cls.__name__}(1)")


@each
def test_the_gradient_agrees_in_every_case(cls):
    reports = [trial.gradients for trial in trials_of(cls)]
    assert len(reports) == 4
    assert all(report.ok for report in reports), "\n".join(map(str, reports))
    assert max(report.error for report in reports) < 1e-6


@each
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("number", [1000.0, -1000.0, 1e30, -1e30, -math.inf])
def test_large_numbers_and_classes_ruled_out_give_what_torch_gives(derive, close, cls, dtype, number):
    input = torch.tensor([[number, 0.5, -0.25], [0.75, number, 0.5]], dtype=dtype)
    upstream = torch.tensor([[0.5, -2.0, 3.0], [1.5, 0.25, -1.0]], dtype=dtype)
    output, grad_input = derive(lambda x: COUNTERPARTS[cls](x, 1), input, upstream=upstream)
    module = cls()
    assert torch.equal(module(input), output)
    close(module.backward(upstream), grad_input, roundings=64)


@each
def test_not_a_number_stays_in_its_row(cls):
    output = cls()(torch.tensor([[math.nan, 1.0], [0.5, 1.0]]))
    assert output.isnan().tolist() == [[True, True], [False, False]]


@each
@pytest.mark.parametrize("dim", [1.0, None, "1", True])
def test_a_dimension_that_is_no_integer_is_refused(cls, dim):
    with pytest.raises(cn.ConfigError, match=f"{cls.__name__}: dim must be an integer, not {dim!r}") as caught:
        cls(dim)
    assert (caught.value.name, caught.value.value) == ("dim", dim)


@each
def test_integers_are_refused(cls):
    with pytest.raises(cn.DTypeError, match=r"takes floating-point input, got torch\.int64"):
        cls()(torch.tensor([1, 2]))


def test_log_softmax_is_the_logarithm_of_softmax():
    input = torch.randn(5, 7, dtype=torch.float64)
    torch.testing.assert_close(cn.LogSoftmax(0)(input), cn.Softmax(0)(input).log())
