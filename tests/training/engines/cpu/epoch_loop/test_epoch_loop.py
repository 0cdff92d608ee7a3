"""Whole epochs in one call, the smaller last batch and what is measured after each included, are the plain training."""

import warnings

import pytest
import torch

import corenet as cn

pytestmark = pytest.mark.usefixtures("needs_compiler")


def noise():
    return cn.Dropout(0.3)


@pytest.mark.parametrize("middle", [(), (noise,), (noise, noise)])
@pytest.mark.parametrize("batch_size", [7, 8, 17, 26, 52])
def test_what_remains_of_an_epoch_is_learnt_from_in_its_turn(batch_size, middle, same, together, build):
    history = same(build(*middle), measured=False, batch_size=batch_size)
    assert sum(together) >= 30
    assert len(history) == 40


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_each_epoch_has_its_own_loss(reduction, same, together, build):
    losses = same(build(loss=lambda: cn.MSELoss(reduction), lr=0.002)).losses
    assert max(together) > 10
    assert len(set(losses)) == 40


@pytest.mark.parametrize("metrics", [None, [], [cn.accuracy], [cn.accuracy, cn.error_rate]])
@pytest.mark.parametrize("batch_size", [8, 53])
def test_what_is_measured_of_outputs_is_measured_in_passing(batch_size, metrics, same, together, build):
    history = same(build(noise), batch_size=batch_size, metrics=metrics)
    assert max(together) > 10
    assert len({each.valid["loss"] for each in history}) == 40


def test_rates_without_validation_data_too(same, together, build):
    assert set(same(build(), measured=False, metrics=[cn.error_rate])[-1].train) == {"error_rate"}
    assert max(together) > 10


@pytest.mark.parametrize(
    ("loss", "last"), [(cn.BCEWithLogitsLoss, cn.Sequential), (cn.MSELoss, cn.Tanh), (cn.BCELoss, cn.Sigmoid)]
)
def test_every_loss_is_measured(loss, last, same, together, build):
    same(build(loss=loss, last=last, lr=0.02))
    assert max(together) > 10


def test_a_metric_of_ones_own_sees_each_epoch(same, together, build):
    weights = []

    def norm(model, data):
        weights.append(model[0].weight.sum().item())
        return weights[-1]

    same(build(), metrics=[norm, cn.error_rate])
    assert weights[:80] == pytest.approx(weights[80:], rel=1e-9)  # of both engines
    assert len(set(weights[:80])) == 40  # on two parts of the data the same
    assert set(together) <= {1}


def test_a_data_set_that_augments_is_asked_for_each_epoch(same, together, build, points):
    class Shifted(cn.data.Dataset):
        def shuffled(self, seed, *epochs):
            inputs, targets = super().shuffled(seed, *epochs)
            return inputs + 0.01 * torch.randn(inputs.shape, dtype=inputs.dtype), targets

    def fitted(engine):
        torch.manual_seed(1)
        model, loss, optimizer = build(noise)()
        data = Shifted(points[0].inputs, points[0].targets)
        return cn.fit(model, loss, optimizer, data, points[1], epochs=20, batch_size=8, engine=engine, progress=False)

    assert fitted("compiled").losses == pytest.approx(fitted("plain").losses, rel=1e-10)
    assert set(together) <= {1}


class Averages(cn.Module):
    """Subtracts the mean of the batch in training, a running mean in evaluation."""

    def __init__(self):
        self.mean = cn.Buffer(torch.zeros(6))

    def forward(self, input):
        if not self.training:
            return input - self.mean
        self.mean.mul_(0.9).add_(input.mean(0), alpha=0.1)
        self.save(input)
        return input - input.mean(0)

    def backward(self, grad_output):
        self.saved()
        return grad_output - grad_output.mean(0)


def test_evaluation_reads_the_buffers_of_its_epoch(same, together, build):
    same(build(Averages, lr=0.05))
    assert max(together) > 10


class CountsEvaluations(cn.Tanh):
    """Keeps a number that is no tensor, in evaluation alone."""

    evaluations = 0

    def forward(self, input):
        if not self.training:
            self.evaluations += 1
        return super().forward(input)


class DrawsInEvaluation(cn.Tanh):
    """Adds noise in evaluation."""

    def forward(self, input):
        output = super().forward(input)
        return output if self.training else output + 0.1 * torch.rand_like(output)


class LooksInEvaluation(cn.Tanh):
    """Looks at its numbers in evaluation."""

    def forward(self, input):
        output = super().forward(input)
        return output if self.training or output.sum().item() > 0 else 2 * output


@pytest.mark.parametrize("kind", [DrawsInEvaluation, LooksInEvaluation])
def test_an_evaluation_that_cannot_be_recorded_is_plain(kind, same, together, build):
    same(build(kind))
    assert together == []


def test_an_evaluation_that_changes_what_a_step_reads_is_plain(everything, build, points):
    made = []
    for engine in ("plain", "compiled"):
        torch.manual_seed(1)
        model, loss, optimizer = build(CountsEvaluations)()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cn.EngineWarning)  # it changes too often
            cn.fit(model, loss, optimizer, points[0], points[1], epochs=20, batch_size=8, engine=engine, progress=False)
        made.append((everything(model, optimizer), model[2].evaluations))
    torch.testing.assert_close(*made, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("epoch", [2, 9, 30])
@pytest.mark.parametrize("change", ["in place", "another tensor"])
def test_validation_data_that_somebody_changes_are_heeded(
    change, epoch, everything, together, monkeypatch, build, points
):
    """Nobody's code runs within a call, so whoever shows progress may change them between two."""
    made = []
    for engine in ("plain", "compiled"):
        torch.manual_seed(1)
        model, loss, optimizer = build()()
        valid = cn.data.Dataset(points[1].inputs.clone(), points[1].targets.clone())
        fit = {"epochs": epoch, "batch_size": 8, "engine": engine, "progress": False}
        first = cn.fit(model, loss, optimizer, points[0], valid, **fit)
        if change == "in place":
            valid.inputs.mul_(2)
        else:
            valid.inputs = 2 * valid.inputs
        fit |= {"epochs": 2 * epoch, "initial_epoch": epoch}
        second = cn.fit(model, loss, optimizer, points[0], valid, **fit)
        made.append((everything(model, optimizer), [dict(each.valid) for each in (*first, *second)]))
    torch.testing.assert_close(*made, rtol=1e-10, atol=1e-11)
