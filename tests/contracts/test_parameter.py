import copy
import pickle

import pytest
import torch

import corenet as cn
from corenet.contracts.parameter import gradient

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_parameter_is_a_plain_tensor_with_a_zero_gradient_beside_it(dtype):
    weight = cn.Parameter(torch.ones(2, 3, dtype=dtype))
    assert type(weight) is torch.Tensor
    assert isinstance(weight, cn.Parameter)
    assert not weight.requires_grad
    assert torch.equal(weight, torch.ones(2, 3, dtype=dtype))
    assert torch.equal(weight.grad, torch.zeros(2, 3, dtype=dtype))
    assert weight.grad.dtype == dtype


def test_a_parameter_is_a_copy_of_its_tensor():
    source = torch.ones(3)
    weight = cn.Parameter(source)
    weight += 1
    assert torch.equal(source, torch.ones(3))
    assert torch.equal(weight, torch.full((3,), 2.0))


def test_a_parameter_of_a_tensor_that_requires_grad_does_not():
    assert not cn.Parameter(torch.ones(3, requires_grad=True)).requires_grad


def test_a_parameter_of_a_strided_or_expanded_tensor_has_a_memory_of_its_own():
    for source in (torch.arange(6.0).reshape(2, 3).T, torch.ones(1, 1).expand(4, 3)):
        weight = cn.Parameter(source)
        assert weight.is_contiguous()
        assert torch.equal(weight, source)
        assert weight.untyped_storage().nbytes() == weight.numel() * 4


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_a_parameter_needs_a_floating_dtype(dtype):
    with pytest.raises(cn.DTypeError, match=f"floating dtype, not {dtype}"):
        cn.Parameter(torch.zeros(2, dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool])
def test_a_buffer_takes_any_dtype_and_has_no_gradient(dtype):
    buffer = cn.Buffer(torch.zeros(3, dtype=dtype))
    assert (type(buffer), buffer.dtype, buffer.grad) == (torch.Tensor, dtype, None)


def test_parameters_buffers_and_tensors_are_told_apart():
    parameter, buffer, tensor = cn.Parameter(torch.ones(1)), cn.Buffer(torch.ones(1)), torch.ones(1)
    found = [[isinstance(each, kind) for kind in (cn.Parameter, cn.Buffer)] for each in (parameter, buffer, tensor)]
    assert found == [[True, False], [False, True], [False, False]]
    assert not isinstance(1.0, cn.Parameter)


def test_a_result_of_arithmetic_is_no_parameter():
    weight = cn.Parameter(torch.ones(2))
    assert not isinstance(weight + 1, cn.Parameter)
    assert not isinstance(weight.view(1, 2), cn.Parameter)


def test_a_parameter_survives_deepcopy_as_a_parameter():
    weight = cn.Parameter(torch.ones(2))
    weight.grad += 3
    again = copy.deepcopy(weight)
    again += 1
    again.grad += 1
    assert isinstance(again, cn.Parameter)
    assert (weight.tolist(), weight.grad.tolist()) == ([1, 1], [3, 3])
    assert (again.tolist(), again.grad.tolist()) == ([2, 2], [4, 4])


def test_a_parameter_survives_pickle_as_a_parameter():
    again = pickle.loads(pickle.dumps(cn.Parameter(torch.ones(2))))
    assert isinstance(again, cn.Parameter)
    assert again.tolist() == [1, 1]


def test_gradient_returns_the_one_there_is_or_makes_zeros():
    weight = cn.Parameter(torch.ones(2))
    assert gradient(weight) is weight.grad
    weight.grad = None
    assert torch.equal(gradient(weight), torch.zeros(2))
    assert gradient(weight) is weight.grad
