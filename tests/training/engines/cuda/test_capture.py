"""Who may have launches, what goes on where there can be none, and how torch.cuda is asked for them."""

from contextlib import contextmanager, nullcontext

import pytest
import torch

import corenet as cn
from corenet.training.engines.cuda import capture as module
from corenet.training.engines.cuda.capture import Launch, capture
from corenet.training.engines.cuda.engine import _Block
from corenet.training.engines.recording.rng_state import cuda_devices, rng_checkpoint, rng_states
from corenet.training.engines.replay import Replay
from corenet.training.engines.select import RECORDED_FROM, engine_for
from corenet.training.learner import Learner

DATA = cn.data.disk(64, seed=0)
SHORT = {"epochs": 4, "batch_size": 8, "progress": False}
NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture
def stand_in(monkeypatch):
    """Have the processor for a CUDA device; ``refused(number)`` raises in a capture, ``wrong`` ones do nothing."""
    made = []

    class StandIn:
        refused = staticmethod(lambda number: False)
        wrong = False

        def capture(self, do, device):
            made.append(do)
            do()
            if self.refused(len(made)):
                raise RuntimeError("operation not permitted when stream is capturing")
            return (lambda: None) if self.wrong else do

    found = StandIn()
    monkeypatch.setattr(module, "capture", found.capture)
    monkeypatch.setattr(module, "has_graphs", lambda device: True)
    return found


def parts(p=0.2, device="cpu"):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 6), cn.Dropout(p), cn.Linear(6, 1), cn.Sigmoid()).to(device)
    return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.1, momentum=0.9)


def compare(engine="graph", told=None):
    """Train plainly and by launches, and expect to be ``told`` of another ``engine``."""
    trainings = [parts(), parts()]
    plain = cn.fit(*trainings[0], DATA, engine="plain", **SHORT)
    with pytest.warns(cn.EngineWarning, match=told) if told else nullcontext():
        histories = [plain, cn.fit(*trainings[1], DATA, engine="graph", **SHORT)]
    (plain, _, _), (graph, _, _) = trainings
    torch.testing.assert_close(graph.state_dict(), plain.state_dict())
    torch.testing.assert_close(histories[1].losses, histories[0].losses)
    assert histories[1].engine == engine


# What goes on where there can be none.


REFUSED = "torch cannot capture the kernels: operation not permitted when stream is capturing"


def test_a_step_that_cannot_be_captured_is_replayed(stand_in):
    stand_in.refused = lambda number: True
    compare("replay", f"engine 'replay' runs, not 'graph': {REFUSED}")


@pytest.mark.parametrize("number", [2, 3])
def test_many_steps_that_cannot_be_captured_are_undone_and_launched_one_by_one(number, stand_in, caplog):
    stand_in.refused = lambda made: made >= number  # after the step: one in a block, and as many as an epoch has
    with caplog.at_level("INFO", logger="corenet"):
        compare()
    assert f"steps are called one by one: {REFUSED}" in caplog.text


def test_a_launch_that_does_something_else_is_not_believed(stand_in):
    stand_in.wrong = True
    told = "engine 'plain' runs, not 'graph': the recorded step gave another gradient than the plain step"
    compare("plain", told)


def test_many_steps_that_do_something_else_are_not_believed(stand_in, monkeypatch, caplog):
    monkeypatch.setattr(_Block, "__call__", lambda *_: None)
    with caplog.at_level("INFO", logger="corenet"):
        compare()
    assert "steps are called one by one: many steps in one call gave other weights than plain steps" in caplog.text


@pytest.mark.parametrize("when", [1, 3, 9, 20])
def test_an_interruption_leaves_weights_and_steps_together(when, stand_in, monkeypatch):
    calls = []
    do = Launch.__call__

    def interrupted(self):
        do(self)
        calls.append(self)
        if len(calls) == when:
            raise KeyboardInterrupt

    monkeypatch.setattr(Launch, "__call__", interrupted)
    model, loss, optimizer = parts()
    with pytest.raises(KeyboardInterrupt):
        cn.fit(model, loss, optimizer, DATA, engine="graph", **SHORT | {"epochs": 30})
    plain = parts()
    with pytest.raises(InterruptedError):
        cn.fit(*plain[:2], _stopping(plain[2], optimizer.steps), DATA, engine="plain", **SHORT | {"epochs": 30})
    torch.testing.assert_close(model.state_dict(), plain[0].state_dict())
    torch.testing.assert_close(optimizer.state_dict()["states"], plain[2].state_dict()["states"])


def _stopping(optimizer, steps):
    """Let an optimizer stop before it does more than so many steps."""
    step = optimizer.step

    def stops():
        if optimizer.steps == steps:
            raise InterruptedError
        step()

    optimizer.step = stops
    return optimizer


# Who may have them.


def test_without_a_device_who_asks_is_told():
    words = r"engine 'graph': the numbers are on cpu, not on one CUDA device; move model and data there with \.to"
    with pytest.raises(cn.ConfigError, match=words):
        cn.fit(*parts(), DATA, engine="graph", **SHORT)
    with pytest.raises(cn.ConfigError, match=words):
        cn.fit_rounds(lambda _: parts(), DATA, rounds=2, engine="graph", **SHORT)


def test_pieces_of_a_batch_are_for_the_plain_step(stand_in):
    with pytest.raises(cn.ConfigError, match="engine 'graph' keeps all of a batch; leave micro_batch_size out"):
        engine_for("graph", Learner(*parts()), DATA, epochs=1, batch_size=10, micro_batch_size=5)


def test_on_another_device_auto_replays(monkeypatch):
    monkeypatch.setattr("corenet.training.engines.select.affordable", lambda *_: None)
    monkeypatch.setattr(DATA, "inputs", DATA.inputs.to("meta"))
    engine = engine_for("auto", Learner(*parts()), DATA, epochs=RECORDED_FROM, batch_size=1)
    assert (type(engine), engine.running) == (Replay, "replay")


def test_numbers_on_the_processor_are_not_captured(stand_in, monkeypatch):
    monkeypatch.setattr(module, "has_graphs", lambda device: device.type == "meta")
    assert module.device_of([torch.ones(1, device="meta")]) == torch.device("meta")
    for tensors in ([torch.ones(1)], [torch.ones(1), torch.ones(1, device="meta")]):
        with pytest.raises(cn.training.engines.unsupported.NotRecordable, match="the numbers are on cpu"):
            module.device_of(tensors)


# Rounds.


def test_rounds_are_launched_one_after_the_other(stand_in):
    results, expected = (
        cn.fit_rounds(lambda _: parts(), DATA, rounds=3, engine=engine, **SHORT) for engine in ("graph", "plain")
    )
    for (model, history), (other, told) in zip(results, expected, strict=True):
        assert history.engine == "graph"
        torch.testing.assert_close(model.state_dict(), other.state_dict())
        torch.testing.assert_close(history.losses, told.losses)


def test_rounds_that_differ_are_launched_one_after_the_other(stand_in):
    def factory(round):
        model = cn.Sequential(cn.Linear(2, 3 + round), cn.Linear(3 + round, 1))
        return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)

    results, expected = (
        cn.fit_rounds(factory, DATA, rounds=2, engine=engine, **SHORT) for engine in ("graph", "plain")
    )
    for (model, history), (other, _) in zip(results, expected, strict=True):
        assert history.engine == "graph"
        torch.testing.assert_close(model.state_dict(), other.state_dict())


# How torch.cuda is asked.


@pytest.fixture
def torch_cuda(monkeypatch):
    """What is asked of torch.cuda, in its order; a capture fails where the body raises."""
    asked, current = [], ["here"]

    class Stream:
        def __init__(self, name):
            self.name = name

        def wait_stream(self, other):
            asked.append(f"{self.name} waits for {other.name}")

    here, aside = Stream("here"), Stream("aside")

    @contextmanager
    def stream(chosen):
        before, current[0] = current[0], chosen.name
        try:
            yield
        finally:
            current[0] = before

    class Graphed:
        def __init__(self, graph, stream):
            self.stream = stream

        def __enter__(self):
            asked.append("capture")
            current[0] = self.stream.name

        def __exit__(self, kind, *_):
            if kind:  # torch leaves its stream the current one
                raise RuntimeError("a previous error during capture")
            current[0] = "here"

    class CUDAGraph:
        def replay(self):
            asked.append("launch")

    fakes = {"device": lambda _: stream(here), "current_stream": lambda: here, "Stream": lambda _: aside}
    fakes |= {"stream": stream, "graph": Graphed, "CUDAGraph": CUDAGraph, "get_sync_debug_mode": lambda: 0}
    fakes |= {"set_sync_debug_mode": lambda mode: asked.append(f"waiting: {mode}")}
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    monkeypatch.setattr(module, "_failed", [])
    monkeypatch.setattr(torch, "zeros", lambda *_, device: asked.append(f"zeros on {device}"))
    module._stream_aside.cache_clear()
    yield asked, current
    module._stream_aside.cache_clear()


DEVICE = torch.device("cuda", 0)
WARM = ["aside waits for here", "waiting: error", "done on aside", "waiting: 0", "here waits for aside"]


def test_a_capture_comes_after_the_calls_were_done_aside(torch_cuda):
    asked, current = torch_cuda
    again = capture(lambda: asked.append(f"done on {current[0]}"), DEVICE)
    assert asked == [*WARM, "capture", "done on aside"]
    again()
    assert asked[-1] == "launch"


def test_calls_that_wait_for_the_device_are_not_captured(torch_cuda):
    asked, current = torch_cuda

    def waits():
        asked.append(f"done on {current[0]}")
        raise RuntimeError("called a synchronizing CUDA operation")

    with pytest.raises(RuntimeError, match="synchronizing"):
        capture(waits, DEVICE)
    assert asked == WARM
    capture(lambda: None, DEVICE)  # nothing has failed in a capture


def test_after_a_capture_that_failed_torch_may_draw_again_and_captures_no_more(torch_cuda):
    asked, current = torch_cuda
    done = []

    def fails():
        done.append(current[0])
        if len(done) == 2:
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="a previous error during capture"):
        capture(fails, DEVICE)
    assert asked[-3:] == ["capture", "capture", "zeros on cuda"]
    assert current == ["here"]
    with pytest.raises(cn.training.engines.unsupported.NotRecordable, match="a capture failed before in this process"):
        capture(lambda: None, DEVICE)


@pytest.fixture
def two_devices(monkeypatch):
    """Generators of two devices that stand at a number."""
    at = [torch.tensor([3.0]), torch.tensor([5.0])]
    fakes = {"is_available": lambda: True, "is_initialized": lambda: True, "device_count": lambda: 2}
    fakes |= {
        "get_rng_state": lambda device: at[device].clone(),
        "set_rng_state": lambda state, device: at[device].copy_(state),
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    return at


def test_every_device_that_is_in_use_has_a_generator(two_devices, monkeypatch):
    assert cuda_devices() == [0, 1]
    assert [float(state[0]) for state in rng_states()[1:]] == [3, 5]
    rewind = rng_checkpoint()
    two_devices[1].fill_(7.0)
    torch.rand(1)
    rewind()
    assert [float(state) for state in two_devices] == [3, 5]
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    assert (cuda_devices(), len(rng_states())) == ([], 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert cuda_devices() is None


# On a CUDA device.


@NEEDS_CUDA
def test_a_capture_on_a_device_does_its_calls_once_and_again_at_each_launch():
    number = torch.zeros(3, device="cuda")
    again = capture(lambda: number.add_(1), number.device)
    assert number.tolist() == [1, 1, 1]
    again()
    again()
    assert number.tolist() == [3, 3, 3]


@NEEDS_CUDA
def test_random_numbers_go_on_in_a_launch_as_outside():
    number = torch.zeros(3, device="cuda")
    again = capture(lambda: number.uniform_(), number.device)
    torch.manual_seed(0)
    again()
    again()
    torch.manual_seed(0)
    torch.rand(3, device="cuda")
    torch.testing.assert_close(number, torch.rand(3, device="cuda"), rtol=0, atol=0)


@NEEDS_CUDA
def test_what_waits_for_a_device_is_refused_and_nothing_is_broken_by_it():
    number = torch.ones(3, device="cuda")
    with pytest.raises(RuntimeError):
        capture(lambda: number.sum().item(), number.device)
    capture(lambda: number.add_(1), number.device)()
    assert number.tolist() == [3, 3, 3]
    torch.rand(3, device="cuda")


@NEEDS_CUDA
def test_a_capture_that_failed_leaves_torch_drawing(monkeypatch):
    monkeypatch.setattr(module, "_failed", failed := [])
    monkeypatch.setattr(module, "_waiting_refused", lambda: torch.cuda.device(0))  # so that it fails in the capture
    number = torch.ones(3, device="cuda")
    with pytest.raises(RuntimeError):
        capture(lambda: number.sum().item(), number.device)
    assert len(failed) == 1
    torch.rand(3, device="cuda")
    assert torch.cuda.current_stream() == torch.cuda.default_stream()


@NEEDS_CUDA
@pytest.mark.parametrize("p", [0.0, 0.2])
def test_rounds_on_a_device_are_those_of_the_replay(p):
    results, expected = (
        cn.fit_rounds(lambda _: parts(p, "cuda"), DATA.to("cuda"), rounds=3, engine=engine, **SHORT)
        for engine in ("graph", "replay")
    )
    for (model, history), (other, _) in zip(results, expected, strict=True):
        assert history.engine == "graph"
        torch.testing.assert_close(model.state_dict(), other.state_dict())
