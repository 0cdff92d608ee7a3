"""Wrong gradients are found, and only the tensor that is wrong is blamed."""

import pytest
import torch
from torch import Tensor

import corenet as cn
from benchmarks.gradcheck_survey.pointwise import Pointwise
from corenet.testing.gradcheck.gradcheck import examine


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


class Affine(cn.Module):
    """``y = x Wᵀ + b``, with a place for a fault in each line of its backward."""

    def __init__(self, features=3, out=3):
        self.weight = cn.Parameter(draw(out, features))
        self.bias = cn.Parameter(draw(out))

    def forward(self, input):
        self.save(input)
        return input @ self.weight.T + self.bias

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += self.weight_gradient(grad_output, input)
        self.bias.grad += self.bias_gradient(grad_output)
        return self.input_gradient(grad_output)

    def weight_gradient(self, grad_output, input):
        return grad_output.T @ input

    def bias_gradient(self, grad_output):
        return grad_output.sum(0)

    def input_gradient(self, grad_output):
        return grad_output @ self.weight


AFFINE_FAULTS = {
    "sign": ("weight", {"weight_gradient": lambda self, dy, x: -(dy.T @ x)}),
    "divided by N": ("weight", {"weight_gradient": lambda self, dy, x: dy.T @ x / len(x)}),
    "transposed": ("weight", {"weight_gradient": lambda self, dy, x: x.T @ dy}),
    "doubled": ("weight", {"weight_gradient": lambda self, dy, x: 2 * dy.T @ x}),
    "one in a million off": ("weight", {"weight_gradient": lambda self, dy, x: dy.T @ x * (1 + 3e-6)}),
    "one element": ("weight", {"weight_gradient": lambda self, dy, x: dy.T @ x + torch.eye(3).roll(1) * 1e-3}),
    "forgotten": ("weight", {"weight_gradient": lambda self, dy, x: 0 * self.weight}),
    "not a number": ("weight", {"weight_gradient": lambda self, dy, x: dy.T @ x * float("nan")}),
    "infinite": ("weight", {"weight_gradient": lambda self, dy, x: dy.T @ x * float("inf")}),
    "mean for sum": ("bias", {"bias_gradient": lambda self, dy: dy.mean(0)}),
    "sum over the wrong dimension": ("bias", {"bias_gradient": lambda self, dy: dy[:3].sum(1)}),
    "sum over everything": ("bias", {"bias_gradient": lambda self, dy: dy.sum()}),
    "first row alone": ("bias", {"bias_gradient": lambda self, dy: dy[0]}),
    "weight not transposed": ("input", {"input_gradient": lambda self, dy: dy @ self.weight.T}),
    "passed on": ("input", {"input_gradient": lambda self, dy: dy}),
    "bias in it": ("input", {"input_gradient": lambda self, dy: dy @ self.weight + self.bias}),
}


def wrong(report):
    return [tensor.name for tensor in report.tensors if not tensor.ok]


def test_the_affine_map_without_a_fault_passes():
    report = cn.gradcheck(Affine(), draw(5, 3))
    assert [(tensor.name, tensor.shape, tensor.checked) for tensor in report.tensors] == [
        ("input", (5, 3), 15),
        ("weight", (3, 3), 9),
        ("bias", (3,), 3),
    ]
    assert report.error < 1e-8


@pytest.mark.parametrize("fault", AFFINE_FAULTS)
def test_a_fault_in_one_line_is_found_and_only_its_tensor_blamed(fault):
    blamed, methods = AFFINE_FAULTS[fault]
    faulty = type("Faulty", (Affine,), methods)()
    assert wrong(examine(faulty, draw(5, 3))) == [blamed]
    with pytest.raises(cn.GradientError, match=rf"Faulty\(\): gradient is wrong(.|\n)*{blamed} .*\n    at .* numeric"):
        cn.gradcheck(faulty, draw(5, 3))


@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        (torch.relu, torch.ones_like),  # the lost mask
        (torch.relu, lambda x: (x < 0).to(x.dtype)),
        (torch.relu, lambda x: x),
        (torch.tanh, lambda x: 1 - x**2),  # of the input, not of the output
        (torch.tanh, lambda x: 1 - torch.tanh(x)),
        (torch.sigmoid, lambda x: torch.sigmoid(x)),
        (torch.sigmoid, lambda x: torch.sigmoid(x) * (1 + torch.sigmoid(x))),
        (torch.square, torch.zeros_like),
        (torch.square, lambda x: x),
        (torch.abs, torch.ones_like),
    ],
)
def test_a_wrong_derivative_of_an_activation_is_found(function, derivative):
    assert wrong(examine(Pointwise(function, derivative), draw(4, 3))) == ["input"]


def test_a_mask_drawn_anew_in_backward_is_found():
    class Forgetful(cn.Module):
        def forward(self, input):
            return input * torch.bernoulli(torch.full_like(input, 0.5))

        def backward(self, grad_output):
            return grad_output * torch.bernoulli(torch.full_like(grad_output, 0.5))

    assert wrong(examine(Forgetful(), draw(20, 3))) == ["input"]


def test_a_gradient_written_over_what_was_there_is_found():
    class Overwriting(Affine):
        def backward(self, grad_output):
            (input,) = self.saved()
            self.weight.grad.copy_(grad_output.T @ input)
            self.bias.grad.copy_(grad_output.sum(0))
            return grad_output @ self.weight

    assert wrong(examine(Overwriting(), draw(5, 3))) == ["weight", "bias"]


def test_a_derivative_that_vanishes_for_equal_upstreams_is_looked_at_with_unequal_ones():
    # The outputs of a softmax add up to 1, so an upstream of ones has the gradient 0, as this backward has always.
    class Softmax(cn.Module):
        def forward(self, input):
            return input.softmax(1)

        def backward(self, grad_output):
            return torch.zeros_like(grad_output)

    assert wrong(examine(Softmax(), draw(4, 3))) == ["input"]


def test_a_parameter_left_out_is_found_inside_a_chain():
    class Lazy(Affine):
        def bias_gradient(self, grad_output):
            return 0 * self.bias

    assert wrong(examine(cn.Sequential(cn.Linear(3, 3), cn.Tanh(), Lazy(), cn.Tanh()), draw(4, 3))) == ["2.bias"]


def test_modules_run_back_in_the_wrong_order_are_found():
    class Confused(cn.Sequential):
        def backward(self, grad_output, input_gradient=True):
            for module in self:
                grad_output = module.backward(grad_output)
            return grad_output

    assert wrong(examine(Confused(cn.Linear(3, 3), cn.Tanh(), cn.Linear(3, 3)), draw(4, 3)))


def test_the_message_has_the_worst_element_ours_against_numeric():
    class Off(Affine):
        def weight_gradient(self, grad_output, input):
            right = grad_output.T @ input
            right[0, 1] += 0.1
            right[1, 2] += 100.0
            return right

    with pytest.raises(cn.GradientError) as caught:
        cn.gradcheck(Off(), draw(5, 3))
    worst = caught.value.report.tensors[1]
    assert worst.index == (1, 2)
    assert worst.ours - worst.numeric == pytest.approx(100)
    assert worst.error == pytest.approx(100 / abs(worst.numeric))
    assert f"at [1, 2]: ours {worst.ours:.8g}, numeric {worst.numeric:.8g}" in str(caught.value)


def test_a_fault_that_shows_with_strides_alone_is_found():
    class ByMemory(cn.Module):
        def forward(self, input):
            self.save(input)
            return input.square()

        def backward(self, grad_output):
            (input,) = self.saved()
            return grad_output * 2 * input.as_strided(input.shape, (input.shape[1], 1))

    assert examine(ByMemory(), draw(4, 4)).ok
    assert not examine(ByMemory(), draw(4, 4).T).ok


@pytest.mark.parametrize(
    ("methods", "named"),
    [
        ({"input_gradient": lambda self, dy: dy.T}, r"the gradient of input got \(3, 5\); expected \(5, 3\)"),
        ({"input_gradient": lambda self, dy: dy.sum(0)}, r"the gradient of input got \(3,\); expected \(5, 3\)"),
    ],
)
def test_a_gradient_of_another_shape_is_named(methods, named):
    with pytest.raises(cn.ShapeError, match=named):
        cn.gradcheck(type("Faulty", (Affine,), methods)(), draw(5, 3))


def test_a_loss_gradient_of_another_shape_is_named():
    class Reduced(cn.MSELoss):
        def backward(self):
            return super().backward().mean()

    with pytest.raises(cn.ShapeError, match=r"the gradient got \(\); expected the input's shape \(4, 3\)"):
        cn.gradcheck(Reduced(), draw(4, 3), draw(4, 3))


def test_a_parameter_half_that_differs_from_backward_is_found():
    class Forgetful(cn.Linear):
        def backward(self, grad_output):
            cn.Linear.backward_parameters(self, grad_output)
            return grad_output @ self.weight

        def backward_parameters(self, grad_output):
            (input,) = self.saved()
            self.weight.grad += grad_output.T @ input

    with pytest.raises(cn.GradientError, match="bias by backward_parameters"):
        cn.gradcheck(Forgetful(3, 2), torch.randn(4, 3))


def test_a_backward_that_changes_grad_output_is_found():
    class Greedy(cn.Module):
        def forward(self, input):
            self.save(input)
            return 2 * input

        def backward(self, grad_output):
            self.saved()
            return grad_output.mul_(2)

    with pytest.raises(cn.GradientError, match="changes grad_output in place"):
        cn.gradcheck(Greedy(), torch.randn(4, 3))
