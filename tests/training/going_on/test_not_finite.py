"""A step whose numbers are not finite: what is told of it, and how it is left out."""

import math

import pytest
import torch

import corenet as cn

ENGINES = ["plain", "replay", "compiled"]
pytestmark = pytest.mark.usefixtures("needs_compiler")


class Spoils(cn.Module):
    """Hands on infinity for a point whose first number is above a bound, and keeps the largest it has seen."""

    def __init__(self):
        self.largest = cn.Buffer(torch.zeros(()))

    def forward(self, input):
        if self.training:
            self.largest.copy_(torch.maximum(self.largest, input.max()))
        return input + torch.where(input[:, :1] > 50, math.inf, 0.0)

    def backward(self, grad_output):
        return 1.0 * grad_output


def parts():
    torch.manual_seed(0)
    model = cn.Sequential(Spoils(), cn.Linear(2, 6), cn.Tanh(), cn.Dropout(0.3), cn.Linear(6, 1))
    return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1, momentum=0.9)


def data(*bad):
    """Return 56 points, of which some are bad."""
    good = cn.data.disk(56, seed=0)
    inputs = good.inputs.clone()
    inputs[list(bad), 0] = 100.0
    return cn.data.Dataset(inputs, good.targets)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_skipped_step_writes_nothing_and_is_counted(engine):
    train = data(5, 40)
    model, loss, optimizer = parts()
    history = cn.fit(
        model,
        loss,
        optimizer,
        train,
        epochs=12,
        batch_size=8,
        seed=3,
        engine=engine,
        on_non_finite="skip",
        progress=False,
    )
    own, _, by_hand = parts()
    torch.manual_seed(3)
    losses, skipped = [], []
    for epoch in range(12):
        losses.append([])
        for input, target in train.batches(8, 3, epoch):
            if (input > 50).any():
                before = own[0].largest.clone()
                own(input)  # dropout draws
                own.forget()
                own[0].largest.copy_(before)
                continue
            losses[-1].append(cn.train_step(own, loss, by_hand, input, target).item())
        skipped.append(7 - len(losses[-1]))
    assert history.engine == engine
    assert [each.skipped for each in history] == skipped
    assert history.losses == pytest.approx([sum(each) / len(each) for each in losses], rel=1e-4)
    torch.testing.assert_close(model.state_dict(), own.state_dict(), rtol=1e-4, atol=1e-5)
    assert model[0].largest < 1
    assert optimizer.steps == by_hand.steps


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("checkpoint", [False, True])
def test_an_error_names_step_rows_and_the_first_bad_layer(engine, checkpoint, tmp_path):
    train = data(23)
    options = {"checkpoint": tmp_path, "every": "1 steps"} if checkpoint else {}
    with pytest.raises(cn.NonFiniteError, match="epoch 1, step") as caught:
        cn.fit(*parts(), train, epochs=9, batch_size=8, engine=engine, progress=False, **options)
    error = caught.value
    assert 23 in error.rows
    assert error.rows == train.order(0, 0)[8 * error.step - 8 : 8 * error.step].tolist()
    assert "the first output that is not finite is of [0] Spoils" in error.evidence
    assert "2 of 16 not finite" in error.evidence
    assert "max_grad_norm" in str(error)
    assert f"rows {error.rows[0]}, " in str(error)
    if checkpoint:
        newest = max(tmp_path.iterdir())
        assert f"goes on from {newest}" in "".join(error.__notes__)
        assert cn.load_state(newest)["1.weight"].isfinite().all()


def test_a_gradient_alone_is_told_with_its_statistics():
    class Explodes(cn.Tanh):
        def backward(self, grad_output):
            return super().backward(grad_output) * torch.tensor([1.0, math.inf])

    model = cn.Sequential(cn.Linear(2, 2), Explodes(), cn.Linear(2, 1))
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(cn.NonFiniteError) as caught:
        cn.fit(model, cn.MSELoss(), optimizer, data(), epochs=1, batch_size=8, progress=False)
    assert caught.value.evidence.startswith("all outputs are finite; weight of [0] Linear(2 → 2): its gradient 2 of 4")


@pytest.mark.parametrize("value", ["ignore", None, True])
def test_an_unknown_policy_is_refused(value):
    with pytest.raises(cn.ConfigError, match="on_non_finite must be 'stop' or 'skip'"):
        cn.fit(*parts(), data(), epochs=1, batch_size=8, on_non_finite=value, progress=False)
