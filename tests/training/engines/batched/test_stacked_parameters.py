"""Models in one memory: each tensor stays what it was, and is seen with those of the others."""

import torch

import corenet as cn
from corenet.training.engines.batched.stacked_parameters import Stack


class Holder(cn.Module):
    def __init__(self, value):
        self.scale = cn.Parameter(torch.tensor(value))  # of no dimension
        self.weights = [cn.Parameter(torch.full((2, 3), value))]
        self.mean = cn.Buffer(torch.full((3,), value))
        self.count = cn.Buffer(torch.tensor(int(value)))


def test_tensors_keep_their_identity_and_their_numbers():
    models = [Holder(1.0), Holder(2.0)]
    before = [dict(model.named_tensors()) for model in models]
    stack = Stack(models)
    for round, (model, tensors) in enumerate(zip(models, before, strict=True)):
        for name, tensor in model.named_tensors():
            assert tensor is tensors[name]
            assert torch.equal(stack.tensors[name][round], tensor)
            assert (tensor == round + 1).all()


def test_writing_to_a_column_writes_to_every_model():
    models = [Holder(1.0), Holder(2.0), Holder(3.0)]
    stack = Stack(models)
    stack.tensors["weights.0"][1] = 5
    stack.grads["scale"][2] = 7
    stack.buffers["count"] += 1
    assert (models[1].weights[0] == 5).all()
    assert [model.scale.grad.item() for model in models] == [0, 0, 7]
    assert [model.count.item() for model in models] == [2, 3, 4]
    assert stack.parameters.shape == stack.gradients.shape == (3, 7)
    models[0].weights[0].grad += 4
    assert stack.gradients.sum() == 6 * 4 + 7
