"""Backward adds to the gradients that are there, whatever their size."""

import pytest
import torch
from torch import Tensor

import corenet as cn
from corenet.testing.gradcheck.accumulation import refill
from corenet.testing.gradcheck.deterministic import Deterministic
from corenet.testing.gradcheck.gradcheck import examine


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


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


class Doubling(cn.Linear):
    """Adds twice what is there, which shows only where something is."""

    def backward_parameters(self, grad_output):
        self.weight.grad *= 2
        super().backward_parameters(grad_output)


@pytest.mark.parametrize(("layer", "filled"), [(cn.Linear, False), (Doubling, True)])
def test_a_gradient_is_put_there_first_only_for_a_backward_that_does_not_add(layer, filled):
    function = Deterministic(layer(3, 2), [draw(4, 3)], seed=0)
    refill(function, torch.ones(4, 2, dtype=torch.float64))
    assert (function.previous > 0) is filled
    assert examine(layer(3, 2), draw(4, 3)).ok is not filled
