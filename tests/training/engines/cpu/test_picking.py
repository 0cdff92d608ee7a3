"""What is picked, put or added by indices is torch's, and an index that is out of range is told."""

import pytest
import torch
import torch.nn.functional as F

from corenet.training.engines.cpu.codegen import Function, compile_calls
from corenet.training.engines.recording.op_log import OpLog

pytestmark = pytest.mark.usefixtures("needs_compiler")

# w is a table of 9 rows of 4, x has 5 rows of 4, n indices of columns, r of rows, e one for each element of x.
READ = {
    "rows": lambda w, x, n, r, e: w[r],
    "rows of a turned one": lambda w, x, n, r, e: w.T[n],
    "a block of rows": lambda w, x, n, r, e: w[torch.stack([r, r * 0 + 3])],
    "from the end": lambda w, x, n, r, e: w[r - 9],
    "columns": lambda w, x, n, r, e: w[:, n],
    "one of each row": lambda w, x, n, r, e: x[torch.arange(5), n],
    "of two dimensions": lambda w, x, n, r, e: w.view(3, 3, 4)[n.clamp(max=2) - 3, :, n],
    "parted": lambda w, x, n, r, e: w.view(3, 3, 2, 2)[:, n.clamp(max=2), :, n.clamp(1, 2) - 1],
    "in the midst": lambda w, x, n, r, e: w.view(9, 2, 2)[:, n.clamp(max=1), n.clamp(1, 2) - 3].exp(),
    "spread out": lambda w, x, n, r, e: w[r[:, None], n],
    "by another dimension": lambda w, x, n, r, e: w[None].expand(2, 9, 4)[:, r],
    "gathered": lambda w, x, n, r, e: x.gather(1, e),
    "gathered rows": lambda w, x, n, r, e: w.gather(0, e * 2),
    "a gathered column": lambda w, x, n, r, e: x.gather(1, n[:, None]).squeeze(1),
    "taken along": lambda w, x, n, r, e: x.T.gather(0, n[None]),
    "selected": lambda w, x, n, r, e: w.index_select(0, r),
    "selected columns": lambda w, x, n, r, e: x.index_select(-1, n),
    "embedded": lambda w, x, n, r, e: F.embedding(r, w),
    "whole numbers": lambda w, x, n, r, e: r[n],
    "flags": lambda w, x, n, r, e: (x > 0)[torch.arange(5), n],
    "double": lambda w, x, n, r, e: w.double()[r],
}
WRITTEN = {
    "added rows": lambda w, x, n, r, e: w.index_add(0, r, x),
    "added rows, less": lambda w, x, n, r, e: w.index_add(0, r, x, alpha=-0.3),
    "added columns": lambda w, x, n, r, e: x.clone().index_add_(1, n, w[:5, [0, 1, 2, 3, 0]]),
    "put and added": lambda w, x, n, r, e: torch.zeros(9, 4).index_put_((r,), x, accumulate=True),
    "put and added anew": lambda w, x, n, r, e: w.index_put((r - 9,), x, accumulate=True),
    "put at single ones": lambda w, x, n, r, e: w.index_put((r, n), x[:, 1], accumulate=True),
    "a row for all": lambda w, x, n, r, e: w.index_put((r,), x[0]),
    "one less": lambda w, x, n, r, e: minus_one(x.softmax(1), n),
    "scattered": lambda w, x, n, r, e: torch.zeros(5, 4).scatter_(1, n[:, None], 1.0),
    "scattered numbers": lambda w, x, n, r, e: x.scatter(1, n[:, None], x.sum(1, keepdim=True)),
    "a corner scattered": lambda w, x, n, r, e: w.scatter(0, e[:1], x),
    "added at each": lambda w, x, n, r, e: w.scatter_add(0, e, x),
    "added at each of a turned one": lambda w, x, n, r, e: w.clone().T.scatter_add_(1, e.T, x.T),
    "one hot": lambda w, x, n, r, e: torch.zeros(5, 4, dtype=torch.int64).scatter_(1, n[:, None], 1),
    "counted": lambda w, x, n, r, e: torch.zeros(9, dtype=torch.int64).index_add_(0, r, torch.ones_like(r)),
    "filled": lambda w, x, n, r, e: w.index_fill(0, r, -2.5),
    "copied": lambda w, x, n, r, e: w.index_copy(0, torch.arange(5), x),
    "flags": lambda w, x, n, r, e: (x > 0).index_fill(1, n, True),
}


def minus_one(x, n):
    x[torch.arange(5), n] -= 1
    return x


def make():
    w, x = torch.randn(18, 4)[::2], torch.randn(4, 5).T
    return [w, x, torch.randint(4, (5,)), torch.randint(9, (5,)), torch.randint(4, (5, 4))]


@pytest.mark.parametrize("functions", [READ, WRITTEN], ids=["read", "written"])
def test_indices_pick_what_torch_picks(assert_as_torch, functions):
    def function(*inputs):
        return {name: each(*inputs) for name, each in functions.items()}

    assert_as_torch(function, make, times=4, in_c=None, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("functions", [READ, WRITTEN], ids=["read", "written"])
def test_all_of_it_is_in_c(functions):
    for name, each in functions.items():
        inputs = make()
        with OpLog() as log:
            result = each(*inputs)
        calls = compile_calls(log.operations, [], [result])
        assert all(isinstance(call, Function) for call in calls), f"{name}: {[o.name for o in log.operations]}"


def test_nothing_is_picked_where_nothing_is_asked_for(assert_as_torch):
    def function(w, r):
        return {"rows": w[r] * 2, "w": w.index_add(0, r, w[r]) + 1}

    assert_as_torch(function, lambda: [torch.randn(4, 3), torch.randint(4, (0,))], in_c=None)


def test_numbers_that_are_none_are_picked_and_added(assert_as_torch):
    ones = torch.tensor([float("nan"), float("inf"), float("-inf"), -0.0, 1.5])

    def function(w, x, r):
        return {"rows": w[r], "added": x.index_add(0, r, w[r])}

    assert_as_torch(
        function, lambda: [ones[torch.randint(5, (6, 3))] for _ in "wx"] + [torch.randint(6, (9,))], signs=["rows"]
    )


OUT_OF_RANGE = {
    "a row": (lambda w, r: w[r], [9, -10, 2**40]),
    "selected": (lambda w, r: w.index_select(0, r), [9, -1]),
    "gathered": (lambda w, r: w.gather(0, r[:, None]), [9, -1, -(2**62)]),
    "embedded": (lambda w, r: F.embedding(r, w), [9, -1]),
    "added": (lambda w, r: w.clone().index_add_(0, r, w[:4]), [9, -1]),
    "put": (lambda w, r: w.index_put((r,), w[:4], accumulate=True), [9, -10]),
    "scattered": (lambda w, r: w.scatter(0, r[:, None], 1.0), [9, -1, 2**62]),
}


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_an_index_out_of_range_is_told_and_picks_nothing(name):
    rule, wrong = OUT_OF_RANGE[name]
    w, r = torch.randn(9, 3), torch.tensor([3, 0, 8, 5])
    with OpLog() as log:
        result = rule(w, r)
    (call,) = compile_calls(log.operations, [], [result])
    expected = rule(w, r)
    for index in wrong:
        r[2] = index
        with pytest.raises(IndexError, match="an index is out of range"):
            call()
        r[2] = 8
        call()
        torch.testing.assert_close(result, expected)


LEFT_TO_TORCH = {
    "short indices": lambda w, r: w[r.int()],
    "reduced": lambda w, r: w.scatter(0, r[:, None], 2.0, reduce="multiply"),
    "flags added": lambda w, r: (w > 0).index_put((r,), w[:4] > 0, accumulate=True),
}


@pytest.mark.parametrize("name", LEFT_TO_TORCH)
def test_what_is_not_known_is_left_to_torch(assert_as_torch, name):
    def function(w, r):
        return {"it": LEFT_TO_TORCH[name](w, r), "w": w + 1}

    assert_as_torch(function, lambda: [torch.randn(9, 3), torch.randint(9, (4,))], in_c=False)
