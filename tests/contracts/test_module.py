"""The contract of a module: its two methods, what they take and return, the checks that they may use."""

import pytest
import torch

import corenet as cn


def test_a_module_needs_no_super_init(scale):
    module = scale()
    assert module.training
    assert module(torch.tensor([3.0])).tolist() == [6.0]
    assert module.backward(torch.tensor([1.0])).tolist() == [2.0]
    assert module.weight.grad.tolist() == [3.0]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("forward", (torch.ones(1),)), ("backward", (torch.ones(1),))],
    ids=["forward", "backward"],
)
def test_a_method_left_out_says_so(method, arguments):
    with pytest.raises(NotImplementedError, match=rf"Module must define {method}\(self"):
        getattr(cn.Module(), method)(*arguments)


def test_backward_parameters_is_the_whole_backward_unless_a_module_has_a_cheaper_half(scale):
    module = scale()
    module(torch.tensor([3.0]))
    assert module.backward_parameters(torch.tensor([1.0])) is None
    assert module.weight.grad.tolist() == [3.0]


def test_backward_adds_to_grad(scale):
    module = scale()
    for _ in range(3):
        module(torch.tensor([5.0]))
        module.backward(torch.tensor([1.0]))
    assert module.weight.grad.tolist() == [15.0]


def test_reset_parameters_reaches_every_module_below(scale, counting):
    module = counting()
    module.reset_parameters()
    assert [each.weight.item() for _, each in module.named_modules() if isinstance(each, scale)] == [1.0] * 4


# The checks that a module's author may use.


@pytest.mark.parametrize(
    ("input", "error", "message"),
    [
        ([1.0], cn.DTypeError, r"Scale\(\) takes a torch\.Tensor, got list"),
        (torch.ones(2, dtype=torch.int32), cn.DTypeError, r"got torch\.int32; use input\.float\(\)"),
        (torch.ones(2, requires_grad=True), cn.ConfigError, r"use input\.detach\(\)"),
    ],
)
def test_check_floating_refuses_what_has_no_gradient(input, error, message, scale):
    with pytest.raises(error, match=message):
        scale().check_floating(input)


def test_check_matches_names_both_dtypes_and_both_devices(scale):
    module = scale()
    with pytest.raises(cn.DTypeError, match=r"torch\.float32 parameters and got torch\.float64 input"):
        module.check_matches(torch.ones(1).double(), module.weight)
    with pytest.raises(cn.DeviceError, match=r"is on cpu and got input on meta; use model\.to\(device=\.\.\.\)"):
        module.check_matches(torch.ones(1, device="meta"), module.weight)


@pytest.mark.parametrize("half", ["backward", "backward_parameters"])
@pytest.mark.parametrize("shape", [(1,), (2, 1), (1, 2), ()])
def test_a_grad_output_of_another_shape_is_refused_never_broadcast(half, shape, scale):
    module = scale()
    module(torch.ones(2))
    with pytest.raises(
        cn.ShapeError, match=r"backward of Scale\(\) got .*expected the output's shape \(2,\)"
    ) as caught:
        getattr(module, half)(torch.ones(shape))
    assert caught.value.shape == shape
    assert module.weight.grad.item() == 0
    assert module.backward(torch.ones(2)).tolist() == [2.0, 2.0]


def test_forward_and_backward_leave_their_arguments_alone(scale):
    module, input, grad_output = scale(), torch.tensor([1.0, -2.0]), torch.tensor([3.0, 4.0])
    module(input)
    module.backward(grad_output)
    assert (input.tolist(), grad_output.tolist()) == ([1.0, -2.0], [3.0, 4.0])


def test_the_repr_is_the_class_called(scale):
    assert repr(scale()) == "Scale()"


def test_a_failed_check_runs_no_forward(negate):
    class Picky(negate):
        def check(self, input):
            self.check_floating(input)

        def forward(self, input):
            raise AssertionError("forward ran")

    with pytest.raises(cn.DTypeError):
        Picky()(torch.ones(1, dtype=torch.int64))


class Scaled(cn.Linear):
    def forward(self, input):
        return 2 * super().forward(input)

    def backward(self, grad_output):
        return super().backward(2 * grad_output)


def test_an_inherited_parameter_half_follows_the_new_backward():
    x, g = torch.randn(5, 3), torch.randn(5, 2)
    whole, half = Scaled(3, 2), Scaled(3, 2)
    for module, backward in ((whole, whole.backward), (half, half.backward_parameters)):
        module(x)
        backward(g)
    assert torch.equal(whole.weight.grad, half.weight.grad)
    assert torch.equal(whole.weight.grad, 2 * g.T @ x)


class RowSum(cn.Linear):
    def forward(self, input):
        return super().forward(input).sum(-1)

    def backward(self, grad_output):
        return super().backward(grad_output.unsqueeze(-1).expand(-1, self.out_features))


def test_a_subclass_may_change_the_shape_of_the_output():
    assert cn.gradcheck(RowSum(3, 2), torch.randn(5, 3))
    module = RowSum(3, 2)
    module(torch.randn(5, 3))
    with pytest.raises(cn.ShapeError, match=r"expected the output's shape \(5,\)"):
        module.backward(torch.ones(5, 2))


def test_a_parameter_of_the_class_is_refused():
    with pytest.raises(cn.StructureError, match="w belongs to the class"):
        type("Shared", (cn.Module,), {"w": cn.Parameter(torch.ones(2))})


@pytest.mark.parametrize("saves", [True, False])
@pytest.mark.parametrize(
    ("output", "kind"),
    [(None, "NoneType"), ([torch.ones(2)], "list"), ((torch.ones(2), 1), "tuple"), ((), "tuple"), (2.0, "float")],
)
def test_a_forward_that_returns_no_tensor_says_so_and_leaves_nothing_saved(output, kind, saves):
    class Odd(cn.Module):
        def forward(self, input):
            if saves:
                self.save(input)
            return output

    odd = Odd()
    with pytest.raises(
        cn.DTypeError, match=rf"^Odd\(\): forward returns {kind}, not a tensor( or a tuple of tensors)?$"
    ):
        odd(torch.ones(2))
    assert odd._saved is None


@pytest.mark.parametrize(("gradient", "kind"), [(None, "None"), (2.0, "float"), (torch.ones(2).numpy(), "ndarray")])
def test_a_backward_that_returns_no_tensor_says_so(gradient, kind):
    class Odd(cn.Module):
        def forward(self, input):
            return input

        def backward(self, grad_output):
            return gradient

    model = cn.Sequential(cn.Linear(2, 2), Odd())
    model(torch.ones(2))
    with pytest.raises(cn.DTypeError, match=rf"^Odd\(\): backward returns {kind}, not a tensor$"):
        model.backward(torch.ones(2))


def test_the_parameter_half_of_a_backward_returns_nothing():
    linear = cn.Linear(2, 1)
    linear(torch.ones(2))
    assert linear.backward_parameters(torch.ones(1)) is None
    assert linear.weight.grad.tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_input_that_may_be_left_out_is_not_blamed_for_what_else_goes_wrong(error):
    class Masked(cn.Module):
        def forward(self, input, mask=None):
            if len(input) == 2:
                raise error("the very one")
            return input + mask

    with pytest.raises(error, match="the very one"):
        Masked()(torch.ones(2), None)
    with pytest.raises(cn.DTypeError, match=r"takes torch.Tensors, got NoneType"):
        Masked()(torch.ones(3), None)
