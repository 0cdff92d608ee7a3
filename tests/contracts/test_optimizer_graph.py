"""A whole step, an optimizer's included, is traced as one graph."""

import pytest
import torch

import corenet as cn


@pytest.mark.parametrize("loss", [cn.MSELoss(), cn.MAELoss(), cn.BCELoss(), cn.BCEWithLogitsLoss()], ids=repr)
def test_a_whole_step_is_traced_as_one_graph(loss, sgd):
    def build():
        torch.manual_seed(0)
        layers = cn.Linear(3, 4), cn.ReLU(), cn.Dropout(0.2), cn.Linear(4, 4), cn.Tanh(), cn.Linear(4, 1), cn.Sigmoid()
        return cn.Sequential(*layers).to(dtype=torch.float64)

    def make_step(model, optimizer):
        (slot,) = optimizer.layout.slots
        flat, state = slot.flat, slot.state

        def step(input, target):
            flat.grad.zero_()
            value = loss.forward(model(input), target)
            model.backward(loss.backward())
            optimizer.update(flat.param, flat.grad, state)
            return value

        return step

    input, target = torch.randn(5, 3, dtype=torch.float64), torch.rand(5, 1, dtype=torch.float64)
    values, weights = [], []
    for compiled in (False, True):
        torch._dynamo.reset()
        model = build()
        step = make_step(model, sgd(model.parameters()))
        if compiled:
            step = torch.compile(step, fullgraph=True, backend="eager")
        torch.manual_seed(1)
        values.append([step(input, target).item() for _ in range(3)])
        weights.append(torch.cat([parameter.reshape(-1) for parameter in model.parameters()]))
    assert values[0] == values[1]
    assert len(set(values[0])) == 3
    assert torch.equal(*weights)
