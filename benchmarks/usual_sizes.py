"""``python -m benchmarks.usual_sizes [--turns 3]``: components of the plugins at usual sizes, timed, in two minutes.

Images of 28 × 28 at batch 128, an LSTM over 64 steps, a transformer's layer of width 64 over 32 tokens; and functions
of each element and optimizers in the network of the student projects. Each is trained by torch.nn and by ``cn.fit``
as it comes, from the same weights on the same batches, in turns, on one thread. What is compared is the processor's
time of a whole training, by its steps; the first of each kind in the process, which records and compiles what later
ones use again, is noted beside. Needs the plugins: pip install ./plugins/*.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from statistics import median
from time import process_time
from typing import Any

import torch
from torch import nn

import corenet as cn
from benchmarks.components import Applied, LastStep, Mean, Network, Race, one_thread
from benchmarks.table import environment, in_markdown
from corenet_activations import ELU, GELU, SiLU
from corenet_conv import Conv2d, MaxPool2d
from corenet_optim import Adagrad, RMSprop
from corenet_sequence import LSTM, TransformerEncoderLayer


def networks() -> Iterator[tuple[str, Network, int]]:
    """Yield each network with what it is called, and the epochs of a training."""
    yield "two convolutions, images of 28 × 28, batch 128", _images(), 50
    yield "an LSTM, width 32, 64 steps, batch 32", _recurrent(), 100
    yield "a transformer's layer, width 64, 32 tokens, batch 32", _transformer(), 75
    for ours, theirs in ((GELU, nn.GELU), (ELU, nn.ELU), (SiLU, nn.SiLU)):
        yield f"`{ours.__name__}`, the students' network, batch 100", _small(ours, theirs), 100
    for optimizer, their_optimizer in ((RMSprop, torch.optim.RMSprop), (Adagrad, torch.optim.Adagrad)):
        small = _small(cn.Tanh, nn.Tanh)
        small.optimizer = lambda each, made=optimizer: made(each, lr=0.001)
        small.their_optimizer = lambda each, made=their_optimizer: made(each, lr=0.001)
        yield f"`{optimizer.__name__}`, likewise, `Tanh`", small, 100


def _images() -> Network:
    def ours() -> cn.Module:
        first = (Conv2d(1, 8, 3, padding=1), cn.ReLU(), MaxPool2d(2))
        second = (Conv2d(8, 16, 3, padding=1), cn.ReLU(), MaxPool2d(2))
        return cn.Sequential(*first, *second, cn.Flatten(), cn.Linear(784, 10))

    def theirs() -> nn.Module:
        first = (nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        second = (nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(784, 10))

    return Network(Conv2d, ours, theirs, lambda: torch.randn(512, 1, 28, 28), classes=10, batch=128)


def _recurrent() -> Network:
    return Network(
        LSTM,
        lambda: cn.Sequential(LSTM(8, 32, batch_first=True), LastStep(), cn.Linear(32, 1)),
        lambda: nn.Sequential(
            Applied(lambda x, lstm: lstm(x)[0][:, -1], nn.LSTM(8, 32, batch_first=True)), nn.Linear(32, 1)
        ),
        lambda: torch.randn(128, 64, 8),
    )


def _transformer() -> Network:
    sizes = {"dropout": 0.0, "batch_first": True}
    return Network(
        TransformerEncoderLayer,
        lambda: cn.Sequential(TransformerEncoderLayer(64, 4, 128, **sizes), Mean(), cn.Linear(64, 1)),
        lambda: nn.Sequential(
            nn.TransformerEncoderLayer(64, 4, 128, **sizes), Applied(lambda x: x.mean(1)), nn.Linear(64, 1)
        ),
        lambda: torch.randn(128, 32, 64),
    )


def _small(ours: Callable[[], cn.Module], theirs: Callable[[], nn.Module]) -> Network:
    """Return the network 2-25-25-25-1 at batch 100, with a function of each element behind each hidden layer."""

    def chain(made: Any, linear: Any, function: Any) -> Any:
        widths = (2, 25, 25, 25)
        hidden = [part for width in range(3) for part in (linear(widths[width], widths[width + 1]), function())]
        return made(*hidden, linear(25, 1))

    return Network(
        ours,
        lambda: chain(cn.Sequential, cn.Linear, ours),
        lambda: chain(nn.Sequential, nn.Linear, theirs),
        lambda: torch.randn(1000, 2),
        batch=100,
    )


def row(name: str, network: Network, epochs: int, turns: int) -> list[str]:
    """Return the cells of a network: its steps, µs a step of each library, their ratio, how far weights are apart."""
    race = Race(network)
    apart = race.error(race.fit("auto", 3), race.torch_fit(3))
    steps = epochs * len(race.data) // network.batch
    ways = {"corenet": lambda: race.fit("auto", epochs), "torch": lambda: race.torch_fit(epochs)}
    found: dict[str, list[float]] = {each: [] for each in ways}
    for _ in range(turns + 1):
        for each, train in ways.items():
            found[each].append(_seconds(train) / steps * 1e6)
    ours, theirs = (median(found[each][1:]) for each in ways)
    first = found["corenet"][0]
    return [name, str(steps), f"{first:.0f}", f"{ours:.0f}", f"{theirs:.0f}", f"{theirs / ours:.1f}", f"{apart:.0e}"]


def _seconds(train: Callable[[], Any]) -> float:
    start = process_time()
    train()
    return process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.usual_sizes", description=__doc__.partition(":")[0])
    parser.add_argument("--turns", type=int, default=3)
    turns = parser.parse_args().turns
    heading = ["network", "steps", "first µs", "corenet µs", "torch µs", "torch / corenet", "weights apart"]
    print(f"{environment()}\n")
    with one_thread():
        print(in_markdown(heading, [row(*each, turns) for each in networks()]))


if __name__ == "__main__":
    main()
