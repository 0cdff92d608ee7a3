"""Parameters become views into one memory and stay the objects, and the values, that they were."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import corenet as cn
from corenet import Parameter
from corenet.contracts.flat import flatten

shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


def made(shape, dtype=torch.float32):
    parameter = Parameter(torch.randn(shape, dtype=dtype))
    parameter.grad.copy_(torch.randn(shape, dtype=dtype))
    return parameter


def in_memory_of(tensor, flat):
    return tensor.numel() == 0 or tensor.untyped_storage().data_ptr() == flat.untyped_storage().data_ptr()


@settings(deadline=None, max_examples=40, database=None)
@given(st.lists(shapes, min_size=1, max_size=5))
def test_flat_keeps_every_object_and_value_and_covers_each_element_once(all_shapes):
    parameters = [made(shape) for shape in all_shapes]
    identities = [id(parameter) for parameter in parameters] + [id(parameter.grad) for parameter in parameters]
    values = [parameter.clone() for parameter in parameters]
    gradients = [parameter.grad.clone() for parameter in parameters]

    flats = flatten(parameters)

    assert [id(parameter) for parameter in parameters] + [id(p.grad) for p in parameters] == identities
    for parameter, value, grad in zip(parameters, values, gradients, strict=True):
        assert isinstance(parameter, Parameter)
        assert torch.equal(parameter, value)
        assert torch.equal(parameter.grad, grad)
    assert torch.cat([flat.param for flat in flats]).tolist() == torch.cat([v.reshape(-1) for v in values]).tolist()
    assert torch.cat([flat.grad for flat in flats]).tolist() == torch.cat([g.reshape(-1) for g in gradients]).tolist()


def test_flat_is_one_memory_for_values_and_one_for_gradients():
    parameters = [made((2, 3)), made((2,)), made(())]
    (flat,) = flatten(parameters)
    assert flat.param.shape == flat.grad.shape == (9,)
    assert all(in_memory_of(parameter, flat.param) for parameter in parameters)
    assert all(in_memory_of(parameter.grad, flat.grad) for parameter in parameters)
    assert not in_memory_of(flat.grad, flat.param)
    flat.param.fill_(7)
    flat.grad.zero_()
    assert all((parameter == 7).all() and (parameter.grad == 0).all() for parameter in parameters)


def test_flat_is_one_per_dtype():
    mixed = [made((2,)), made((3,), torch.float64), made((4,))]
    sizes = {flat.param.dtype: flat.param.numel() for flat in flatten(mixed)}
    assert sizes == {torch.float32: 6, torch.float64: 3}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_flat_is_one_per_device():
    there = Parameter(torch.ones(2, device="cuda"))
    flats = flatten([made((2,)), there, made((3,))])
    assert {flat.param.device.type: flat.param.numel() for flat in flats} == {"cpu": 5, "cuda": 2}


def test_a_parameter_already_flat_is_used_where_it_is():
    parameters = [made((2, 2)), made((3,)), made((1,))]
    flatten(parameters)
    addresses = [parameter.data_ptr() for parameter in parameters]
    (again,) = flatten(parameters)
    first, second = flatten(parameters[:2]), flatten(parameters[2:])
    assert [parameter.data_ptr() for parameter in parameters] == addresses
    assert again.param.numel() == 8
    assert [flat.param.numel() for flat in (*first, *second)] == [7, 1]


def test_flat_parameters_in_another_order_are_cut_into_runs():
    a, b, c = parameters = [made((2,)), made((3,)), made((4,))]
    flatten(parameters)
    flats = flatten([c, a, b])
    assert [flat.param.numel() for flat in flats] == [4, 5]
    assert torch.equal(flats[1].param, torch.cat([a, b]))


def test_parameters_of_two_memories_are_never_taken_for_neighbours():
    left, right = [made((2,)), made((3,))], [made((2,)), made((3,))]
    flatten(left)
    flatten(right)
    first, second = flatten([left[0], right[1]])  # right[1] begins where left[0] ends, in another memory
    second.param.fill_(7)
    assert (first.param.numel(), second.param.numel()) == (2, 3)
    assert (right[1] == 7).all()
    assert not (left[1] == 7).any()


def test_a_single_parameter_stays_in_its_own_memory():
    parameter = made((2, 3))
    address = parameter.data_ptr()
    (flat,) = flatten([parameter])
    assert flat.param.data_ptr() == address == parameter.data_ptr()


def test_a_parameter_put_elsewhere_in_strides_is_laid_out_in_order():
    parameter = made((2, 3))
    parameter.data = torch.arange(6.0).reshape(3, 2).T
    (flat,) = flatten([parameter])
    assert parameter.is_contiguous()
    assert flat.param.tolist() == [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]
    flat.param.add_(1)
    assert parameter.tolist() == [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]


def test_flat_sees_a_new_gradient_and_a_new_memory():
    def replaced_gradient(parameters):
        parameters[0].grad = torch.ones(2)

    def moved_gradient(parameters):
        parameters[0].grad.data = torch.ones(2)

    def moved_parameter(parameters):
        parameters[1].data = torch.ones(3)

    for change in (replaced_gradient, moved_gradient, moved_parameter):
        parameters = [made((2,)), made((3,))]
        (flat,) = flatten(parameters)
        assert flat.is_current()
        change(parameters)
        assert not flat.is_current()


def test_split_shapes_a_flat_tensor_as_the_parameters():
    parameters = [made((2, 2)), made((3,))]
    (flat,) = flatten(parameters)
    pieces = flat.split(torch.arange(7.0))
    assert [piece.tolist() for piece in pieces] == [[[0.0, 1.0], [2.0, 3.0]], [4.0, 5.0, 6.0]]


def test_a_second_optimizer_does_not_make_the_first_clear_the_wrong_memory():
    w, v = cn.Parameter(torch.ones(2)), cn.Parameter(torch.ones(2))
    first = cn.SGD([w], lr=1.0)
    w.grad.fill_(5)
    cn.SGD([w, v], lr=1.0)
    first.zero_grad()
    assert w.grad.tolist() == [0, 0]


def test_a_gradient_with_another_memory_under_it_is_followed():
    w = cn.Parameter(torch.ones(2))
    optimizer = cn.SGD([w], lr=1.0)
    w.grad.data = torch.tensor([0.25, 0.5])
    optimizer.step()
    assert w.tolist() == [0.75, 0.5]


def test_a_transposed_memory_is_followed():
    module = cn.Linear(3, 3)
    optimizer = cn.SGD(module.parameters(), lr=1.0)
    module.weight.data = module.weight.data.T
    before = module.weight.clone()
    optimizer.zero_grad()
    module.weight.grad.copy_(torch.arange(9.0).reshape(3, 3))
    optimizer.step()
    torch.testing.assert_close(before - module.weight, torch.arange(9.0).reshape(3, 3))
