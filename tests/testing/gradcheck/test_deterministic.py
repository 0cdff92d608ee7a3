"""A component is checked as a function of its tensors alone, and left as it was."""

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


def test_an_input_that_requires_grad_is_taken_as_numbers():
    assert cn.gradcheck(Square(), draw(4, 3).requires_grad_()).error < 1e-9
    assert cn.gradcheck(cn.Linear(3, 2), draw(4, 3).requires_grad_())
