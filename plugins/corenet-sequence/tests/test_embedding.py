"""Embedding is PyTorch's, and refuses what picks no row."""

from typing import Any

import corenet as cn
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from corenet_sequence import Embedding


@given(
    st.integers(1, 6),
    st.integers(1, 4),
    st.lists(st.integers(1, 4), max_size=3),
    st.sampled_from([torch.int64, torch.int32]),
    st.data(),
)
@settings(max_examples=50, deadline=None)
def test_values_and_gradients(
    count: int, width: int, shape: list[int], dtype: torch.dtype, data: st.DataObject
) -> None:
    padding = data.draw(st.none() | st.integers(-count, count - 1))
    ours, theirs = Embedding(count, width, padding).to(torch.float64), nn.Embedding(count, width, padding).double()
    theirs.load_state_dict({"weight": torch.randn(count, width)})
    ours.load_state_dict(theirs.state_dict())
    indices = torch.randint(count, shape, dtype=dtype)
    found, expected = ours(indices), theirs(indices)
    assert torch.equal(found, expected.detach())
    upstream = torch.randn_like(found)
    assert ours.backward(upstream) is None
    ours(indices)
    ours.backward(upstream)
    expected.backward(upstream)
    torch.testing.assert_close(ours.weight.grad, 2 * theirs.weight.grad, rtol=1e-10, atol=1e-10)


def test_the_table_is_drawn_from_the_standard_normal_but_for_the_padding() -> None:
    torch.manual_seed(0)
    ours = Embedding(1000, 20, padding_idx=-1)
    assert not ours.weight[-1].any()
    assert ours.weight[:-1].mean().abs() < 0.03
    assert abs(ours.weight[:-1].std() - 1) < 0.03


@pytest.mark.parametrize("wrong", [7, -1, 2**40])
def test_an_index_that_picks_no_row_is_named(wrong: int) -> None:
    embedding = Embedding(7, 2)
    message = rf"^Embedding\(7 × 2\) got index {wrong}; expected integers from 0 to 6$"
    with pytest.raises(cn.RangeError, match=message):
        embedding(torch.tensor([[0, wrong], [2, 3]]))
    embedding(torch.tensor([6, 0]))  # nothing was left saved


@pytest.mark.parametrize("input", [torch.ones(2), torch.tensor([True]), [1]])
def test_what_is_no_tensor_of_integers_is_refused(input: Any) -> None:
    with pytest.raises(cn.DTypeError, match=r"takes a tensor of integers, int64 or int32, got"):
        Embedding(7, 2)(input)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 2), "num_embeddings must be an integer ≥ 1, not 0"),
        ((3, True), "embedding_dim must be an integer ≥ 1, not True"),
        ((3, 2, 3), "padding_idx must be an integer from -3 to 2, not 3"),
        ((3, 2, -4), "padding_idx must be an integer from -3 to 2, not -4"),
        ((3, 2, True), "padding_idx must be"),
        ((3, 2, "0"), "padding_idx must be"),
    ],
)
def test_arguments_that_cannot_work(arguments: Any, message: str) -> None:
    with pytest.raises(cn.ConfigError, match=f"^Embedding: {message}"):
        Embedding(*arguments)


def test_no_index_at_all_is_fine() -> None:
    embedding = Embedding(3, 2)
    assert embedding(torch.empty(0, 4, dtype=torch.int64)).shape == (0, 4, 2)
    embedding.backward(torch.empty(0, 4, 2))
    assert not embedding.weight.grad.any()
