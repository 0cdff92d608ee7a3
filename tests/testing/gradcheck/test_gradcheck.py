"""The gradient check lets right gradients pass, and none of the wrong ones."""

from importlib import import_module

import pytest
import torch
from torch import Tensor

import corenet as cn
from corenet.testing.gradcheck.gradcheck import examine

gradcheck_module = import_module("corenet.testing.gradcheck.gradcheck")


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


def pointwise(function, derivative):
    """Return a module of an elementwise function and what passes for its derivative."""

    class Pointwise(cn.Module):
        def forward(self, input):
            self.save(input)
            return function(input)

        def backward(self, grad_output):
            (input,) = self.saved()
            return grad_output * derivative(input)

    return Pointwise()


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
    assert wrong(examine(pointwise(function, derivative), draw(4, 3))) == ["input"]


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


def squared(factor=1.0, value=torch.Tensor.mean):
    class Squared(cn.Loss):
        def forward(self, input, target):
            self.save(input, target)
            return value((input - target).square())

        def backward(self):
            input, target = self.saved()
            return factor * 2 * (input - target)

    return Squared()


@pytest.mark.parametrize(
    ("value", "factor", "right"),
    [
        (torch.Tensor.mean, 1 / 12, True),
        (torch.Tensor.mean, 1.0, False),  # the missing 1/N
        (torch.Tensor.mean, 1 / 4, False),  # by points, not by elements
        (torch.Tensor.mean, -1 / 12, False),
        (torch.Tensor.sum, 1.0, True),
        (torch.Tensor.sum, 0.5, False),
        (torch.Tensor.clone, 1.0, True),  # unreduced: the gradient of the sum
        (torch.Tensor.clone, 1 / 12, False),
    ],
)
def test_a_loss_is_held_to_the_number_that_it_returned(value, factor, right):
    report = examine(squared(factor, value), draw(4, 3), draw(3, 4).reshape(4, 3).flip(0))
    assert report.ok is right
    assert [tensor.name for tensor in report.tensors] == ["input"]


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


def test_kinks_are_left_out_and_counted():
    input = torch.tensor([[-1.0, 0.0, 1.0], [0.0, 2.0, 1e-7]])
    report = cn.gradcheck(cn.ReLU(), input)
    assert (report.tensors[0].checked, report.tensors[0].kinks) == (4, 2)
    assert "4 elements, 2 at kinks left out" in str(report)


def test_where_there_are_only_kinks_nothing_is_proven():
    with pytest.raises(cn.GradientError, match=r"ReLU\(\): nothing could be compared"):
        cn.gradcheck(cn.ReLU(), torch.zeros(2, 2))


def test_a_steep_but_smooth_function_has_no_kinks():
    report = cn.gradcheck(pointwise(lambda x: torch.exp(3 * x), lambda x: 3 * torch.exp(3 * x)), draw(4, 3))
    assert report.tensors[0].kinks == 0
    assert cn.gradcheck(cn.BCELoss(), torch.tensor([0.02, 0.98]), torch.tensor([1.0, 0.0])).tensors[0].kinks == 0


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_small_and_large_inputs_are_checked_in_steps_of_their_own(scale):
    assert cn.gradcheck(pointwise(torch.square, lambda x: 2 * x), scale * draw(4, 3)).tensors[0].checked == 12


STRIDED = {
    "transposed": draw(3, 4).T,
    "every other": draw(4, 6)[:, ::2],
    "expanded": draw(3).expand(4, 3),
}


@pytest.mark.parametrize("input", STRIDED.values(), ids=STRIDED)
def test_strided_inputs_pass_and_stay_strided(input):
    seen = []

    class Watch(Affine):
        def forward(self, input):
            seen.append(input.stride())
            return super().forward(input)

    report = cn.gradcheck(Watch(), input)
    assert report.tensors[0].checked == 12
    assert set(seen) == ({input.stride()} if 0 not in input.stride() else {(3, 1)})


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


def test_of_a_large_tensor_elements_are_drawn_all_over_it(monkeypatch):
    assert gradcheck_module.MOST_ELEMENTS == 2000
    monkeypatch.setattr(gradcheck_module, "MOST_ELEMENTS", 80)
    assert cn.gradcheck(pointwise(torch.sin, torch.cos), draw(10, 10)).tensors[0].checked == 80
    assert cn.gradcheck(pointwise(torch.sin, torch.cos), draw(8, 10)).tensors[0].checked == 80

    last_row = pointwise(torch.sin, lambda x: torch.cos(x) * (torch.arange(10) < 9)[:, None])
    one, two = examine(last_row, draw(10, 10), seed=0), examine(last_row, draw(10, 10), seed=1)
    assert not one.ok
    assert one.tensors[0].index[0] == 9
    assert one == examine(last_row, draw(10, 10), seed=0)
    assert two != one


def test_targets_may_be_integers():
    class CrossEntropy(cn.Loss):
        def forward(self, input, target):
            self.save(input, target)
            return -input.log_softmax(1).gather(1, target[:, None]).mean()

        def backward(self):
            input, target = self.saved()
            one_hot = torch.zeros_like(input).scatter_(1, target[:, None], 1.0)
            return (input.softmax(1) - one_hot) / len(input)

    assert cn.gradcheck(CrossEntropy(), draw(4, 3), torch.tensor([0, 2, 1, 1])).tensors[0].checked == 12


def test_a_single_number_is_an_input():
    assert cn.gradcheck(cn.Tanh(), torch.tensor(0.3)).tensors[0].checked == 1


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


def test_tolerances_are_those_asked_for():
    slightly = pointwise(torch.sin, lambda x: torch.cos(x) * (1 + 1e-4))
    assert not examine(slightly, draw(4, 3)).ok
    assert cn.gradcheck(slightly, draw(4, 3), rtol=1e-3)
    assert cn.gradcheck(slightly, draw(4, 3), atol=1e-3)


@pytest.mark.parametrize(("subject", "count"), [(cn.ReLU(), 0), (cn.ReLU(), 2), (cn.MSELoss(), 1), (cn.MSELoss(), 3)])
def test_the_number_of_inputs_is_checked(subject, count):
    with pytest.raises(cn.ConfigError, match=f"takes {1 if count in (0, 2) else 2} tensors, got {count}"):
        cn.gradcheck(subject, *[draw(2, 2)] * count)


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


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_an_input_without_neighbours_is_refused(bad):
    with pytest.raises(cn.ConfigError, match="needs finite inputs"):
        cn.gradcheck(cn.ReLU(), torch.tensor([1.0, bad]))
