"""How torch.cuda is asked for captures and generators, and what a CUDA device itself does."""

from contextlib import contextmanager

import pytest
import torch

import corenet as cn
from corenet.training.engines.cuda import capture as module
from corenet.training.engines.cuda.capture import capture
from corenet.training.engines.recording.rng_state import cuda_devices, rng_checkpoint, rng_states

DATA = cn.data.disk(64, seed=0)
SHORT = {"epochs": 4, "batch_size": 8, "progress": False}
NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def parts(p=0.2, device="cpu"):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 6), cn.Dropout(p), cn.Linear(6, 1), cn.Sigmoid()).to(device)
    return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.1, momentum=0.9)


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
