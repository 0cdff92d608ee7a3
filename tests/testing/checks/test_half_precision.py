"""Components in bfloat16 and float16: right ones pass, what goes wrong in few digits alone is found."""

import pytest
import torch

import corenet as cn
from benchmarks.mutants import losses, maps, rows, several
from benchmarks.mutants.subjects import subjects

HALF = (torch.bfloat16, torch.float16)
OURS = "module.half_precision"


def classes(module):
    return [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]


@pytest.mark.parametrize("cls", [*classes(maps), *classes(rows), *classes(several)])
def test_right_modules_are_right_in_few_digits(cls, finding):
    assert finding(cls, OURS) == ""


@pytest.mark.parametrize("cls", [*classes(losses), cn.MSELoss, cn.MAELoss, cn.BCELoss, cn.BCEWithLogitsLoss])
def test_right_losses_are_right_in_few_digits(cls, finding):
    assert finding(cls, "loss.half_precision") == ""


class Affine(cn.Module):
    """``x Wᵀ + b``, whose backward is ``fault`` of the right gradients in ``dtypes``."""

    dtypes = HALF
    fault = staticmethod(lambda grad_input, grad_weight, grad_bias: (grad_input, grad_weight, grad_bias))

    def __init__(self, inputs: int, outputs: int):
        self.weight, self.bias = cn.Parameter(torch.randn(outputs, inputs)), cn.Parameter(torch.randn(outputs))

    def forward(self, input):
        self.save(input)
        return input @ self.weight.T + self.bias

    def backward(self, grad_output):
        (input,) = self.saved()
        rows = grad_output.reshape(-1, len(self.weight)), input.reshape(-1, self.weight.shape[1])
        right = grad_output @ self.weight, rows[0].T @ rows[1], rows[0].sum(0)
        found = self.fault(*right) if grad_output.dtype in self.dtypes else right
        self.weight.grad += found[1]
        self.bias.grad += found[2]
        return found[0]


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (lambda x, w, b: (2 * x, w, b), "input"),
        (lambda x, w, b: (x, w / 2, b), "weight"),
        (lambda x, w, b: (x, w, 0 * b), "bias"),
        (lambda x, w, b: (x, w + 0.5 * w.abs(), b), "weight"),
        (lambda x, w, b: (x + float("nan"), w, b), "input"),
        (lambda x, w, b: (x.where(x.abs() > 0.7, 0), w, b), "input"),
    ],
)
def test_a_fault_in_few_digits_alone_is_found(fault, name, dtype, finding):
    assert finding(Affine, OURS) == ""
    wrong = type("Wrong", (Affine,), {"fault": staticmethod(fault), "dtypes": (dtype,)})
    found = finding(wrong, OURS)
    assert f"in {str(dtype).removeprefix('torch.')}, the gradient of {name} is off by" in found
    assert "right in float64: look for what is done for half precision alone" in found
    assert finding(wrong, "module.float32") == ""
    assert finding(wrong, "module.input_gradient") == ""


def test_another_dtype_is_named(finding):
    class Widens(cn.Module):
        def forward(self, input):
            wide = input.float() if input.dtype in HALF else input
            self.save(wide.tanh())
            return wide.tanh()

        def backward(self, grad_output):
            (output,) = self.saved()
            return grad_output * (1 - output**2)

    assert "for an input of bfloat16, the output is torch.float32" in finding(Widens, OURS)


def test_an_error_in_few_digits_alone_is_named_and_a_refusal_is_none(finding):
    class Raises(Affine):
        error = RuntimeError("expected scalar type Float but found BFloat16")

        def forward(self, input):
            if input.dtype in HALF:
                raise self.error
            return super().forward(input)

    assert "in bfloat16 it raises RuntimeError: expected scalar type Float" in finding(Raises, OURS)
    for refusal in (cn.DTypeError("no half precision"), RuntimeError("\"svd\" not implemented for 'Half'")):
        assert finding(type("Refuses", (Raises,), {"error": refusal}), OURS) == ""


def test_an_overflow_beyond_the_dtype_is_found(finding):
    class Squares(cn.Module):
        """``x / √Σ x²``, with the sum of squares of numbers a thousand times as large."""

        def forward(self, input):
            length = (1000 * input).square().sum(-1, keepdim=True).sqrt() / 1000
            self.save(input / length, length)
            return input / length

        def backward(self, grad_output):
            output, length = self.saved()
            return (grad_output - output * (grad_output * output).sum(-1, keepdim=True)) / length

    assert "in float16" in finding(Squares, OURS)
    assert finding(Squares, "module.float32") == ""


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_loss_that_forgets_its_factor_in_few_digits_is_found(reduction, finding):
    class Square(cn.ElementwiseLoss):
        def elements(self, input, target):
            return (input - target) ** 2

        def derivative(self, input, target):
            return 2 * (input - target)

        def backward(self):
            gradient = super().backward()
            return gradient / 2 if gradient.dtype in HALF else gradient

    case = cn.Case({"reduction": reduction}, shape=(5, 3))
    assert "the gradient is off by 0.5 of its size" in finding(Square, "loss.half_precision", case)
    assert finding(Square, "loss.float32", case) == ""
    assert finding(cn.MSELoss, "loss.half_precision", case) == ""


def test_what_draws_other_numbers_in_each_dtype_is_skipped_after_its_dtypes():
    (result,) = [r for r in cn.testing.check_component(cn.Dropout, cases=[cn.Case()]).results if r.check == OURS]
    assert (result.verdict, result.message[:32]) == ("skipped", "it draws other random numbers in")


def doubled(cls):
    """Return the class with twice the gradients in half precision."""

    def backward(self, *upstreams, **options):
        found = cls.backward(self, *upstreams, **options)
        factor = 2 if any(each.dtype in HALF for each in (*upstreams, found) if isinstance(each, torch.Tensor)) else 1
        for parameter in self.parameters():
            parameter.grad *= factor
        gradients = [each if each is None else factor * each for each in (found if type(found) is tuple else [found])]
        return tuple(gradients) if type(found) is tuple else gradients[0]

    return type(cls.__name__, (cls,), {"backward": backward, "__module__": cls.__module__})


def test_a_factor_of_two_in_half_precision_alone_is_seen_in_every_component_that_draws_nothing(finding):
    chosen = [each for each in subjects() if issubclass(each, cn.Module | cn.Loss)]
    kinds = {each: "module" if issubclass(each, cn.Module) else "loss" for each in chosen}
    missed = [each.__name__ for each, kind in kinds.items() if not finding(doubled(each), f"{kind}.half_precision")]
    assert missed == ["Dropout"]
    assert len(chosen) > 100
