"""Attention is PyTorch's: self and cross, every mask, values, gradients, weights, names of parameters."""

from typing import Any

import corenet as cn
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sequence_oracle import assert_alike, drawn, with_weights_of
from torch import Tensor, nn

from corenet_sequence import MultiheadAttention

N, L, S, E, H = 3, 4, 5, 6, 2


def pair(**options: Any) -> tuple[cn.Module, nn.Module]:
    own = {name: options.pop(name) for name in ("need_weights", "is_causal") if name in options}
    theirs = nn.MultiheadAttention(E, H, **options)
    return with_weights_of(theirs, MultiheadAttention(E, H, **options, **own)), theirs


def call(need_weights: bool = True) -> Any:
    def run(module: nn.Module, query: Tensor, *others: Any) -> Any:
        key, value, padding, mask = (*others, *[None] * (4 - len(others)))
        key = query if key is None else key
        value = key if value is None else value
        found = module(query, key, value, key_padding_mask=padding, attn_mask=mask, need_weights=need_weights)
        return found if need_weights else found[0]

    return run


def padding(is_bool: bool) -> Tensor:
    if not is_bool:
        return torch.randn(N, S, dtype=torch.float64)
    mask = torch.rand(N, S) < 0.4
    mask[:, 0] = False
    return mask


def mask(is_bool: bool, *shape: int) -> Tensor:
    if not is_bool:
        return torch.randn(*shape, S, dtype=torch.float64)
    hidden = torch.rand(*shape, S) < 0.4
    hidden[..., 0] = False
    return hidden


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_self_and_cross(count: int, bias: bool, batch_first: bool, need_weights: bool) -> None:
    ours, theirs = pair(bias=bias, batch_first=batch_first, need_weights=need_weights)
    shapes = [(N, L, E), (N, S, E), (N, S, E)] if batch_first else [(L, N, E), (S, N, E), (S, N, E)]
    assert_alike(ours, theirs, call(need_weights), drawn(*shapes[:count]))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_one_sequence(count: int) -> None:
    ours, theirs = pair()
    assert_alike(ours, theirs, call(), drawn((L, E), (S, E), (S, E))[:count])


def test_keys_and_values_of_other_widths() -> None:
    ours, theirs = pair(kdim=4, vdim=7)
    assert_alike(ours, theirs, call(), drawn((L, N, E), (S, N, 4), (S, N, 7)))
    with pytest.raises(cn.StructureError, match="needs the key and the value"):
        ours(*drawn((L, N, E), (S, N, 4)))


@pytest.mark.filterwarnings("ignore:Support for mismatched:UserWarning")
@pytest.mark.parametrize("shape", [None, (L,), (N * H, L)])
@pytest.mark.parametrize("is_bool", [(True, True), (False, False), (True, False)])
@pytest.mark.parametrize("has_padding", [True, False])
def test_masks(has_padding: bool, is_bool: tuple[bool, bool], shape: tuple[int, ...] | None) -> None:
    ours, theirs = pair(dropout=0.3)
    masks = [padding(is_bool[0]) if has_padding else None, None if shape is None else mask(is_bool[1], *shape)]
    assert_alike(ours, theirs, call(), [*drawn((L, N, E), (S, N, E), (S, N, E)), *masks], seed=2)


def test_masks_of_self_attention() -> None:
    ours, theirs = pair(batch_first=True)
    query, *_ = drawn((N, S, E))
    assert_alike(ours, theirs, call(), [query, None, None, padding(True), mask(True, S)])


@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_shapes(batch: int, queries: int, keys: int, heads: int, width: int) -> None:
    theirs = nn.MultiheadAttention(heads * width, heads)
    ours = with_weights_of(theirs, MultiheadAttention(heads * width, heads))
    shapes = [(queries, batch, heads * width), (keys, batch, heads * width), (keys, batch, heads * width)]
    assert_alike(ours, theirs, call(), drawn(*shapes))


def test_a_causal_one_has_the_mask_of_its_own() -> None:
    ours, theirs = pair(is_causal=True)

    def causal(module: nn.Module, query: Tensor) -> Any:
        return module(query, query, query, attn_mask=torch.ones(L, L, dtype=torch.bool).triu(1))

    assert_alike(ours, theirs, causal, drawn((L, N, E)))


def test_first_weights_are_those_of_pytorch() -> None:
    torch.manual_seed(0)
    theirs = nn.MultiheadAttention(12, 3)
    torch.manual_seed(0)
    ours = MultiheadAttention(12, 3)
    for parameter, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert parameter.abs().max().item() == pytest.approx(other.abs().max().item(), rel=0.1)
    assert not ours.out_proj.bias.any()


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(L, N, 5)], r"its query got \(4, 3, 5\); expected \(L, N, 6\) or \(L, 6\)"),
        ([(6,)], r"its query got \(6,\)"),
        ([(L, N, E), (S, E)], r"its key got \(5, 6\); expected .*, of all inputs alike"),
        ([(L, N, E), (S, 2, E)], r"its key got \(5, 2, 6\); expected 3 sequences, as of the query"),
        ([(L, N, E), (S, N, E), (L, N, E)], r"its value got \(4, 3, 6\); expected \(5, 3\) as of the key"),
        ([(L, N, E), (S, N, E), (S, N, E), (N, L)], r"its key_padding_mask got \(3, 4\); expected \(3, 5\)"),
        ([(L, N, E), (S, N, E), None, None, (S, L)], r"its attn_mask got \(5, 4\); expected \(4, 5\) or \(6, 4, 5\)"),
    ],
)
def test_shapes_that_do_not_fit(shapes: list[Any], message: str) -> None:
    with pytest.raises(cn.ShapeError, match=rf"^MultiheadAttention\(6, 2 heads\): {message}") as caught:
        MultiheadAttention(E, H)(*[None if shape is None else torch.ones(shape) for shape in shapes])
    assert "\n" not in str(caught.value)


def test_masks_of_integers_and_of_other_numbers_are_refused() -> None:
    attention, query = MultiheadAttention(E, H), torch.ones(L, N, E)
    for wrong in (torch.ones(N, L, dtype=torch.int64), torch.ones(N, L, dtype=torch.float64)):
        with pytest.raises(
            cn.DTypeError, match=r"its key_padding_mask is of torch\.bool, True for what is hidden, or of"
        ):
            attention(query, None, None, wrong)


@pytest.mark.parametrize("hidden", [True, -float("inf")])
def test_masks_that_hide_every_key_are_refused(hidden: Any) -> None:
    attention, query = MultiheadAttention(E, H), torch.ones(L, N, E)
    mask = torch.zeros(N, L, dtype=torch.bool if hidden is True else torch.float32)
    mask[1] = hidden
    with pytest.raises(cn.RangeError, match="hide every key from query 0 of sequence 1$"):
        attention(query, None, None, mask)
    first = torch.zeros(L, L, dtype=torch.bool)
    first[2, :3] = True
    mask[:] = False
    mask[2, 3] = hidden
    with pytest.raises(cn.RangeError, match="hide every key from query 2 of sequence 2$"):
        attention(query, None, None, mask, first)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"embed_dim": 0}, "embed_dim"),
        ({"num_heads": 4}, "num_heads"),
        ({"num_heads": 0}, "num_heads"),
        ({"dropout": -0.1}, "dropout"),
        ({"kdim": 0}, "kdim"),
        ({"vdim": 1.5}, "vdim"),
    ],
)
def test_arguments_that_cannot_work(arguments: dict[str, Any], name: str) -> None:
    with pytest.raises(cn.ConfigError, match=f"^MultiheadAttention: {name} must") as caught:
        MultiheadAttention(**{"embed_dim": E, "num_heads": H, **arguments})
    assert caught.value.name == name


@pytest.mark.parametrize("bias", [True, False])
def test_an_empty_batch_is_taken(bias: bool) -> None:
    inputs = [torch.empty(L, 0, E), torch.empty(S, 0, E), torch.empty(S, 0, E)]
    attention = MultiheadAttention(E, H, bias=bias)
    output, weights = attention(*inputs)
    assert (output.shape, weights.shape) == ((L, 0, E), (0, L, S))
    gradients = attention.backward(output, weights)
    assert [each.shape for each in gradients] == [each.shape for each in inputs]
    assert not any(parameter.grad.any() for parameter in attention.parameters())
