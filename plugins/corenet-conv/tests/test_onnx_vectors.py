"""Convolutions and pools give the numbers of ONNX's test vectors of single nodes."""

from importlib import import_module

import pytest
import torch

import corenet_conv

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


def same(found, expected, rtol=1e-5):
    torch.testing.assert_close(found, expected, rtol=rtol, atol=1e-5)


def options_of(attributes, names):
    """Return the options of a module of ours, None if the vector asks for padding that it does not have."""
    pads = attributes.get("pads", [])
    half = len(pads) // 2
    if "auto_pad" in attributes or "output_shape" in attributes or pads[:half] != pads[half:]:
        return None
    found = {ours: attributes[theirs] for theirs, ours in names.items() if theirs in attributes}
    return {name: tuple(each) if isinstance(each, list) else each for name, each in found.items()} | (
        {"padding": tuple(pads[:half])} if pads else {}
    )


CONV = {"strides": "stride", "dilations": "dilation", "group": "groups", "output_padding": "output_padding"}
POOL = {"kernel_shape": "kernel_size", "strides": "stride", "dilations": "dilation", "ceil_mode": "ceil_mode"}


@pytest.mark.parametrize(("op", "least"), [("Conv", 5), ("ConvTranspose", 6)])
def test_convolutions(op, least):
    compared = 0
    for _, attributes, (input, weight), (output,) in vectors(op.lower(), op):
        options = options_of(attributes, CONV)
        kind = getattr(corenet_conv, f"{op}{input.dim() - 2}d", None)
        if options is None or kind is None:
            continue
        channels = input.shape[1], output.shape[1]
        layer = kind(*channels, tuple(weight.shape[2:]), bias=False, **options)
        layer.weight.copy_(weight)
        same(layer(input), output)
        compared += 1
    assert compared >= least


@pytest.mark.parametrize(("op", "least"), [("MaxPool", 6), ("AveragePool", 6)])
def test_pools(op, least):
    compared = 0
    for _, attributes, (input,), (output, *_) in vectors(op.lower(), op):
        options = options_of(attributes, POOL | {"count_include_pad": "count_include_pad"})
        kind = getattr(corenet_conv, f"{op.replace('erage', 'g')}{input.dim() - 2}d", None)
        if options is None or kind is None or not input.is_floating_point():
            continue
        if any(2 * pad > size for pad, size in zip(options.get("padding", ()), options["kernel_size"], strict=False)):
            continue  # which PyTorch refuses, as ours does
        if op == "AveragePool":
            if "dilation" in options:
                continue
            options["count_include_pad"] = bool(options.get("count_include_pad"))
        options["stride"] = options.get("stride", 1)
        options["ceil_mode"] = bool(options.get("ceil_mode"))
        same(kind(**options)(input), output, rtol=1e-3)  # some are written with four digits
        compared += 1
    assert compared >= least
