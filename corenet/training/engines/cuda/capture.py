"""Many kernels as one launch: a CUDA graph of calls.

To launch a kernel takes the processor longer than a small kernel takes the device. A graph is launched once.
It knows addresses and no numbers, and so do recorded calls, which write into the same tensors each time. Random
numbers go on in it as outside, because torch hands every launch the place where its generator stands.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache

import torch
from torch import Tensor

from corenet.training.engines.recording.lowering import Call, lower
from corenet.training.engines.recording.op_log import Operation
from corenet.training.engines.unsupported import NotRecordable

_failed: list[torch.cuda.CUDAGraph] = []  # kept, for torch goes on asking them whether memory is theirs


class Launch:
    """Calls as one launch, and the calls themselves, for who makes them part of a larger one.

    Raises:
        NotRecordable: torch cannot capture them, because the processor would have to wait for the device.
    """

    def __init__(self, calls: Sequence[Call], device: torch.device) -> None:
        self.calls, self.device = calls, device
        try:
            self._launch = capture(self._do, device)
        except RuntimeError as error:
            raise NotRecordable(f"torch cannot capture the kernels: {error}") from error

    def __call__(self) -> None:
        self._launch()

    def _do(self) -> None:
        for call in self.calls:
            call()


def launched(operations: Iterable[Operation], gradients: Sequence[Tensor], kept: Sequence[Tensor] = ()) -> list[Call]:
    """Return what :func:`~corenet.training.engines.recording.lowering.lower` does, as one launch; it is done by this.

    Raises:
        NotRecordable: not everything is on one CUDA device, or torch cannot capture it.
    """
    operations = list(operations)
    device = device_of(tensor for each in operations for tensor in (*each.tensors(), *each.results()))
    return [Launch(lower(operations, gradients, kept), device)]


def device_of(tensors: Iterable[Tensor]) -> torch.device:
    """Return the CUDA device that tensors are on.

    Raises:
        NotRecordable: they are elsewhere, or on several.
    """
    devices = {tensor.device for tensor in tensors}
    if len(devices) != 1 or not all(map(has_graphs, devices)):
        text = f"the tensors are on {' and '.join(sorted(map(str, devices)))}, not on one CUDA device"
        raise NotRecordable(text, "move model and data there with .to('cuda')")
    return devices.pop()


def has_graphs(device: torch.device) -> bool:
    """Tell whether a device has CUDA graphs."""
    return device.type == "cuda"


def capture(do: Call, device: torch.device) -> Call:
    """Do ``do`` once, on a stream aside, and return what does it again as one launch.

    Raises:
        NotRecordable: a capture failed before.
        RuntimeError: torch refuses.
    """
    if _failed:
        raise NotRecordable("a capture failed before in this process")
    with torch.cuda.device(device):
        here, aside = torch.cuda.current_stream(), _stream_aside(device)
        aside.wait_stream(here)
        try:
            with torch.cuda.stream(aside), _waiting_refused():  # libraries are loaded and memory is found before
                do()
        finally:
            here.wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.stream(here), torch.cuda.graph(graph, stream=aside):  # the inner one stays if it fails
                do()
        except Exception:
            _failed.append(graph)
            _let_draw_again(here, aside)
            raise
    return graph.replay


@cache
def _stream_aside(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # always the same: a library keeps a workspace for each


@contextmanager
def _waiting_refused() -> Iterator[None]:
    """Raise where the processor waits for the device: in a capture it may not, and there it would be too late."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that it does not find out every time
        torch.cuda.set_sync_debug_mode("error")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode(before)


def _let_draw_again(here: torch.cuda.Stream, aside: torch.cuda.Stream) -> None:
    """Capture something, well: after a failure torch takes its generator for one in a capture, and does not draw."""
    with suppress(Exception), torch.cuda.stream(here), torch.cuda.graph(torch.cuda.CUDAGraph(), stream=aside):
        torch.zeros((), device="cuda")
