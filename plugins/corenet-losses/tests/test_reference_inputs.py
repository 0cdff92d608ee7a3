"""PyTorch's own reference inputs of each loss give PyTorch's values and gradients."""

import pytest
import torch

import corenet_losses

pytest.importorskip("expecttest", reason="torch's reference inputs import it")
common_modules = pytest.importorskip("torch.testing._internal.common_modules", reason="private to torch")

NAMES = sorted(dir(corenet_losses))
INFOS = {info.name.removeprefix("nn."): info for info in common_modules.module_db}


def in_our_form(name, arguments):
    """Return the input and the target of one reference input, as a loss of ours takes them."""
    if name == "GaussianNLLLoss":
        mean, target, variance = arguments
        return (mean, variance), target
    if name == "CosineEmbeddingLoss":
        return tuple(arguments[:2]), arguments[2]
    return arguments if name != "TripletMarginLoss" else (tuple(arguments), None)


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss:UserWarning")
@pytest.mark.parametrize("name", NAMES)
def test_each_reference_input_gives_what_torch_gives(agrees, name):
    if name not in INFOS:
        pytest.skip(f"this torch has no reference inputs of {name}")
    info = INFOS[name]
    settings = {"device": "cpu", "dtype": torch.float64, "requires_grad": False, "training": True}
    compared = 0
    for sample in info.module_inputs_func(info, **settings):
        input, target = in_our_form(name, sample.forward_input.args)
        if name == "KLDivLoss":  # whose logarithms are of negative numbers too, and whose targets are all logarithms
            target = target.exp().nan_to_num() if not sample.constructor_input.kwargs.get("log_target") else target
            input, target = input.nan_to_num(), target.nan_to_num()
            if input.dim() == 0 and sample.constructor_input.kwargs.get("reduction") == "batchmean":
                continue  # which torch itself refuses
        arguments = sample.constructor_input.args, sample.constructor_input.kwargs
        ours = getattr(corenet_losses, name)(*arguments[0], **arguments[1])
        agrees(ours, getattr(torch.nn, name)(*arguments[0], **arguments[1]), input, target)
        compared += 1
    assert compared >= 4
