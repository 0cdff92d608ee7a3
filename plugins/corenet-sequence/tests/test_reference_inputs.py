"""PyTorch's own reference inputs of its modules give its values and gradients."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from sequence_oracle import assert_alike, flat, with_weights_of
from torch import Tensor, nn

import corenet_sequence

pytest.importorskip("expecttest", reason="torch's reference inputs import it")
common_modules = pytest.importorskip("torch.testing._internal.common_modules", exc_type=ImportError)

NAMES = ("Embedding", "RNN", "GRU", "LSTM", "MultiheadAttention", "TransformerEncoderLayer")
LEFT_OUT = {"proj_size", "add_bias_kv", "add_zero_attn"}  # the README says so
MASKS = {
    "MultiheadAttention": ("key_padding_mask", "attn_mask"),
    "TransformerEncoderLayer": ("src_mask", "src_key_padding_mask"),
}


def references(name: str) -> Iterator[Any]:
    (info,) = (each for each in common_modules.module_db if each.module_cls is getattr(nn, name))
    options = {"device": "cpu", "dtype": torch.float64, "requires_grad": False, "training": True}
    for each in info.module_inputs_func(info, **options):
        if not any(each.constructor_input.kwargs.get(option) for option in LEFT_OUT):
            yield each


def call(name: str) -> Any:
    """Return a function that hands PyTorch's module what ours gets as inputs one by one."""
    masks = MASKS.get(name, ())

    def run(module: nn.Module, *inputs: Any) -> Any:
        if name == "LSTM" and len(inputs) > 1:
            return module(inputs[0], inputs[1:])
        sources = len(inputs) - len(masks)
        return module(*inputs[:sources], **dict(zip(masks, inputs[sources:], strict=True)))

    return run


@pytest.mark.filterwarnings("ignore::UserWarning")  # of PyTorch, about options that its own inputs combine
@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients(name: str) -> None:
    count = 0
    for reference in references(name):
        args, kwargs = reference.constructor_input.args, dict(reference.constructor_input.kwargs)
        theirs = getattr(nn, name)(*args, **kwargs)
        args = ["gelu" if each is torch.nn.functional.gelu else each for each in args]
        ours = getattr(corenet_sequence, name)(*args, **{each: kwargs[each] for each in kwargs.keys() - LEFT_OUT})
        inputs = flat(tuple(reference.forward_input.args))
        inputs += [reference.forward_input.kwargs.get(each) for each in MASKS.get(name, ())]
        assert_alike(with_weights_of(theirs, ours), theirs, call(name), [_apart(each) for each in inputs])
        count += 1
    assert count >= 2


def _apart(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.detach()
