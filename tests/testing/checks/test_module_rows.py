"""Faults that show for some rows, magnitudes or upstream gradients only, each planted in a right module."""

import pytest
import torch

import corenet as cn
from corenet.testing import Case, check_component


class Cube(cn.Module):
    """``y = x³``."""

    def forward(self, input):
        self.save(input)
        return input**3

    def backward(self, grad_output):
        (input,) = self.saved()
        return self.changed(3 * input**2 * grad_output, input, grad_output)

    def changed(self, gradient, input, grad_output):
        return gradient


class LosesTheLastBlock(Cube):
    def changed(self, gradient, input, grad_output):
        if len(input) > 16:
            gradient[len(input) // 16 * 16 :] = 0
        return gradient


class LosesOneRowBeyond128(Cube):
    def changed(self, gradient, input, grad_output):
        gradient[128:129] = 0
        return gradient


class ClipsLargeInputs(Cube):
    def changed(self, gradient, input, grad_output):
        return gradient.where(input.abs() < 20, 0)


class DropsSmallInputs(Cube):
    def changed(self, gradient, input, grad_output):
        return gradient.where(input.abs() > 1e-4, 0) if input.abs().max() < 0.01 else gradient


class DropsEqualRows(Cube):
    def changed(self, gradient, input, grad_output):
        return gradient / 2 if len(input) > 1 and torch.equal(input[0], input[1]) else gradient


class DropsConstantRows(Cube):
    def changed(self, gradient, input, grad_output):
        constant = (input == input[..., :1]).all(-1, keepdim=True)
        return gradient.where(~constant | (input.shape[-1] == 1), 0)


class Rectified(Cube):
    """Ignores upstream gradients that are negative, if all are."""

    def changed(self, gradient, input, grad_output):
        return 0 * gradient if (grad_output < 0).all() else gradient


class DividesByTheUpstream(Cube):
    def changed(self, gradient, input, grad_output):
        return gradient / grad_output * grad_output


class NormalizesTheUpstream(Cube):
    def changed(self, gradient, input, grad_output):
        return gradient / max(1.0, grad_output.abs().max().item() / 100)


class TakesOnesForASum(Cube):
    def changed(self, gradient, input, grad_output):
        return gradient / gradient.numel() if (grad_output == 1).all() else gradient


WRONG = [
    (LosesTheLastBlock, "rows", "for 33 rows"),
    (LosesOneRowBeyond128, "rows", "for 130 rows"),
    (ClipsLargeInputs, "rows", "for numbers up to 30"),
    (DropsSmallInputs, "rows", "for numbers up to 0.001"),
    (DropsEqualRows, "rows", "for rows that are all the same"),
    (DropsConstantRows, "rows", "for rows that are constant"),
    (Rectified, "upstreams", "of negative numbers"),
    (DividesByTheUpstream, "upstreams", "of zeros and others"),
    (NormalizesTheUpstream, "upstreams", "of large numbers"),
    (TakesOnesForASum, "upstreams", "of ones"),
]


@pytest.mark.parametrize(("component", "check", "message"), WRONG, ids=lambda each: getattr(each, "__name__", each))
def test_a_fault_of_some_inputs_is_seen(component, check, message):
    report = check_component(
        component, cases=[Case(shape=(5, 3))], expected_failures={"module.mapped": "", "module.compiled": ""}
    )
    [failure] = [each for each in report.failures if each.check == f"module.{check}"]
    assert message in failure.message
    assert "module.input_gradient" not in [each.check for each in report.failures]


class Kinked(Cube):
    """``y = max(x, 0) + |x − 1|``: kinks, some of them under the equal and constant rows."""

    def forward(self, input):
        self.save(input)
        return input.clamp(min=0) + (input - 1).abs()

    def changed(self, gradient, input, grad_output):
        return grad_output * ((input > 0).double() + (input - 1).sign()).to(grad_output.dtype)


class RowMaximum(Cube):
    """``y = x − max x`` of each row: at constant rows every element is at a kink."""

    def forward(self, input):
        self.save(input)
        return input - input.amax(-1, keepdim=True)

    def changed(self, gradient, input, grad_output):
        largest = torch.zeros_like(input).scatter(-1, input.argmax(-1, keepdim=True), 1)
        return grad_output - largest * grad_output.sum(-1, keepdim=True)


class Wave(Cube):
    """``y = sin 50x``: curved at the size of a step."""

    def forward(self, input):
        self.save(input)
        return (50 * input).sin()

    def changed(self, gradient, input, grad_output):
        return 50 * (50 * input).cos() * grad_output


class Exponential(Cube):
    """``y = exp(x²)``, which overflows for large numbers."""

    def forward(self, input):
        self.save(input)
        return input.square().exp()

    def changed(self, gradient, input, grad_output):
        return 2 * input * input.square().exp() * grad_output


@pytest.mark.parametrize("component", [Cube, Kinked, RowMaximum, Wave, Exponential])
@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3), (3,)], ids=str)
def test_a_right_module_passes(component, shape):
    report = check_component(component, cases=[Case(shape=shape, kinks=(0.0, 1.0))])
    assert report.ok, report
