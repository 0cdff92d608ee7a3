"""What was tried leaves no trace, and nobody interrupts it half-way."""

import os
import signal
import threading
from contextlib import nullcontext

import pytest
import torch

from corenet.training.engines.recording.restore import interrupts_deferred, restored


@pytest.mark.parametrize("error", [None, ZeroDivisionError, KeyboardInterrupt])
def test_numbers_and_generators_are_put_back(error):
    weight, whole = torch.tensor([1.0, 2.0]), torch.tensor([3])
    before = torch.get_rng_state()

    def spoil():
        with restored([weight, whole]):
            weight.mul_(torch.rand(2))
            whole.zero_()
            if error:
                raise error

    with pytest.raises(error) if error else nullcontext():
        spoil()
    assert weight.tolist() == [1.0, 2.0]
    assert whole.tolist() == [3]
    assert torch.equal(torch.get_rng_state(), before)


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def interruptible():
    """Python's own handler of Ctrl-C, which a process in the background does not start with."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted_work(done, times=1):
    with interrupts_deferred():
        for _ in range(times):
            interrupt()
            done.append("after an interrupt")


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_waits_until_the_work_is_done():
    done = []
    with pytest.raises(KeyboardInterrupt):
        interrupted_work(done)
    assert done == ["after an interrupt"]


@pytest.mark.usefixtures("interruptible")
def test_a_second_interrupt_does_not_wait():
    done = []
    with pytest.raises(KeyboardInterrupt):
        interrupted_work(done, times=2)
    assert done == ["after an interrupt"]


def test_the_handler_of_before_is_put_back_and_called():
    called = []

    def handler(number, frame):
        called.append(number)

    before = signal.signal(signal.SIGINT, handler)
    try:
        with interrupts_deferred():
            interrupt()
            assert called == []
        assert called == [signal.SIGINT]
        assert signal.getsignal(signal.SIGINT) is handler
        with interrupts_deferred():
            pass
        assert called == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_process_that_ignores_interrupts_goes_on_ignoring_them():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_deferred():
            interrupt()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_leaves_the_handler_alone():
    seen = []
    before = signal.getsignal(signal.SIGINT)

    def work():
        with interrupts_deferred():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
