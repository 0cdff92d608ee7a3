"""What modules add to the loss of a step."""

import pytest
import torch

import corenet as cn


class Decayed(cn.Linear):
    """A linear layer with ``λ ‖W‖²`` in the loss."""

    strength = 0.05

    def forward(self, input):
        self.add_penalty(self.strength * self.weight.square().sum())
        return super().forward(input)

    def backward_parameters(self, grad_output):
        super().backward_parameters(grad_output)
        self.weight.grad += 2 * self.strength * self.weight


def chain(first=Decayed):
    torch.manual_seed(0)
    return cn.Sequential(first(2, 4), cn.Tanh(), cn.Linear(4, 1))


DATA = cn.data.disk(64, seed=0)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_step_has_the_loss_and_the_gradients_of_torch(reduction):
    model, loss = chain().to(torch.float64), cn.MSELoss(reduction)
    x, y = DATA.inputs.double(), DATA.targets.double()
    start = model.state_dict()
    optimizer = cn.SGD(model.parameters(), lr=1.0)
    value = cn.train_step(model, loss, optimizer, x, y)

    weights = {name: tensor.clone().requires_grad_() for name, tensor in start.items()}
    hidden = torch.tanh(x @ weights["0.weight"].T + weights["0.bias"])
    errors = (hidden @ weights["2.weight"].T + weights["2.bias"] - y).square()
    data = errors.mean() if reduction == "mean" else errors.sum()
    total = data + 0.05 * weights["0.weight"].square().sum()
    total.backward()
    assert value.sum().item() == pytest.approx(total.item())
    moved = {name: start[name] - tensor for name, tensor in model.state_dict().items()}
    torch.testing.assert_close(moved, {name: tensor.grad for name, tensor in weights.items()})


@pytest.mark.parametrize("engine", ["replay", "compiled", "auto"])
def test_every_engine_adds_it(engine):
    found = {}
    for kind in ("plain", engine):
        model = chain()
        optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9)
        found[kind] = cn.fit(
            model, cn.MSELoss(), optimizer, DATA, DATA, epochs=8, batch_size=8, engine=kind, progress=False
        )
    assert found[engine].losses == pytest.approx(found["plain"].losses, rel=1e-5)
    assert found[engine][-1].valid["loss"] == pytest.approx(cn.MSELoss()(cn.predict(model, DATA), DATA.targets).item())
    assert found["plain"][0].loss > 0.01 + found["plain"][0].valid["loss"]  # evaluation has the loss alone


def test_pieces_of_a_batch_are_refused():
    model = chain()
    with pytest.raises(cn.ConfigError, match="micro_batch_size: the model looks at its batch as a whole"):
        cn.fit(
            model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), DATA, epochs=1, batch_size=8, micro_batch_size=4
        )


def test_outside_of_a_step_it_goes_nowhere():
    model = chain()
    assert torch.equal(model(DATA.inputs), chain(cn.Linear)(DATA.inputs))


def test_what_is_no_number_is_refused():
    with pytest.raises(cn.ShapeError, match=r"the penalty got \(2,\); expected one number; use .sum\(\)"):
        chain()[0].add_penalty(torch.ones(2))
    with pytest.raises(cn.DTypeError, match=r"add_penalty takes a torch\.Tensor, got float"):
        chain()[0].add_penalty(1.0)
