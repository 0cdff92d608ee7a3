"""Other tensors in a module's places: used wherever the originals are, and gone afterwards."""

import pytest
import torch

import corenet as cn
from corenet.contracts.substitute import substituted_tensors


@pytest.fixture
def model():
    return cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1))


def test_the_module_computes_with_what_stands_in(model):
    other = cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1))
    input = torch.randn(5, 2)
    mine, theirs = model.eval()(input), other.eval()(input)
    with substituted_tensors(model, other.state_dict()):
        assert torch.equal(model(input), theirs)
        assert len(model.parameters()) == 4
    assert torch.equal(model(input), mine)


def test_gradients_go_to_what_stands_in(model):
    weight = torch.ones(1, 3)
    weight.grad = torch.zeros(1, 3)
    with substituted_tensors(model, {"2.weight": weight}):
        model.backward(torch.ones_like(model(torch.randn(5, 2))))
    assert weight.grad.any()
    assert not model[2].weight.grad.any()
    assert model[2].bias.grad.item() == 5


def test_the_originals_come_back_after_an_error(model):
    before = dict(model.named_tensors())
    with pytest.raises(ZeroDivisionError), substituted_tensors(model, {"0.bias": torch.zeros(3)}):
        raise ZeroDivisionError
    after = dict(model.named_tensors())
    assert all(after[name] is tensor for name, tensor in before.items())


def test_tied_weights_and_containers_are_found():
    class Holder(cn.Module):
        def __init__(self):
            shared = cn.Parameter(torch.ones(1))
            self.first, self.again = shared, [shared]
            self.named = {"mean": cn.Buffer(torch.zeros(1))}

        def forward(self, input):
            return input * self.first * self.again[0] + self.named["mean"]

    holder = Holder()
    with substituted_tensors(holder, {"first": torch.full((1,), 3.0), "named.mean": torch.ones(1)}):
        assert holder(torch.ones(1)).item() == 10
    assert holder(torch.ones(1)).item() == 1
