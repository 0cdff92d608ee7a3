import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import corenet as cn

quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(shape=st.lists(st.integers(0, 4), min_size=1, max_size=5), start=st.integers(-5, 4), end=st.integers(-5, 4))
def test_it_gives_what_torch_gives_or_refuses_what_torch_refuses(derive, shape, start, end):
    input, module = torch.randn(shape), cn.Flatten(start, end)
    try:
        expected = torch.flatten(input, start, end)
    except (IndexError, RuntimeError):
        with pytest.raises(cn.ShapeError, match=f"expected dimensions from {start} to {end}"):
            module(input)
        return
    upstream = torch.randn(expected.shape)
    output, grad_input = derive(lambda x: torch.flatten(x, start, end), input, upstream=upstream)
    assert torch.equal(module(input), output)
    assert torch.equal(module.backward(upstream), grad_input)


@pytest.mark.parametrize(
    "layout", [lambda x: x.transpose(1, 3), lambda x: x[:, :, ::2], lambda x: x.expand(2, 3, 4, 5)]
)
def test_other_layouts_of_memory_are_flattened_row_by_row(layout):
    input, module = layout(torch.randn(2, 3, 4, 5)), cn.Flatten()
    output = module(input)
    assert output[1].tolist() == [number for rows in input[1].tolist() for row in rows for number in row]
    grad_input = module.backward(output)
    assert torch.equal(grad_input, input)


def test_what_is_flat_already_is_copied():
    input, module = torch.randn(4, 3), cn.Flatten()
    output = module(input)
    assert torch.equal(output, input)
    assert output.data_ptr() != input.data_ptr()


def test_the_number_of_dimensions_may_change_from_batch_to_batch():
    module = cn.Flatten()
    for shape in ((2, 3, 4), (5, 2), (1, 2, 2, 2)):
        grad_output = torch.randn(module(torch.randn(shape)).shape)
        assert torch.equal(module.backward(grad_output), grad_output.reshape(shape))


@pytest.mark.parametrize("name", ["start_dim", "end_dim"])
@pytest.mark.parametrize("dim", [1.0, None, True])
def test_a_dimension_that_is_no_integer_is_refused(name, dim):
    with pytest.raises(cn.ConfigError, match=f"Flatten: {name} must be an integer, not {dim!r}") as caught:
        cn.Flatten(**{name: dim})
    assert (caught.value.name, caught.value.value) == (name, dim)


def test_integers_and_single_numbers_are_refused():
    with pytest.raises(cn.DTypeError, match=r"takes floating-point input, got torch\.int64"):
        cn.Flatten()(torch.zeros(2, 3, dtype=torch.int64))
    with pytest.raises(cn.ShapeError, match=r"Flatten\(\) got \(\); expected dimensions from 1 to -1"):
        cn.Flatten()(torch.tensor(1.0))
    assert repr(cn.Flatten(0, 1)) == "Flatten(0, 1)"
