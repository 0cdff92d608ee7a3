"""Loops over strided tensors reach each element, in as few dimensions as will do."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from corenet.training.engines.cpu.loop_nest import WORTH_SHARING, Access, index, merged, shared

SHAPES = st.lists(st.integers(1, 4), max_size=4).map(tuple)


@st.composite
def walks(draw):
    """Draw a shape and tensors that are walked through in it: permuted, sliced, expanded."""
    shape = draw(SHAPES)
    tensors = []
    for _ in range(draw(st.integers(1, 3))):
        order = draw(st.permutations(range(len(shape))))
        steps = [draw(st.integers(1, 2)) for _ in shape]
        repeated = [draw(st.booleans()) for _ in shape]
        sizes = [1 if repeated[dim] else shape[dim] * steps[dim] for dim in range(len(shape))]
        stored = torch.empty([sizes[dim] for dim in order])
        seen = stored.permute([order.index(dim) for dim in range(len(shape))])
        tensors.append(seen[tuple(slice(None, None, step) for step in steps)].expand(shape))
    return shape, tensors


@given(walks())
def test_merged_loops_touch_the_same_elements_in_the_same_order(walks):
    shape, tensors = walks
    sizes, strides = merged(shape, [Access.of(tensor, shape) for tensor in tensors])
    places = [
        [eval(index(own), {f"i{n}": i for n, i in enumerate(at)}) for own in strides]
        for at in itertools.product(*map(range, sizes))
    ]
    numbered = [
        [sum(i * stride for i, stride in zip(at, tensor.stride(), strict=True)) for tensor in tensors]
        for at in itertools.product(*map(range, shape))
    ]
    assert places == numbered


def test_what_lies_in_one_piece_is_one_loop():
    slices = torch.empty(6, 8)[:, 2:6]
    assert merged((6, 4), [Access.of(slices, (6, 4))]) == ([6, 4], [[8, 1]])
    assert merged((2, 3, 4), [Access.of(torch.empty(2, 3, 4), (2, 3, 4))]) == ([24], [[1]])
    assert merged((2, 3), [Access.of(torch.empty(()), (2, 3))]) == ([6], [[0]])
    assert merged((), [Access.of(torch.empty(()), ())]) == ([], [[]])


def test_tensors_are_told_apart_by_how_they_lie():
    x = torch.empty(4, 4)
    same, other = Access.of(x, (4, 4)), Access.of(torch.empty(4, 4), (4, 4))
    assert Access.of(x.view(4, 4), (4, 4)) == same
    assert len({same, other, Access.of(x.T, (4, 4)), Access.of(x[1:, :3], (3, 3)), Access.of(x[0], (4, 4))}) == 5
    assert Access.of(x.view(torch.int32), (4, 4)) != same
    assert Access.of(x[:1], (1, 4)) == Access.of(x.as_strided((1, 4), (9, 1)), (1, 4))  # a single row has no stride


@pytest.mark.parametrize("sizes", [[WORTH_SHARING], [2, WORTH_SHARING // 2], [WORTH_SHARING - 1], [], [3, 4]])
def test_large_loops_are_shared_out(sizes):
    assert ("omp parallel for" in shared(sizes, "\nINDEPENDENT\nfor")) == (math.prod(sizes) >= WORTH_SHARING)
