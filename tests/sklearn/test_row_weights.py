"""A loss whose rows have weights: held against autograd's, and against rows that are repeated."""

import pytest
import torch

import corenet as cn
from corenet.sklearn.row_weights import RowWeightedLoss

WEIGHTS = torch.tensor([0.5, 2.0, 1.3, 0.2, 3.0], dtype=torch.float64)
INDICES = torch.tensor([2, 0, 1, 1, 2])


def weighted_mean(values):
    return (WEIGHTS * values.reshape(5, -1).mean(1)).sum() / WEIGHTS.sum()


ORACLES = {
    "mse": (cn.MSELoss(), lambda x, t: weighted_mean((x - t) ** 2), torch.rand(5, 3).double()),
    "mae": (cn.MAELoss("sum"), lambda x, t: weighted_mean((x - t).abs()), torch.rand(5, 3).double()),
    "bce_with_logits": (
        cn.BCEWithLogitsLoss(),
        lambda x, t: weighted_mean(torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none")),
        torch.rand(5, 3).double(),
    ),
    "cross_entropy": (
        cn.CrossEntropyLoss(label_smoothing=0.1),
        lambda x, t: weighted_mean(torch.nn.functional.cross_entropy(x, t, reduction="none", label_smoothing=0.1)),
        INDICES,
    ),
}


@pytest.mark.parametrize("name", ORACLES)
def test_it_is_the_weighted_mean_and_so_is_its_gradient(name):
    inner, oracle, target = ORACLES[name]
    input = torch.randn(5, 3, dtype=torch.float64)
    loss = RowWeightedLoss(inner)
    found, gradient = loss(input, (target, WEIGHTS)), loss.backward()
    expected = oracle(input.requires_grad_(True), target)
    expected.backward()
    torch.testing.assert_close(found, expected.detach())
    torch.testing.assert_close(gradient, input.grad)
    assert cn.gradcheck(RowWeightedLoss(inner), torch.randn(5, 3), (target, WEIGHTS)).ok


def test_a_row_of_weight_two_is_two_rows():
    input, target = torch.randn(4, 2), torch.randn(4, 2)
    again, once = torch.tensor([0, 1, 1, 2, 3, 3, 3]), cn.MSELoss()
    repeated = once(input[again], target[again])
    assert RowWeightedLoss(cn.MSELoss())(input, (target, torch.tensor([1.0, 2.0, 1.0, 3.0]))).item() == pytest.approx(
        repeated.item()
    )


def test_the_loss_of_the_rows_is_left_as_it_is():
    inner = cn.MSELoss("sum")
    weighted = RowWeightedLoss(inner)
    assert (inner.reduction, weighted.loss.reduction) == ("sum", "none")
    assert weighted.predictions(torch.tensor([3.0])).item() == 3.0


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled"])
def test_every_engine_trains_by_it(engine):
    def trained(engine):
        torch.manual_seed(3)
        model = cn.Sequential(cn.Linear(2, 7), cn.Tanh(), cn.Linear(7, 3))
        data = cn.data.Dataset(torch.randn(40, 2), (torch.arange(40) % 3, torch.rand(40)))
        loss, optimizer = RowWeightedLoss(cn.CrossEntropyLoss()), cn.Adam(model.parameters(), lr=0.01)
        history = cn.fit(model, loss, optimizer, data, epochs=20, batch_size=16, progress=False, engine=engine)
        return history, model.state_dict()

    history, found = trained(engine)
    assert history.engine == engine
    for name, tensor in trained("plain")[1].items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-4, atol=1e-5)


def test_what_it_cannot_weigh_is_refused():
    class Bare(cn.Loss):
        def forward(self, input, target):
            return (input - target).sum()

        def backward(self):
            return torch.ones(2)

    with pytest.raises(cn.ConfigError, match="weights of rows need a loss with a reduction"):
        RowWeightedLoss(Bare())
    loss = RowWeightedLoss(cn.MSELoss())
    with pytest.raises(cn.ShapeError, match="one for each of 4 rows"):
        loss(torch.zeros(4, 1), (torch.zeros(4, 1), torch.ones(3)))
    with pytest.raises(cn.ConfigError, match="as a tuple"):
        loss(torch.zeros(4, 1), torch.zeros(4, 1))


def test_micro_batches_are_only_for_rows_of_one_weight():
    loss = RowWeightedLoss(cn.MSELoss())
    assert loss.weighs_points_alike((torch.zeros(3, 1), torch.full((3,), 2.0)))
    assert not loss.weighs_points_alike((torch.zeros(3, 1), torch.tensor([1.0, 2.0, 1.0])))
