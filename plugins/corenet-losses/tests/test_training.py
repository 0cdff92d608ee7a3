"""A small network with each loss trains alike by every engine, and by none but the one that was asked for."""

import corenet as cn
import pytest
import torch

import corenet_losses as cl


class Heads(cn.Module):
    """Several outputs of one input: a head for each, the second of them squared where it is to be positive."""

    def __init__(self, count, width, positive=False):
        self.heads = [cn.Linear(5, width) for _ in range(count)]
        self.positive = positive

    def forward(self, input):
        outputs = [head(input) for head in self.heads]
        self.save(outputs[1])
        if self.positive:
            outputs[1] = outputs[1] * outputs[1] + 0.1
        return tuple(outputs)

    def backward(self, *gradients):
        (second,) = self.saved()
        slopes = [1.0, 2 * second if self.positive else 1.0, 1.0]
        pairs = zip(self.heads, gradients, slopes, strict=False)
        return sum(head.backward(gradient * slope) for head, gradient, slope in pairs)


def one(width):
    return cn.Linear(5, width)


CLASSES = torch.arange(83) % 3
SIGNS = 2.0 * (torch.arange(83) % 2) - 1
NUMBERS = 2 * cn.data.disk(83, seed=0).inputs[:, :1] - 1
WEIGHT = torch.tensor([0.5, 1.0, 2.0])
TRAININGS = [
    (cl.NLLLoss(), lambda: cn.Sequential(one(3), cn.LogSoftmax(1)), CLASSES),
    (cl.NLLLoss(WEIGHT, ignore_index=1), lambda: cn.Sequential(one(3), cn.LogSoftmax(1)), CLASSES),
    (cl.HingeLoss(), lambda: one(1), SIGNS[:, None].double()),
    (cl.MultiMarginLoss(2, weight=WEIGHT), lambda: one(3), CLASSES),
    (cl.HuberLoss(delta=0.3), lambda: one(1), NUMBERS.double()),
    (cl.SmoothL1Loss(beta=0.3), lambda: one(1), NUMBERS.double()),
    (cl.KLDivLoss("batchmean"), lambda: cn.Sequential(one(3), cn.LogSoftmax(1)), torch.eye(3)[CLASSES].double()),
    (cl.CosineEmbeddingLoss(0.2), lambda: Heads(2, 3), SIGNS.double()),
    (cl.TripletMarginLoss(swap=True), lambda: Heads(3, 3), SIGNS.double()),
    (cl.PoissonNLLLoss(full=True), lambda: one(1), CLASSES[:, None].double()),
    (cl.GaussianNLLLoss(), lambda: Heads(2, 1, positive=True), NUMBERS.double()),
    (cl.FocalLoss(), lambda: one(1), (CLASSES[:, None] == 1).double()),
]


def trained(loss, head, target, engine):
    torch.manual_seed(3)
    model = cn.Sequential(cn.Linear(2, 5), cn.Tanh(), head()).to(dtype=torch.float64)
    before = model.state_dict()
    data = cn.data.Dataset(cn.data.disk(83, seed=0).inputs.double(), target)  # the last batch of an epoch is smaller
    optimizer = cn.SGD(model.parameters(), lr=0.05, momentum=0.9)
    settings = {"epochs": 6, "batch_size": 10, "seed": 1, "progress": False, "engine": engine, "metrics": []}
    history = cn.fit(model, loss, optimizer, data, **settings)  # a fallback is a warning, hence an error
    assert history.engine == engine
    return before, model.state_dict(), history[-1].loss < history[0].loss


@pytest.mark.parametrize(("loss", "head", "target"), TRAININGS, ids=[repr(each[0]) for each in TRAININGS])
def test_engines_agree_and_the_loss_falls(loss, head, target):
    before, plain, falls = trained(loss.to(dtype=torch.float64), head, target, "plain")
    assert falls
    assert not any(torch.equal(plain[name], before[name]) for name in plain)
    for engine in ("replay", "compiled"):
        _, found, _ = trained(loss, head, target, engine)
        for name, value in plain.items():
            torch.testing.assert_close(found[name], value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled"])
def test_a_class_out_of_range_is_named_by_every_engine(engine):
    target = CLASSES.clone()
    target[50] = 7
    with pytest.raises(cn.RangeError, match="takes class indices from 0 to 2, as the input has 3 classes; got 7"):
        trained(cl.MultiMarginLoss(), lambda: one(3), target, engine)


def test_weights_that_differ_refuse_pieces_of_a_batch():
    model = cn.Sequential(cn.Linear(2, 3), cn.LogSoftmax(1))
    data = cn.data.Dataset(cn.data.disk(83, seed=0).inputs, CLASSES)
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(cn.ConfigError, match="does not weigh all points alike"):
        cn.fit(model, cl.NLLLoss(WEIGHT), optimizer, data, epochs=1, batch_size=20, micro_batch_size=5, progress=False)
