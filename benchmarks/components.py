"""``python -m benchmarks.components [--turns 7]``: components of the first-party plugins inside small networks, timed.

Each network is trained by torch.nn and by ``cn.fit`` with each engine, from the same weights, in turns, on one thread.
After a few steps the weights must be those of torch.nn. Needs the plugins: pip install ./plugins/*.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from time import process_time
from typing import Any

import torch
from torch import Tensor, nn

import corenet as cn
from benchmarks.table import environment, in_markdown
from corenet_containers import Concat, Parallel, Residual
from corenet_conv import Conv2d, MaxPool2d
from corenet_norm import BatchNorm1d, LayerNorm
from corenet_optim import LARS
from corenet_sequence import LSTM, Embedding, MultiheadAttention

BATCH, BATCHES = 32, 8
SHORT, LONG = 10, 40  # epochs, whose difference is what steps cost without what a training does once
LONGER = 400  # where steps are compiled, and take so little
ENGINES = ("plain", "replay", "compiled")


class Reshape(cn.Module):
    """The same numbers, row by row in another shape."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def forward(self, input: Tensor) -> Tensor:
        self.save(input.shape)
        return input.reshape(len(input), *self.shape)

    def backward(self, grad_output: Tensor) -> Tensor:
        (shape,) = self.saved()
        return grad_output.reshape(shape)


class LastStep(cn.Module):
    """What a recurrent network with ``batch_first`` gives after the last step, of its several outputs."""

    def forward(self, output: Tensor, *others: Tensor) -> Tensor:
        self.save(output, others)
        return output[:, -1]

    def backward(self, grad_output: Tensor) -> Any:
        output, others = self.saved()
        gradient = torch.zeros_like(output)
        gradient[:, -1] = grad_output
        return (gradient, *map(torch.zeros_like, others))


class Mean(cn.Module):
    """The mean over the steps of a sequence."""

    def forward(self, input: Tensor) -> Tensor:
        self.save(input.shape)
        return input.mean(1)

    def backward(self, grad_output: Tensor) -> Tensor:
        ((rows, steps, width),) = self.saved()
        return (grad_output / steps)[:, None].expand(rows, steps, width).contiguous()


class Applied(nn.Module):
    """A function as a module of torch's."""

    def __init__(self, function: Callable[..., Tensor], *modules: nn.Module) -> None:
        super().__init__()
        self.modules_ = nn.ModuleList(modules)
        self.function = function

    def forward(self, input: Tensor) -> Tensor:
        return self.function(input, *self.modules_)


@dataclass
class Network:
    """A small network in both libraries, and what it is trained on."""

    component: type
    ours: Callable[[], cn.Module]
    theirs: Callable[[], nn.Module]
    inputs: Callable[[], Tensor]
    classes: int = 0  # 0: one number is predicted
    optimizer: Callable[[Any], cn.Optimizer] = lambda parameters: cn.SGD(parameters, lr=0.01, momentum=0.9)
    their_optimizer: Callable[[Any], Any] | None = lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.9)
    names: dict[str, str] = field(default_factory=dict)
    batch: int = BATCH


def features() -> Tensor:
    return torch.randn(BATCH * BATCHES, 20)


def images() -> Tensor:
    return torch.randn(BATCH * BATCHES, 3, 12, 12)


def sequences() -> Tensor:
    return torch.randn(BATCH * BATCHES, 12, 8)


def words() -> Tensor:
    return torch.randint(50, (BATCH * BATCHES, 6))


def wide(middle: Callable[[], cn.Module], end: int = 1) -> Callable[[], cn.Module]:
    return lambda: cn.Sequential(cn.Linear(20, 64), middle(), cn.Tanh(), cn.Linear(64, end))


def their_wide(middle: Callable[[], nn.Module], end: int = 1) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(nn.Linear(20, 64), middle(), nn.Tanh(), nn.Linear(64, end))


def networks() -> Iterator[Network]:
    """Yield each network."""
    yield Network(
        Conv2d,
        lambda: cn.Sequential(Conv2d(3, 8, 3), cn.ReLU(), cn.Flatten(), cn.Linear(800, 1)),
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(800, 1)),
        images,
    )
    yield Network(
        MaxPool2d,
        lambda: cn.Sequential(Conv2d(3, 8, 3), MaxPool2d(2), cn.Flatten(), cn.Linear(200, 1)),
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, 1)),
        images,
    )
    yield Network(BatchNorm1d, wide(lambda: BatchNorm1d(64)), their_wide(lambda: nn.BatchNorm1d(64)), features)
    yield Network(LayerNorm, wide(lambda: LayerNorm(64)), their_wide(lambda: nn.LayerNorm(64)), features)
    yield Network(
        Embedding,
        lambda: cn.Sequential(Embedding(50, 16), cn.Flatten(), cn.Linear(96, 1)),
        lambda: nn.Sequential(nn.Embedding(50, 16), nn.Flatten(), nn.Linear(96, 1)),
        words,
    )
    yield Network(
        LSTM,
        lambda: cn.Sequential(LSTM(8, 32, batch_first=True), LastStep(), cn.Linear(32, 1)),
        lambda: nn.Sequential(
            Applied(lambda x, lstm: lstm(x)[0][:, -1], nn.LSTM(8, 32, batch_first=True)), nn.Linear(32, 1)
        ),
        sequences,
    )
    yield Network(
        MultiheadAttention,
        lambda: cn.Sequential(MultiheadAttention(8, 2, batch_first=True, need_weights=False), Mean(), cn.Linear(8, 1)),
        lambda: nn.Sequential(
            Applied(
                lambda x, attention: attention(x, x, x, need_weights=False)[0].mean(1),
                nn.MultiheadAttention(8, 2, batch_first=True),
            ),
            nn.Linear(8, 1),
        ),
        sequences,
    )
    yield Network(
        Residual,
        wide(lambda: Residual(cn.Linear(64, 64))),
        their_wide(lambda: Applied(lambda x, linear: x + linear(x), nn.Linear(64, 64))),
        features,
    )
    yield Network(
        Concat,
        wide(lambda: cn.Sequential(Parallel(cn.Linear(64, 32), cn.Linear(64, 32)), Concat())),
        their_wide(lambda: Applied(lambda x, a, b: torch.cat([a(x), b(x)], 1), nn.Linear(64, 32), nn.Linear(64, 32))),
        features,
    )
    yield Network(cn.CrossEntropyLoss, wide(cn.ReLU, 5), their_wide(nn.ReLU, 5), features, classes=5)
    yield Network(
        cn.Adam, wide(cn.ReLU), their_wide(nn.ReLU), features, optimizer=cn.Adam, their_optimizer=torch.optim.Adam
    )
    yield Network(
        LARS, wide(cn.ReLU), their_wide(nn.ReLU), features, optimizer=lambda p: LARS(p, lr=0.1), their_optimizer=None
    )


@contextmanager
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Race:
    """One network in both libraries, from the same weights on the same batches."""

    def __init__(self, network: Network) -> None:
        self.network = network
        torch.manual_seed(0)
        inputs = network.inputs()
        count = len(inputs)
        targets = torch.randint(network.classes, (count,)) if network.classes else torch.randn(count, 1)
        self.data = cn.data.Dataset(inputs, targets)
        self.theirs = network.theirs()
        self.weights = [each.detach().clone() for each in self.theirs.parameters()]

    def model(self) -> cn.Module:
        model = self.network.ours()
        for own, theirs in zip(model.parameters(), self.weights, strict=True):
            assert own.shape == theirs.shape
            own.copy_(theirs)
        return model

    def parts(self) -> tuple[cn.Module, cn.Loss, cn.Optimizer]:
        model = self.model()
        loss = cn.CrossEntropyLoss() if self.network.classes else cn.MSELoss()
        return model, loss, self.network.optimizer(model.parameters())

    def fit(self, engine: str, epochs: int) -> cn.Module:
        model, loss, optimizer = self.parts()
        cn.fit(
            model,
            loss,
            optimizer,
            self.data,
            epochs=epochs,
            batch_size=self.network.batch,
            metrics=[],
            progress=False,
            engine=engine,
        )
        return model

    def rounds(self) -> bool:
        """Tell whether rounds by compiled steps give what one plain training gives."""
        found = cn.fit_rounds(
            lambda _: self.parts(),
            self.data,
            rounds=2,
            epochs=3,
            batch_size=self.network.batch,
            progress=False,
            engine="compiled",
        )
        return self.error(found[0][0], self.fit("plain", 3)) < 1e-4

    def torch_fit(self, epochs: int) -> nn.Module:
        model, loss = self.network.theirs(), nn.CrossEntropyLoss() if self.network.classes else nn.MSELoss()
        with torch.no_grad():
            for own, first in zip(model.parameters(), self.weights, strict=True):
                own.copy_(first)
        assert self.network.their_optimizer is not None
        optimizer = self.network.their_optimizer(model.parameters())
        for epoch in range(epochs):
            for input, target in self.data.batches(self.network.batch, seed=0, epoch=epoch):
                optimizer.zero_grad()
                loss(model(input), target).backward()
                optimizer.step()
        return model

    @staticmethod
    def error(one: Any, other: Any) -> float:
        pairs = zip(one.parameters(), other.parameters(), strict=True)
        return max(float((a.detach() - b.detach()).abs().max() / b.detach().abs().max().clamp(min=1)) for a, b in pairs)

    def row(self, turns: int) -> list[str]:
        """Return the cells of this component: lines, µs a step by each engine and torch, ratios, parity, rounds."""
        ways: dict[str, Callable[[int], Any]] = {
            engine: lambda epochs, engine=engine: self.fit(engine, epochs) for engine in ENGINES
        }
        parity = ""
        if self.network.their_optimizer is not None:
            ways["torch"] = self.torch_fit
            parity = f"{max(self.error(self.fit(engine, 3), self.torch_fit(3)) for engine in ENGINES):.0e}"
        times = _in_turns(ways, turns)
        theirs = times.get("torch")
        ratios = [f"{theirs / times[engine]:.1f}" if theirs else "–" for engine in ENGINES]
        shown = [f"{times[engine]:.0f}" if engine in times else "–" for engine in (*ENGINES, "torch")]
        lines = str(_lines(self.network.component))
        return [self.network.component.__name__, lines, *shown, *ratios, parity, "yes" if self.rounds() else "no"]


def _in_turns(ways: dict[str, Callable[[int], Any]], turns: int) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name, train in ways.items():
            seconds, long = [], LONGER if name == "compiled" else LONG
            for epochs in (SHORT, long):
                start = process_time()
                train(epochs)
                seconds.append(process_time() - start)
            if turn:
                found[name].append((seconds[1] - seconds[0]) / ((long - SHORT) * BATCHES) * 1e6)
    return {name: median(each) for name, each in found.items()}


def _lines(component: type) -> int:
    """Return how many lines of a class, and of the plugin's own that it derives from, are code."""
    own = [each for each in component.__mro__ if each.__module__.startswith(("corenet_", "corenet.builtin"))]
    return sum(map(_lines_of, own))


def _lines_of(component: type) -> int:
    """Return how many lines are code: not the docstring, the cases for the kit, blank lines or comments."""
    source = inspect.getsource(component).replace(component.__doc__ or "", "", 1)
    if "conformance_cases" in vars(component):
        source = source.replace(inspect.getsource(component.conformance_cases), "", 1)
    lines = [line.strip() for line in source.splitlines()]
    return sum(bool(line.strip('r"')) and not line.startswith("#") for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.components", description=__doc__.partition(":")[0])
    parser.add_argument("--turns", type=int, default=7)
    turns = parser.parse_args().turns
    heading = ["component", "lines", *(f"{each} µs" for each in (*ENGINES, "torch"))]
    heading += [*(f"torch / {engine}" for engine in ENGINES), "parity", "rounds"]
    print(f"{environment()}, batch {BATCH}\n")
    with one_thread():
        print(in_markdown(heading, [Race(network).row(turns) for network in networks()]))


if __name__ == "__main__":
    main()
