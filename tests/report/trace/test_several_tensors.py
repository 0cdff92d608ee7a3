"""The trace of layers of several tensors, of integers, with a penalty."""

import pytest
import torch

import corenet as cn
from benchmarks.mutants import several
from corenet.report.trace.page import page
from corenet.report.trace.step_trace import trace_step
from corenet.report.trace.subjects import WithInputGradient, trace_module
from corenet.report.trace.table import trace_tables

RIGHT = [each for each in vars(several).values() if isinstance(each, type) and each.__module__ == several.__name__]


@pytest.mark.parametrize("cls", RIGHT)
def test_every_right_module_is_shown_and_verified(cls):
    title, traced = trace_module(cls, cls.__name__, seed=3)
    assert traced.ok
    (layer,) = [each for each in traced.layers if each.module is cls]
    assert layer.check.report is not None
    assert layer.check.report.ok
    assert cls.__name__ in page(traced, title)


def test_each_input_and_output_is_a_row_and_integers_have_no_gradient():
    traced = trace_module(several.Product, "product", seed=0)[1]
    layer = traced.layers[0]
    assert list(layer.inputs) == list(layer.grad_inputs or layer.inputs) == ["a", "b"]
    assert list(layer.outputs) == list(layer.grad_outputs) == ["output 0", "output 1"]
    lines = [line.split()[0] for line in trace_tables(traced, width=100) if line.strip()]
    assert lines.count("a") == lines.count("b") == lines.count("∂L/∂a") == lines.count("∂L/∂b") == 1
    found = trace_module(several.Embedding, "embedding", seed=0)[1].layers[0]
    assert found.integers == ("input",)
    assert found.check.gradient("table").code == "agrees"


def test_integer_outputs_take_no_part_in_the_step():
    traced = trace_module(several.Picked, "picked", seed=0)[1]
    picked, side_by_side, linear = traced.layers
    assert list(picked.outputs) == ["output 0", "output 1", "output 2"]
    assert side_by_side.output.shape == (1, 15)
    gradients = picked.grad_outputs
    assert gradients["output 0"] is gradients["output 2"] is None
    assert linear.grad_inputs["input"].norm == pytest.approx(gradients["output 1"].norm)

    class Places(cn.Module):
        def forward(self, input):
            return input.argmax(1)

        def backward(self, grad_output):
            return None

    with pytest.raises(cn.ConfigError, match=r"Places\(\) gives integers alone, which have no gradient"):
        trace_module(Places, "places", seed=0)


def test_two_inputs_are_guessed_and_what_refuses_them_says_how_to_declare_its_own():
    class Sum(cn.Module):
        def forward(self, a, b):
            return a + b

        def backward(self, grad_output):
            return grad_output.clone(), grad_output.clone()

    class Places(Sum):
        def check(self, a, b):
            if b.is_floating_point():
                raise cn.DTypeError("Places() takes places")

    assert list(trace_module(Sum, "sum", seed=0, batch_size=7)[1].layers[0].inputs) == ["a", "b"]
    with pytest.raises(cn.ConfigError, match=r"DTypeError: Places\(\) takes places; .* with Case\(inputs=…\)$"):
        trace_module(Places, "places", seed=0)


def test_the_numbers_are_those_of_the_step():
    torch.manual_seed(0)
    model = WithInputGradient(several.Product(), several.Pair(3))
    a, b, target = torch.randn(3, 5, 3).unbind()
    traced = trace_step(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), (a, b), target[:, 0])
    first, second = traced.layers
    product, difference = a * b, a - 2 * b
    assert first.inputs["b"].norm == pytest.approx(b.norm().item())
    assert first.outputs["output 1"].norm == second.inputs["second"].norm == pytest.approx(difference.norm().item())
    assert first.output.norm == pytest.approx(product.norm().item())
    assert first.grad_outputs["output 1"].norm == second.grad_inputs["second"].norm > 0
    values = traced.to_dict()["layers"][0]
    assert values["inputs"]["a"] == values["input"]
    assert values["outputs"]["output 1"]["norm"] == first.outputs["output 1"].norm


def test_a_wrong_gradient_of_the_second_input_is_named():
    class Wrong(several.Product):
        def backward(self, grad_product, grad_difference):
            grad_a, grad_b = super().backward(grad_product, grad_difference)
            return grad_a, 2 * grad_b

    traced = trace_module(Wrong, "wrong", seed=0)[1]
    assert not traced.ok
    assert traced.layers[0].check.gradient("a").code == "agrees"
    assert traced.layers[0].check.gradient("b").code == "wrong"


def test_a_loss_of_two_outputs_is_verified_for_each():
    class Both(cn.Loss):
        factor = 1.0

        def __init__(self):
            self.parts = cn.MSELoss(), cn.MSELoss()

        def forward(self, outputs, targets):
            return sum(part(*pair) for part, *pair in zip(self.parts, outputs, targets, strict=True))

        def backward(self):
            first, second = (part.backward() for part in self.parts)
            return first, second * self.factor

    torch.manual_seed(0)
    data = cn.data.Dataset(torch.randn(6, 3), (torch.randn(6, 1), torch.randn(6, 2)))
    for factor, code in ((1.0, "agrees"), (0.5, "wrong")):
        model, loss = cn.Sequential(several.TwoHeads(3, 2)), type("Both", (Both,), {"factor": factor})()
        traced = trace_step(model, loss, cn.SGD(model.parameters(), lr=0.1), data.inputs, data.targets)
        assert traced.loss_check.gradient("input 0").code == "agrees"
        assert traced.loss_check.gradient("input 1").code == code
        lines = [line for line in trace_tables(traced, width=100) if line.startswith("from Both(), output")]
        assert len(lines) == 2
        assert ("WRONG" in lines[1]) == (code == "wrong")


def test_a_penalty_counts_before_and_after_the_step():
    torch.manual_seed(0)
    model, input = cn.Sequential(several.Decayed(3, 2)), torch.randn(4, 3)
    target = model(input) + 0
    model.forget()
    weight = model[0].weight.clone()
    traced = trace_step(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), input, target)
    assert traced.before == pytest.approx(0.3 * weight.square().sum().item(), rel=1e-5)
    value = cn.MSELoss()(model.eval()(input), target) + 0.3 * model[0].weight.square().sum()
    assert traced.after == pytest.approx(value.item(), rel=1e-5)


def test_a_batch_size_that_no_row_has_is_refused():
    class Scores(several.Attention):
        @staticmethod
        def conformance_cases():
            def draw(generator):
                query, key, value = (torch.randn(3, 4, 2, generator=generator) for _ in range(3))
                return query, key, value, torch.ones(4, 4, dtype=torch.bool).tril()

            return [cn.Case(inputs=draw)]

    with pytest.raises(
        cn.ConfigError, match="a batch of 5 for scores cannot be made: its inputs have no first dimension"
    ):
        trace_module(Scores, "scores", seed=0, batch_size=5)
    assert trace_module(several.Attention, "attention", seed=0, batch_size=5)[1].layers[0].input.shape == (5, 4, 2)
    assert trace_module(Scores, "scores", seed=0)[1].ok
