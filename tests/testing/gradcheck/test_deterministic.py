"""A component is checked as a function of its tensors alone, and left as it was."""

import numpy as np
import pytest
import torch
from torch import Tensor

import corenet as cn
from corenet.testing.gradcheck.gradcheck import examine


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


class Square(cn.Module):
    def forward(self, input):
        self.save(input)
        return input * input

    def backward(self, grad_output):
        (input,) = self.saved()
        return 2 * input * grad_output


def test_random_layers_are_held_still():
    report = cn.gradcheck(cn.Sequential(cn.Linear(3, 8), cn.Dropout(0.5), cn.Linear(8, 2)), draw(5, 3))
    assert report.tensors[0].checked == 15


def test_buffers_are_held_still_wherever_they_are():
    class Centre(cn.Module):
        def __init__(self):
            self.means = [cn.Buffer(torch.zeros(3))]

        def forward(self, input):
            output = input * (1 + self.means[0])
            self.save(self.means[0].clone())
            self.means[0] += 1
            return output

        def backward(self, grad_output):
            (mean,) = self.saved()
            return grad_output * (1 + mean)

    centre = Centre()
    assert cn.gradcheck(centre, draw(4, 3)).error < 1e-8
    assert centre.means[0].tolist() == [0, 0, 0]


def test_the_component_and_its_inputs_stay_as_they_are():
    model = cn.Sequential(cn.Linear(3, 2), cn.Dropout(0.5), cn.Tanh())
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    input = draw(4, 3)
    model(input)
    model.backward(torch.ones(4, 2))
    model(input)
    saved = model[0]._saved
    model[1].eval()
    before = model.state_dict(), [parameter.grad.clone() for parameter in model.parameters()], input.clone()
    state = torch.get_rng_state()

    cn.gradcheck(model, input)

    after = model.state_dict(), [parameter.grad for parameter in model.parameters()], input
    torch.testing.assert_close(after, before, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in model] == [True, False, True]
    assert model[0]._saved is saved
    assert model[0].weight.dtype == torch.float32
    optimizer.step()  # and is still the one that the optimizer knows
    assert not torch.equal(model[0].weight, before[0]["0.weight"])


def test_a_loss_and_its_tensors_stay_as_they_are():
    loss, input, target = cn.MSELoss(), draw(4, 3), draw(4, 3).flip(0)
    before = input.clone(), target.clone()
    loss(input, target)
    cn.gradcheck(loss, input, target)
    torch.testing.assert_close((input, target), before, rtol=0, atol=0)
    torch.testing.assert_close(loss.backward(), 2 * (input - target) / 12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_inputs_and_parameters_of_any_dtype_are_checked_in_float64(dtype):
    assert cn.gradcheck(cn.Linear(3, 2, dtype=dtype), draw(4, 3).to(dtype)).error < 1e-8


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


def test_an_input_that_requires_grad_is_taken_as_numbers():
    assert cn.gradcheck(Square(), draw(4, 3).requires_grad_()).error < 1e-9
    assert cn.gradcheck(cn.Linear(3, 2), draw(4, 3).requires_grad_())


def test_a_gradient_of_any_size_adds_to_what_is_there():
    class Overwriting(cn.Linear):
        def backward_parameters(self, grad_output):
            (input,) = self.saved()
            self.weight.grad.copy_(grad_output.T @ input)
            self.bias.grad += grad_output.sum(0)

    for size in (1e-12, 1.0, 1e12):
        assert cn.gradcheck(cn.Linear(3, 2), size * draw(4, 3))
        wrong = examine(Overwriting(3, 2), size * draw(4, 3))
        assert [tensor.name for tensor in wrong.tensors if not tensor.ok] == ["weight"]
