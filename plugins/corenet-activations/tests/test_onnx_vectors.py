"""The activations give the numbers of ONNX's test vectors of single nodes."""

from importlib import import_module

import pytest
import torch

import corenet_activations

pytestmark = pytest.mark.filterwarnings("ignore")  # of numpy's, as the vectors are worked out


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
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


MADE = {
    "LeakyRelu": lambda alpha=0.01: corenet_activations.LeakyReLU(alpha),
    "Elu": lambda alpha=1.0: corenet_activations.ELU(alpha),
    "Gelu": lambda approximate=b"none": corenet_activations.GELU(approximate.decode()),
    "HardSwish": corenet_activations.Hardswish,
    "Mish": corenet_activations.Mish,
    "Softplus": corenet_activations.Softplus,
    "Softsign": corenet_activations.Softsign,
    "Swish": lambda alpha: corenet_activations.SiLU(),
}


@pytest.mark.parametrize("op", MADE)
def test_values(op):
    for _, attributes, (input,), (output,) in vectors(op.lower(), op):
        if op == "Swish":
            assert attributes == {"alpha": 1.0}
        same(MADE[op](**attributes)(input), output)


def test_selu():
    (case,) = [each for each in vectors("selu", "Selu") if not each[1]]  # the others are no SELU of the paper
    same(corenet_activations.SELU()(case[2][0]), case[3][0])


def test_hardtanh():
    cases = [each for each in vectors("clip", "Clip") if len(each[2]) == 3 and each[2][1] < each[2][2]]
    for _, _, (input, low, high), (output,) in cases:
        same(corenet_activations.Hardtanh(float(low), float(high))(input), output)
    assert len(cases) >= 4


def test_prelu():
    cases = [each for each in vectors("prelu", "PRelu") if each[2][1].dim() == 1]
    for _, _, (input, slope), (output,) in cases:
        prelu = corenet_activations.PReLU(len(slope))
        prelu.weight.copy_(slope)
        same(prelu(input.movedim(-1, 1)), output.movedim(-1, 1))  # whose channels are the second dimension
    assert cases
