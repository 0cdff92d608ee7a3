"""What gives other numbers at another call is named as that."""

import numpy as np
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


def test_numpy_s_random_numbers_are_named():
    class NumpyDropout(cn.Module):
        def forward(self, input):
            mask = torch.from_numpy(np.random.default_rng().integers(0, 2, input.shape) * 1.0)
            self.save(mask)
            return input * mask

        def backward(self, grad_output):
            (mask,) = self.saved()
            return grad_output * mask

    with pytest.raises(cn.GradientError, match="not repeatable: forward of the same input gives other numbers"):
        cn.gradcheck(NumpyDropout(), draw(8, 8))


def test_a_count_of_calls_in_the_output_is_named():
    class Counting(Square):
        calls = 0

        def forward(self, input):
            self.calls += 1
            return super().forward(input) * self.calls

    with pytest.raises(cn.GradientError, match="not repeatable: forward"):
        cn.gradcheck(Counting(), draw(4, 3))


def test_a_backward_that_is_another_at_the_second_call_is_named():
    class Restless(Square):
        calls = 0

        def backward(self, grad_output):
            self.calls += 1
            return super().backward(grad_output) * self.calls

    with pytest.raises(cn.GradientError, match="not repeatable: backward gives another gradient of input"):
        cn.gradcheck(Restless(), draw(4, 3))


def test_a_generator_of_its_own_is_named():
    class Noise(Square):
        def __init__(self):
            self.generator = torch.Generator().manual_seed(0)

        def forward(self, input):
            return super().forward(input) * torch.rand(input.shape, generator=self.generator)

    with pytest.raises(cn.GradientError, match=r"not repeatable: forward .* at the second call"):
        cn.gradcheck(Noise(), draw(4, 3))


@pytest.mark.parametrize("last", [3, 4, 8, 20])
def test_what_changes_at_a_later_call_is_not_called_a_kink(last):
    class WarmUp(cn.Module):
        calls = 0

        def forward(self, input):
            self.calls += 1
            return input * (1.0 if self.calls < last else 0.5)

        def backward(self, grad_output):
            return grad_output * (1.0 if self.calls < last else 0.5)

    with pytest.raises(cn.GradientError, match=r"not repeatable: (forward|backward) .* at (the second|a later) call"):
        cn.gradcheck(WarmUp(), draw(4, 3))


def test_dropout_is_repeatable():
    assert cn.gradcheck(cn.Dropout(0.5), draw(4, 3)).tensors[0].checked == 12
