"""The normalizations give the numbers of ONNX's test vectors of single nodes."""

from importlib import import_module

import pytest
import torch

import corenet_norm

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


def filled(module, weight=None, bias=None):
    """Return a module with such weights."""
    for own, given in ((module.weight, weight), (getattr(module, "bias", None), bias)):
        if given is not None:
            own.copy_(given)
    return module


def test_layer_norm():
    cases = vectors("layernormalization", "LayerNormalization")
    for _, attributes, (input, weight, bias), (output, *_) in cases:
        layer = corenet_norm.LayerNorm(tuple(weight.shape), eps=attributes.get("epsilon", 1e-5))
        same(filled(layer, weight, bias)(input), output)
    assert len(cases) >= 15


def test_rms_norm():
    cases = vectors("rmsnormalization", "RMSNormalization")
    for _, attributes, (input, weight), (output,) in cases:
        layer = corenet_norm.RMSNorm(tuple(weight.shape), eps=attributes.get("epsilon", 1e-5))
        same(filled(layer, weight)(input), output)
    assert len(cases) >= 15


def test_group_norm():
    for _, attributes, (input, weight, bias), (output,) in vectors("groupnormalization", "GroupNormalization"):
        eps = attributes.get("epsilon", 1e-5)
        layer = corenet_norm.GroupNorm(attributes["num_groups"], input.shape[1], eps=eps)
        same(filled(layer, weight, bias)(input), output)


def test_instance_norm():
    for _, attributes, (input, weight, bias), (output,) in vectors("instance_normalization", "InstanceNormalization"):
        layer = corenet_norm.InstanceNorm2d(input.shape[1], eps=attributes.get("epsilon", 1e-5), affine=True)
        same(filled(layer, weight, bias)(input), output)


def test_batch_norm():
    for _, attributes, (input, weight, bias, mean, var), outputs in vectors(
        "batch_normalization", "BatchNormalization"
    ):
        layer = corenet_norm.BatchNorm2d(input.shape[1], eps=attributes.get("epsilon", 1e-5))
        layer = filled(layer, weight, bias).train(bool(attributes.get("training_mode")))
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(var)
        same(layer(input), outputs[0])
        if layer.training:  # theirs keeps the variance that divides by n, PyTorch and ours that by n − 1
            same(layer.running_mean, outputs[1])
