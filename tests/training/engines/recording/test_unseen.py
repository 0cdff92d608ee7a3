"""The one line about what may change without being seen names what an author wrote, and what to do about it."""

import inspect
import logging
import queue
import sys
import traceback
from inspect import currentframe as looks_up
from inspect import stack

import pytest
import torch
from numpy import load
from torch import get_num_threads

import corenet as cn
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.unsupported import NotRecordable

READ_ONCE = "read it once, in __init__, and keep what it gave"
LOG_OUTSIDE = "log outside of forward, backward and loss, such as in a callback"
BY_AN_INDEX = "take what it gives by an index, as [0], or in a for loop"
BUFFER = "keep a number that changes in a Buffer, written in place"
LOGGER = logging.getLogger("net")


class Net(cn.Module):
    """y = f(x), which reads what it likes."""

    def __init__(self, find, **kept):
        self.find = find
        vars(self).update(kept)

    def forward(self, input):
        return self.find(self) * input


def imports(net):
    from inspect import stack as found

    return len(found())


def raises(net):
    try:
        int("x")
    except ValueError as error:
        return error.__traceback__.tb_frame.f_lineno


def refusal_of(find, **kept):
    with pytest.raises(NotRecordable) as caught:
        Guards.of_step(cn.Sequential(Net(find, **kept)), cn.MSELoss()).refuse_unseen()
    return caught.value


@pytest.mark.parametrize(
    ("find", "culprit", "fix"),
    [
        (lambda net: logging.getLogger("net").info("x") or 1.0, "logging in <lambda>", LOG_OUTSIDE),
        (lambda net: LOGGER.info("x") or 1.0, f"{__name__}.LOGGER, a logging.Logger", LOG_OUTSIDE),
        (lambda net: next(iter([1.0])), "next() in <lambda>", BY_AN_INDEX),
        (lambda net: len(inspect.stack()), "stack() in <lambda>", READ_ONCE),
        (lambda net: len(inspect.trace()), "trace() in <lambda>", READ_ONCE),
        (lambda net: len(stack()), f"stack, as {__name__}.stack", READ_ONCE),
        (lambda net: looks_up().f_lineno, f"currentframe, as {__name__}.looks_up", READ_ONCE),
        (imports, "stack() in <lambda>", READ_ONCE),
        (raises, "tb_frame in <lambda>", READ_ONCE),
        (lambda net: sys._getframe(1).f_lineno, "sys in <lambda>", READ_ONCE),
        (lambda net: len(traceback.extract_stack()), "traceback in <lambda>", READ_ONCE),
        (lambda net: get_num_threads(), f"get_num_threads, as {__name__}.get_num_threads", READ_ONCE),
        (lambda net: load("a.npy"), f"load, as {__name__}.load", READ_ONCE),
    ],
)
def test_the_line_names_what_the_author_wrote(find, culprit, fix):
    refusal = refusal_of(find)
    assert refusal.text.replace("model.0.find", "<lambda>").startswith(f"the step reads {culprit}, which may change")
    assert refusal.fix == fix


@pytest.mark.parametrize(
    ("find", "what"),
    [
        (lambda net: net.line.qsize(), "model.0.line, a queue.Queue, which may % (model.0.line.mutex)"),
        (lambda net: queue.Queue.qsize(net.line), "queue in model.0.find, which may % (threading.Lock())"),
    ],
)
def test_the_line_tells_what_is_within(find, what):
    refusal = refusal_of(find, line=queue.Queue())
    told = f"the step reads {what}".replace("%", "change without being seen")
    assert (refusal.text, refusal.fix) == (told, BUFFER)


def test_what_only_has_such_a_name_is_recorded():
    class Kept:
        def stack(self):
            return 2.0

    kept = Kept()
    Guards.of_step(cn.Sequential(Net(lambda net: kept.stack())), cn.MSELoss()).refuse_unseen()
    Guards.of_step(cn.Sequential(Net(lambda net: torch.stack([torch.ones(1)]))), cn.MSELoss()).refuse_unseen()
