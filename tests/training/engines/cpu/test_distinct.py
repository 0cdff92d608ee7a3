"""Kernels that differ in their memories only are compiled once, in their order, over all functions of a source."""

import pytest
import torch

from corenet.training.engines.cpu import cc
from corenet.training.engines.cpu.codegen import Function, compile_calls
from corenet.training.engines.cpu.distinct import DISTINCT
from corenet.training.engines.recording.op_log import OpLog
from corenet.training.engines.unsupported import CannotCompile

pytestmark = pytest.mark.usefixtures("needs_compiler")


def compiled(function, *inputs):
    """Return the result of ``function``, its calls in C, and how many kernels they have."""
    sources = []

    def library(source):
        sources.append(source)
        return cc.library(source)

    with OpLog() as log:
        result = function(*inputs)
    calls = compile_calls(log.operations, [], [result], library)
    (source,) = sources
    return result, calls, source.count("NOT_INLINED void")


def recurrence(x, w, steps):
    h = x[0] * 0
    for step in range(steps):
        h = torch.tanh(h @ w + x[step])
    return h


def test_a_recurrence_has_few_distinct_kernels():
    x, w = torch.randn(50, 3, 5), torch.randn(5, 5) / 2
    result, calls, kernels = compiled(lambda x, w: recurrence(x, w, 50), x, w)
    assert kernels <= 5
    for _ in range(2):
        x.normal_(), w.normal_()
        (call,) = calls
        call()
        torch.testing.assert_close(result, recurrence(x, w, 50))


def test_a_longer_one_has_as_many():
    w = torch.randn(5, 5)
    counts = {compiled(lambda x, w: recurrence(x, w, len(x)), torch.randn(steps, 3, 5), w)[2] for steps in (9, 70)}
    assert len(counts) == 1


def test_a_long_chain_is_cut_into_loops_that_are_alike():
    def chain(x):
        for _ in range(1000):
            x = x.sin() * 1.01
        return x

    x = torch.randn(7)
    result, (call,), kernels = compiled(chain, x)
    assert kernels in (2, 3), "a loop of all would take a compiler long"
    x.normal_()
    call()
    torch.testing.assert_close(result, chain(x))


def test_kernels_that_compute_otherwise_are_others():
    def function(x):
        return x[0] * 2 + (x[1] * 3).sum() + (x[2].T * 2).sum() + (x[3, :2] * 2).sum() + (x[4] * 2).sum(0)

    result, _, kernels = compiled(function, torch.randn(5, 3, 3))
    assert kernels >= 8
    assert result.shape == (3, 3)


def test_functions_that_a_call_of_torch_parts_share_their_kernels():
    def function(x):
        return (x.exp().cumsum(0).exp().cumsum(0)).exp()

    _, calls, kernels = compiled(function, torch.randn(6) / 9)
    assert [isinstance(call, Function) for call in calls] == [True, False, True, False, True]
    assert kernels == 1


def test_too_many_distinct_ones_are_refused():
    def function(x):
        return sum((x[:size].sum() for size in range(1, DISTINCT + 2)), x[0])

    told = f"the step has more than {DISTINCT} distinct kernels"
    with pytest.raises(CannotCompile, match=told):
        compiled(function, torch.randn(DISTINCT + 2))
