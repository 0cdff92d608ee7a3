"""The built-ins give the numbers of ONNX's test vectors of single nodes."""

from importlib import import_module

import pytest
import torch

import corenet as cn

# The vectors are drawn and worked out in numpy as a file of them is imported.
private = pytest.mark.filterwarnings("ignore")


def vectors(file, op):
    """Return name, attributes, inputs and outputs of each vector of an operation."""
    node = pytest.importorskip("onnx.backend.test.case.node", reason="onnx has the vectors")
    import_module(f"onnx.backend.test.case.node.{file}")
    value = import_module("onnx.helper").get_attribute_value
    found = []
    for case in getattr(node, "_NodeTestCases", ()):
        nodes = case.model.graph.node
        if [each.op_type for each in nodes] == [op]:
            attributes = {each.name: value(each) for each in nodes[0].attribute}
            tensors = [[torch.as_tensor(each) for each in part] for part in case.data_sets[0]]
            found.append((case.name, attributes, *tensors))
    assert found, f"no vectors of {op}"
    return found


def same(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@private
@pytest.mark.parametrize("kind", [cn.ReLU, cn.Tanh, cn.Sigmoid])
def test_activations(kind):
    op = kind.__name__.replace("ReLU", "Relu")
    for _, _, (input,), (output,) in vectors(op.lower(), op):
        same(kind()(input), output)


@private
@pytest.mark.parametrize("kind", [cn.Softmax, cn.LogSoftmax])
def test_softmax(kind):
    cases = vectors(kind.__name__.lower(), kind.__name__)
    for _, attributes, (input,), (output,) in cases:
        same(kind(attributes.get("axis", -1))(input), output)
    assert len(cases) >= 5


@private
def test_flatten():
    first = [each for each in vectors("flatten", "Flatten") if each[1].get("axis", 1) in (1, -3)]
    for _, _, (input,), (output,) in first:  # another axis puts those before it together too
        same(cn.Flatten()(input), output)
    assert len(first) == 3


@private
def test_linear():
    """Those of all products with a bias of a row, or without one."""
    compared = 0
    for _, attributes, (a, b, *bias), (output,) in vectors("gemm", "Gemm"):
        if bias and (bias[0].numel() != output.shape[1] or bias[0].dim() == 0):
            continue
        input = (a.T if attributes.get("transA") else a) * attributes.get("alpha", 1.0)
        linear = cn.Linear(input.shape[1], output.shape[1], bias=bool(bias))
        linear.weight.copy_(b if attributes.get("transB") else b.T)
        if bias:
            linear.bias.copy_(bias[0].reshape(-1) * attributes.get("beta", 1.0))
        same(linear(input), output)
        compared += 1
    assert compared >= 8


@private
def test_dropout_in_evaluation():
    cases = [each for each in vectors("dropout", "Dropout") if "training" not in each[0]]
    for _, _, (input, *_), (output, *_) in cases:
        same(cn.Dropout().eval()(input), output)
    assert len(cases) >= 4


@private
def test_cross_entropy():
    cases = vectors("softmax_cross_entropy_loss", "SoftmaxCrossEntropyLoss")
    for _, attributes, (input, target, *weight), (output, *log_p) in cases:
        options = {"reduction": attributes["reduction"].decode()}
        if "ignore_index" in attributes:
            options["ignore_index"] = attributes["ignore_index"]
        if weight:
            options["weight"] = weight[0]
        same(cn.CrossEntropyLoss(**options)(input, target), output)
        for each in log_p:
            same(cn.LogSoftmax(1)(input), each)
    assert len(cases) >= 20
