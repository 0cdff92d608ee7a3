"""A trace: the numbers are right, the step is the plain step, and a wrong gradient is called wrong."""

import copy
import json
import math

import pytest
import torch

import corenet as cn
from corenet.errors import NonFiniteError, StructureError
from corenet.report.trace.step_trace import trace_step


def test_a_step_by_hand():
    model = cn.Sequential(cn.Linear(2, 1, init="zeros"))
    optimizer = cn.SGD(model.parameters(), lr=0.5)
    input, target = torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.tensor([[1.0], [3.0]])
    step = trace_step(model, cn.MSELoss(), optimizer, input, target)
    (layer,) = step.layers
    weight, bias = layer.parameters

    assert (step.before, step.after) == (5.0, 130.0)  # (1² + 3²) / 2, then (8² + 14²) / 2
    assert (layer.input.shape, layer.input.norm, layer.input.max) == ((2, 2), math.sqrt(14), 3.0)
    assert (layer.output.norm, layer.output.mean) == (0.0, 0.0)
    assert layer.grad_output.mean == -2.0  # −1 and −3
    assert (weight.gradient.min, weight.gradient.max) == (-10.0, -2.0)  # −1 · [1, 2] − 3 · [3, 0]
    assert (weight.value.norm, weight.step, weight.ratio) == (0.0, math.sqrt(26), None)
    assert (bias.gradient.mean, bias.step) == (-4.0, 2.0)
    assert layer.grad_input is None  # nobody asks for the gradient of the data
    assert step.ok


def everything(model, loss, optimizer):
    """Return all that a step writes, the state of the random numbers included."""
    state = optimizer.state_dict()
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    return [model.state_dict(), gradients, state["states"], state["steps"], torch.get_rng_state()]


@pytest.mark.parametrize("lr", [0.1, 1e-3])
def test_it_is_the_plain_step_bit_for_bit(lr):
    def network():
        torch.manual_seed(3)
        inner = cn.Sequential(cn.Linear(5, 5), cn.Dropout(0.5))
        model = cn.Sequential(cn.Linear(2, 5), cn.Tanh(), inner, cn.Linear(5, 1), cn.Sigmoid())
        return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=lr, momentum=0.9)

    data = cn.data.disk(30, seed=0)
    plain, observed = network(), network()
    for _ in range(3):
        torch.manual_seed(1)
        value = cn.train_step(*plain, data.inputs, data.targets)
        torch.manual_seed(1)
        step = trace_step(*observed, data.inputs, data.targets)
        torch.testing.assert_close(everything(*observed), everything(*plain), rtol=0, atol=0)
        assert step.before == value.item()
    names = [set(vars(module)) for _, module in observed[0].named_modules()]
    assert names == [set(vars(module)) for _, module in plain[0].named_modules()]


def test_every_number_is_pytorchs():
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 4), cn.Tanh(), cn.Linear(4, 1), cn.Sigmoid())
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1), torch.nn.Sigmoid())
    theirs.load_state_dict(model.state_dict())
    data = cn.data.disk(20, seed=0)
    by = torch.optim.SGD(theirs.parameters(), lr=0.5)
    values = [data.inputs]
    for module in theirs:
        values.append(module(values[-1]))
        values[-1].retain_grad()
    before = copy.deepcopy(theirs.state_dict())
    value = torch.nn.functional.binary_cross_entropy(values[-1], data.targets)
    value.backward()
    by.step()

    step = trace_step(model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.5), data.inputs, data.targets)
    close = pytest.approx
    assert step.before == close(value.item(), rel=1e-6)
    after = torch.nn.functional.binary_cross_entropy(theirs(data.inputs), data.targets)
    assert step.after == close(after.item(), rel=1e-6)
    for place, layer in enumerate(step.layers):
        input, output = values[place], values[place + 1]
        assert layer.input.norm == close(input.norm().item(), rel=1e-5)
        assert layer.output.mean == close(output.mean().item(), rel=1e-5)
        assert layer.grad_output.norm == close(output.grad.norm().item(), rel=1e-5)
        if place:
            assert layer.grad_input.min == close(input.grad.min().item(), rel=1e-5)
        for parameter in layer.parameters:
            name = f"{layer.path}.{parameter.name}"
            new = theirs.get_parameter(name)
            assert parameter.gradient.norm == close(new.grad.norm().item(), rel=1e-5)
            assert parameter.step == close((new - before[name]).norm().item(), rel=1e-5)
            assert parameter.ratio == close(parameter.step / before[name].norm().item(), rel=1e-5)


def test_dead_units_are_counted(traced):
    linear = cn.Linear(2, 4, init="zeros")
    linear.bias.copy_(torch.tensor([-1.0, 1.0, -1.0, 1.0]))
    behind = cn.Linear(4, 1)
    behind.weight.copy_(torch.tensor([[1.0, 1.0, 1.0, 0.0]]))  # the last unit lives, but gets no gradient
    step = traced(linear, cn.ReLU(), behind)
    assert [(layer.units, layer.dead) for layer in step.layers] == [(None, None), (4, 3), (None, None)]
    assert step.layers[1].output.histogram[0] == 40


def test_a_first_layer_without_parameters_has_a_gradient_that_is_not_needed(traced):
    step = traced(cn.ReLU(), cn.Linear(2, 1))
    assert step.layers[0].parameters == ()
    assert step.ok


def test_a_wrong_backward_is_reported(traced, minus):
    step = traced(cn.Linear(2, 3), minus(), cn.Linear(3, 1))
    assert [layer.check.wrong for layer in step.layers] == [False, True, False]
    found = step.layers[1].check.tensor("input")
    assert found.ours == pytest.approx(-found.numeric)
    assert not step.ok


def test_one_wrong_parameter_is_enough(traced):
    class HalfBias(cn.Linear):
        def backward_parameters(self, grad_output):
            before = self.bias.grad.clone()
            super().backward_parameters(grad_output)
            self.bias.grad.sub_((self.bias.grad - before) / 2)

    check = traced(cn.Linear(2, 3), HalfBias(3, 1)).layers[1].check
    assert check.wrong
    assert [check.tensor(name).ok for name in ("input", "weight", "bias")] == [True, True, False]


def test_an_output_is_kept_as_it_was_before_the_next_layer_changed_it(traced):
    class Doubles(cn.Module):
        def forward(self, input):
            return input.mul_(2)

        def backward(self, grad_output):
            return 2 * grad_output

    step = traced(cn.Linear(2, 2), Doubles(), cn.Linear(2, 1))
    assert step.layers[0].output == step.layers[1].input
    assert step.layers[1].output.norm == pytest.approx(2 * step.layers[1].input.norm)
    assert "changes its input in place" in step.layers[1].check.reason


def test_the_loss_after_is_of_the_same_random_numbers():
    model, data = cn.Sequential(cn.Dropout(0.5), cn.Linear(2, 1)), cn.data.disk(50, seed=0)
    step = trace_step(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.0), data.inputs, data.targets)
    assert step.after == step.before


def test_a_layer_that_breaks_a_rule_is_wrong(traced):
    class Overwrites(cn.Module):
        def forward(self, input):
            return input.clone()

        def backward(self, grad_output):
            return grad_output.mul_(1.5).div_(1.25)

    step = traced(cn.Linear(2, 2), Overwrites(), cn.Linear(2, 1))
    assert step.layers[1].check.wrong
    assert "changes grad_output in place" in step.layers[1].check.reason


def test_what_cannot_be_checked_says_why_and_is_not_wrong(traced, single):
    step = traced(cn.Linear(2, 2), single(), cn.Linear(2, 1))
    check = step.layers[1].check
    assert (check.wrong, check.reason) == (False, "RuntimeError: float32 only")
    assert step.ok


def test_what_an_optimizer_does_not_hold_is_frozen():
    model = cn.Sequential(cn.Linear(2, 3), cn.Linear(3, 1))
    model[0].weight.grad.fill_(7)  # left over: nobody clears it
    data = cn.data.disk(10, seed=0)
    step = trace_step(model, cn.MSELoss(), cn.SGD(model[1].parameters(), lr=0.1), data.inputs, data.targets)
    frozen, trained = (layer.parameters[0] for layer in step.layers)
    assert frozen.step == 0 < trained.step
    assert frozen.gradient.max < 7


def test_a_tied_weight_has_each_layers_own_gradient():
    model = cn.Sequential(cn.Linear(2, 2, bias=False), cn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    data = cn.data.disk(10, seed=0)
    target = data.targets.expand(-1, 2).clone()
    step = trace_step(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data.inputs, target)
    first, second = (layer.parameters[0].gradient for layer in step.layers)
    assert first.mean + second.mean == pytest.approx(model[0].weight.grad.mean().item(), rel=1e-5)
    assert first.norm != second.norm


def test_a_model_may_be_any_module():
    model, data = cn.Linear(2, 1), cn.data.disk(10, seed=0)
    step = trace_step(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data.inputs, data.targets)
    assert [(layer.path, layer.label) for layer in step.layers] == [("", "Linear(2 → 1)")]


def test_an_empty_chain_has_nothing_to_trace():
    optimizer = cn.SGD([cn.Parameter(torch.ones(1))], lr=0.1)
    with pytest.raises(StructureError, match=r"Sequential\(\) has no layer to trace"):
        trace_step(cn.Sequential(), cn.MSELoss(), optimizer, torch.ones(1), torch.ones(1))


def test_a_step_that_is_refused_leaves_the_model_unobserved(traced):
    model = cn.Sequential(cn.Linear(2, 1))
    model[0].weight.fill_(1e38)
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(NonFiniteError, match="is not finite"):
        trace_step(model, cn.MSELoss(), optimizer, torch.full((2, 2), 1e38), torch.ones(2, 1))
    assert "forward" not in vars(model[0])


def test_a_step_too_long_has_no_loss_after_it():
    model = cn.Sequential(cn.Linear(2, 9), cn.Linear(9, 1), cn.Sigmoid())
    data = cn.data.disk(10, seed=0)
    optimizer = cn.SGD(model.parameters(), lr=3e38)
    step = trace_step(model, cn.BCELoss(), optimizer, data.inputs, data.targets)
    assert math.isnan(step.after)
    assert step.to_dict()["loss"]["after"] is None


def test_as_plain_values(small):
    values = json.loads(json.dumps(small.to_dict(), allow_nan=False))
    assert values["ok"] is True
    assert [layer["label"] for layer in values["layers"]][:2] == ["Linear(2 → 4)", "ReLU()"]
    first, relu = values["layers"][:2]
    assert (first["grad_input"], first["units"], relu["units"]) == (None, None, 4)
    assert first["parameters"][0]["gradient"]["shape"] == [4, 2]
    assert first["check"]["report"]["tensors"][1]["name"] == "weight"
    assert sum(relu["output"]["histogram"]) == 80
