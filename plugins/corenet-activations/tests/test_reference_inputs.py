"""PyTorch's own reference inputs of each module give PyTorch's outputs and gradients."""

import pytest
import torch

import corenet_activations

pytest.importorskip("expecttest", reason="torch's reference inputs import it")
common_modules = pytest.importorskip("torch.testing._internal.common_modules", reason="private to torch")

NAMES = sorted(dir(corenet_activations))
INFOS = {info.name.removeprefix("nn."): info for info in common_modules.module_db}


@pytest.mark.parametrize("name", NAMES)
def test_each_reference_input_gives_what_torch_gives(agrees, name):
    if name not in INFOS:
        pytest.skip(f"this torch has no reference inputs of {name}")
    info = INFOS[name]
    settings = {"device": "cpu", "dtype": torch.float64, "requires_grad": False, "training": True}
    samples = [each for each in info.module_inputs_func(info, **settings) if each.forward_input is not None]
    for sample in samples:
        arguments = {key: value for key, value in sample.constructor_input.kwargs.items() if key != "inplace"}
        ours = getattr(corenet_activations, name)(*sample.constructor_input.args, **arguments).to(dtype=torch.float64)
        theirs = getattr(torch.nn, name)(*sample.constructor_input.args, **arguments).double()
        agrees(ours, theirs, *sample.forward_input.args)
    assert samples
