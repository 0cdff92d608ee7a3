"""A tensor that forward or backward changes in place is named, and by which."""

import pytest
import torch
from torch import Tensor

import corenet as cn


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


class Square(cn.Module):
    def forward(self, input):
        self.save(input)
        return input * input

    def backward(self, grad_output):
        (input,) = self.saved()
        return 2 * input * grad_output


def test_an_input_changed_by_backward_is_named():
    class Overwrites(Square):
        def backward(self, grad_output):
            (input,) = self.saved()
            return input.mul_(2).mul_(grad_output)

    with pytest.raises(cn.GradientError, match="backward changes its input in place"):
        cn.gradcheck(Overwrites(), draw(4, 3))


def test_an_input_changed_by_forward_is_named():
    class Doubles(Square):
        def forward(self, input):
            return super().forward(input.mul_(2))

    with pytest.raises(cn.GradientError, match="forward changes its input in place"):
        cn.gradcheck(Doubles(), draw(4, 3))


def test_a_target_changed_by_a_loss_is_named():
    class Shifts(cn.MSELoss):
        def forward(self, input, target):
            return super().forward(input, target.add_(1))

    with pytest.raises(cn.GradientError, match="forward changes its target in place"):
        cn.gradcheck(Shifts(), draw(4, 3), draw(4, 3).flip(0))


def test_a_parameter_changed_by_backward_is_named():
    class Shrinks(cn.Linear):
        def backward(self, grad_output):
            result = super().backward(grad_output)
            self.weight.mul_(0.9)
            return result

    with pytest.raises(cn.GradientError, match="backward changes weight in place"):
        cn.gradcheck(Shrinks(3, 2), draw(4, 3))


def test_a_relu_in_place_is_no_kink():
    class InPlace(cn.Module):
        def forward(self, input):
            input.clamp_(min=0)
            self.save(input)
            return input + 0

        def backward(self, grad_output):
            (input,) = self.saved()
            return grad_output * (input > 0)

    with pytest.raises(cn.GradientError, match="forward changes its input in place; work on a copy"):
        cn.gradcheck(InPlace(), draw(4, 3))


def test_a_target_changed_by_the_backward_of_a_loss_is_named():
    class Consumes(cn.MSELoss):
        def forward(self, input, target):
            self.target = target
            return super().forward(input, target)

        def backward(self):
            found = super().backward()
            self.target.zero_()
            return found

    with pytest.raises(cn.GradientError, match="backward changes its target in place"):
        cn.gradcheck(Consumes(), draw(4, 3), draw(4, 3).flip(0))


def test_what_is_changed_and_put_back_is_nobody_s_business():
    class Borrows(Square):
        def forward(self, input):
            input.mul_(2)
            result = input * input / 4
            input.div_(2)
            self.save(input)
            return result

    assert cn.gradcheck(Borrows(), draw(4, 3))
