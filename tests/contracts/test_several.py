"""Modules that take or give several tensors, or integers."""

import pytest
import torch

import corenet as cn


class Product(cn.Module):
    """``a · b``, and their sum as a second output."""

    def forward(self, a, b):
        self.save(a, b)
        return a * b, a + b

    def backward(self, grad_product, grad_sum):
        a, b = self.saved()
        return grad_product * b + grad_sum, grad_product * a + grad_sum


class Rows(cn.Module):
    """The rows of a table that integers pick."""

    def __init__(self, count=5, width=2):
        self.table = cn.Parameter(torch.randn(count, width))

    def forward(self, indices):
        self.save(indices)
        return self.table[indices]

    def backward(self, grad_output):
        (indices,) = self.saved()
        self.table.grad.index_add_(0, indices.flatten(), grad_output.flatten(0, -2))

    def check_values(self, indices):
        if not ((indices >= 0) & (indices < len(self.table))).all():
            raise cn.RangeError(f"index out of range in {indices.tolist()}")


class Returns(cn.Module):
    """Two inputs, one output, and whatever gradients it was made with."""

    def __init__(self, gradients):
        self.gradients = gradients

    def forward(self, a, b):
        self.save()
        return a

    def backward(self, grad_output):
        return self.gradients


def drawn(*shapes):
    return [torch.randn(shape, dtype=torch.float64) for shape in shapes]


def test_gradients_of_two_inputs_and_two_outputs_are_those_of_torch():
    a, b, u, v = drawn(*[(3, 4)] * 4)
    product = Product()
    product(a, b)
    found = product.backward(u, v)
    a, b = a.requires_grad_(), b.requires_grad_()
    (u * (a * b) + v * (a + b)).sum().backward()
    torch.testing.assert_close(found, (a.grad, b.grad))


def test_a_chain_hands_several_outputs_on_as_inputs():
    chain = cn.Sequential(Product(), Product())
    a, b, u, v = drawn(*[(2, 3)] * 4)
    first, second = chain(a, b)
    torch.testing.assert_close((first, second), (a * b * (a + b), a * b + a + b))
    found = chain.backward(u, v)
    a, b = a.requires_grad_(), b.requires_grad_()
    (u * a * b * (a + b) + v * (a * b + a + b)).sum().backward()
    torch.testing.assert_close(found, (a.grad, b.grad))


def test_rows_picked_twice_add_up_and_integers_have_no_gradient():
    rows = Rows()
    indices = torch.tensor([[0, 3], [3, 3]])
    assert torch.equal(rows(indices), rows.table[indices])
    assert rows.backward(torch.ones(2, 2, 2)) is None
    assert rows.table.grad.tolist() == [[1, 1], [0, 0], [0, 0], [3, 3], [0, 0]]


def test_a_chain_may_begin_with_integers():
    chain = cn.Sequential(Rows(5, 2), cn.Linear(2, 3))
    chain(torch.tensor([1, 1, 4]))
    assert chain.backward(torch.ones(3, 3)) is None
    chain(torch.tensor([1, 1, 4]))
    chain.backward_parameters(torch.ones(3, 3))
    ones = chain[1].weight.sum(0)
    torch.testing.assert_close(chain[0].table.grad[1], 4 * ones)  # two rows in each of two backwards


def test_values_are_checked_before_forward_also_of_an_inner_module():
    chain = cn.Sequential(Rows(3, 2), cn.Linear(2, 3))
    with pytest.raises(cn.RangeError, match=r"index out of range in \[0, 3\]"):
        chain(torch.tensor([0, 3]))
    chain(torch.tensor([0, 2]))  # nothing was left saved


@pytest.mark.parametrize("inputs", [1, 3])
def test_another_number_of_inputs_is_said(inputs):
    with pytest.raises(cn.StructureError, match=rf"^Product\(\) got {inputs} inputs?, its forward takes \(a, b\)$"):
        Product()(*drawn(*[(2,)] * inputs))
    with pytest.raises(cn.StructureError, match=r"got 2 inputs, its forward takes \(input\)$"):
        cn.Linear(2, 2)(torch.ones(1, 2), torch.ones(1, 2))


def test_a_type_error_of_forward_itself_stays_one():
    class Wrong(cn.Module):
        def forward(self, input):
            return len(5)

    with pytest.raises(TypeError, match="has no len"):
        Wrong()(torch.ones(1))


@pytest.mark.parametrize("gradients", [1, 3])
def test_another_number_of_gradients_is_said(gradients):
    product = Product()
    product(*drawn((2,), (2,)))
    with pytest.raises(cn.BackwardError, match=f"takes 2 gradients, one for each output, got {gradients}"):
        product.backward(*drawn(*[(2,)] * gradients))


def test_a_gradient_that_does_not_fit_is_named_by_its_output():
    product = Product()
    product(*drawn((2,), (2,)))
    with pytest.raises(cn.ShapeError, match=r"backward of Product\(\) for output 1 got \(3,\)"):
        product.backward(*drawn((2,), (3,)))
    product.forget()
    product(*drawn((2,), (2,)))
    with pytest.raises(cn.DTypeError, match=r"float32 gradient for its torch\.float64 output 0"):
        product.backward(torch.ones(2), *drawn((2,)))


@pytest.mark.parametrize(
    ("gradients", "message"),
    [
        (torch.ones(2), "returns Tensor, expected a tuple of 2 gradients"),
        ((torch.ones(2),), "returns a tuple of 1, expected a tuple of 2"),
        ((torch.ones(2), None), "returns None for input 1, which has a gradient: return a tensor"),
        (None, "returns None, expected a tuple of 2"),
    ],
)
def test_gradients_that_a_backward_forgets_are_said(gradients, message):
    returns = Returns(gradients)
    returns(torch.ones(2), torch.ones(2))
    with pytest.raises(cn.BackwardError, match=message):
        returns.backward(torch.ones(2))


def test_a_gradient_of_integers_is_refused():
    returns = Returns((torch.ones(2), torch.ones(2)))
    returns(torch.ones(2), torch.tensor([1, 2]))
    with pytest.raises(cn.BackwardError, match="returns Tensor for input 1, which has no gradient: return None"):
        returns.backward(torch.ones(2))


def test_none_stands_for_the_gradient_of_an_output_of_integers():
    class Largest(cn.Module):
        def forward(self, input):
            value, place = input.max(-1)
            self.save(place, input.shape)
            return value, place

        def backward(self, grad_value, grad_place):
            place, shape = self.saved()
            assert grad_place is None
            return grad_value.new_zeros(shape).scatter_(-1, place[..., None], grad_value[..., None])

    largest = Largest()
    largest(torch.tensor([[1.0, 5.0], [7.0, 2.0]]))
    assert largest.backward(torch.tensor([1.0, 2.0]), None).tolist() == [[0, 1], [2, 0]]
    largest(torch.ones(2, 2))
    with pytest.raises(cn.DTypeError, match=r"takes a torch\.Tensor for output 0, got None"):
        largest.backward(None, None)
