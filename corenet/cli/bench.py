"""``corenet bench``: a network of the user's choice on this machine, corenet against torch.nn."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import click

from corenet.cli import options
from corenet.cli.echo import echo
from corenet.text_table import text_table

if TYPE_CHECKING:
    from corenet.contracts.module import Module
    from corenet.contracts.optimizer import Optimizer
    from corenet.data import Dataset

PEER = Path(__file__).with_name("torch_nn.py.txt")
LR, MOMENTUM = 0.05, 0.9
EPOCHS, CHECKED_EPOCHS = 100, 2
BATCHES = 10  # of an epoch
TOLERANCE = 1e-4  # of the largest weight, after CHECKED_EPOCHS
CHUNKS = 3  # at least, of each

FIT = "corenet, fit"

Train = Callable[[int], float]  # epochs -> seconds of processor time


class Widths(click.ParamType):  # type: ignore[type-arg]  # generic to the checker only
    """At least two positive integers, as in ``2,25,25,1``."""

    name = "widths"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        parts = value.split(",")
        if len(parts) < 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
            self.fail(f"{value!r} is no list of widths; write at least two, as in 2,25,25,1", param, ctx)
        return tuple(map(int, parts))


@click.command()
@click.option(
    "--layers", "widths", type=Widths(), default="2,25,25,25,1", show_default=True, help="Widths, ReLU between."
)
@click.option("--batch-size", type=click.IntRange(1), default=100, show_default=True, help="Points of a step.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of torch, for each.")
@click.option("--seconds", type=options.Seconds(0), default=3, show_default=True, help="About how long to measure.")
@options.seed
@options.json
def command(widths: tuple[int, ...], batch_size: int, threads: int, seconds: float, seed: int, as_json: bool) -> None:
    """Time a step of training, by the loop spelled out and by fit, against torch.nn with autograd.

    All start from the same weights and see the same batches, and must reach the same
    weights before anything is timed; exit code 1 if they do not. They train in turns,
    and the median is shown: of processor time, which other programs hardly disturb. A
    turn of fit is as long as the loop would train in --seconds: its engine is chosen by
    the length of a training.
    """
    import torch

    torch.set_num_threads(threads)
    data = _data(widths, batch_size, seed)
    loop, fit = _network(widths, seed), _network(widths, seed)
    ran: list[str] = []
    with _torch_nn(loop[0], data, widths, batch_size, threads) as (peer, peer_weights):
        trains: dict[str, Train] = {
            "torch.nn": peer,
            "corenet, loop": lambda epochs: _loop(*loop, data, batch_size, epochs),
            FIT: lambda epochs: _fit(*fit, data, batch_size, epochs, ran),
        }
        for train in trains.values():
            train(CHECKED_EPOCHS)
        error = max(_error(model, peer_weights()) for model, _ in (loop, fit))
        if not error <= TOLERANCE:
            echo(f"corenet: the weights differ from those of torch.nn by {error:.1e}; nothing was timed", err=True)
            click.get_current_context().exit(1)
        steps, fit_epochs = _take_turns(trains, seconds)
    about = {"layers": widths, "batch_size": batch_size, "threads": threads, "weights_error": error}
    _show(about | {"engine": ran[-1], "fit_steps": fit_epochs * BATCHES, "step_seconds": steps}, as_json)


def _data(widths: tuple[int, ...], batch_size: int, seed: int) -> Dataset:
    import torch

    from corenet.data import Dataset, stream

    generator = torch.Generator().manual_seed(stream("bench", seed))
    inputs = torch.rand(BATCHES * batch_size, widths[0], generator=generator)
    return Dataset(inputs, inputs.mean(1, keepdim=True).sin().expand(-1, widths[-1]).contiguous())


def _network(widths: tuple[int, ...], seed: int) -> tuple[Module, Optimizer]:
    import torch

    from corenet.builtin.activations import ReLU
    from corenet.builtin.linear import Linear
    from corenet.builtin.sgd import SGD
    from corenet.contracts.sequential import Sequential
    from corenet.data import stream
    from corenet.training.draws import drawing_from

    with drawing_from(stream("weights", seed), torch.device("cpu")):
        layers = [layer for pair in pairwise(widths) for layer in (Linear(*pair), ReLU())]
    model = Sequential(*layers[:-1])
    return model, SGD(model.parameters(), lr=LR, momentum=MOMENTUM)


def _loop(model: Module, optimizer: Optimizer, data: Dataset, batch_size: int, epochs: int) -> float:
    from corenet.builtin.losses import MSELoss

    loss = MSELoss()
    start = process_time()
    for epoch in range(epochs):
        for input, target in data.batches(batch_size, seed=0, epoch=epoch):
            optimizer.zero_grad()
            loss(model(input), target)
            model.backward(loss.backward())
            optimizer.step()
    return process_time() - start


def _fit(model: Module, optimizer: Optimizer, data: Dataset, batch_size: int, epochs: int, ran: list[str]) -> float:
    """Train, and note in ``ran`` by which engine."""
    from corenet.builtin.losses import MSELoss
    from corenet.training.fit import fit

    start = process_time()
    history = fit(model, MSELoss(), optimizer, data, epochs=epochs, batch_size=batch_size, seed=0, progress=False)
    ran.append(history.engine)
    return process_time() - start


@contextmanager
def _torch_nn(
    model: Module, data: Dataset, widths: tuple[int, ...], batch_size: int, threads: int
) -> Iterator[tuple[Train, Callable[[], dict[str, Any]]]]:
    """Start PyTorch's side from ``model``'s weights; yield how to train it, and how to read its weights."""
    from safetensors.torch import load_file, save_file

    with TemporaryDirectory() as folder:
        path, found = f"{folder}/given.safetensors", f"{folder}/found.safetensors"
        given = {name: value.clone() for name, value in model.state_dict().items()}  # the parameters share one storage
        save_file(given | {"inputs": data.inputs, "targets": data.targets, "orders": _orders(data)}, path)
        arguments = json.dumps([path, widths, batch_size, LR, MOMENTUM, threads])
        program = [sys.executable, "-c", PEER.read_text(encoding="utf-8"), arguments]
        with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            assert process.stdin is not None
            assert process.stdout is not None
            requests, answers = process.stdin, process.stdout

            def request(*line: object) -> str:
                print(json.dumps(line), file=requests, flush=True)
                return answers.readline()

            def weights() -> dict[str, Any]:
                request("weights", found)
                return load_file(found)

            answers.readline()  # it is ready
            yield lambda epochs: float(request("train", epochs)), weights


def _orders(data: Dataset) -> Any:
    import torch

    return torch.stack([data.order(0, epoch) for epoch in range(EPOCHS)])


def _error(model: Module, expected: dict[str, Any]) -> float:
    """Return the largest difference between weights, as a part of the largest weight."""
    largest = max(value.abs().max().item() for value in expected.values())
    own = model.state_dict()
    return float(max((own[name] - value).abs().max().item() for name, value in expected.items()) / largest)


def _take_turns(trains: dict[str, Train], seconds: float) -> tuple[dict[str, float], int]:
    """Return the median seconds of a step of each, and the epochs of a turn of fit; those of the others are fewer."""
    epoch = {name: train(1) for name, train in trains.items()}
    share = seconds / (2 * CHUNKS * len(trains) * max(epoch.values()))
    turns = dict.fromkeys(trains, max(1, min(EPOCHS, round(share))))
    turns[FIT] = max(1, round(seconds / epoch["corenet, loop"]))
    found: dict[str, list[float]] = {name: [] for name in trains}
    end = perf_counter() + seconds
    while perf_counter() < end or len(found[FIT]) < CHUNKS:
        for name, train in trains.items():
            found[name].append(train(turns[name]) / (turns[name] * BATCHES))
    return {name: median(each) for name, each in found.items()}, turns[FIT]


def _show(found: dict[str, Any], as_json: bool) -> None:
    from corenet.machine import machine

    if as_json:
        options.print_json({"schema": 1, "machine": machine(), **found})
        return
    network, steps = "-".join(map(str, found["layers"])), found["step_seconds"]
    rows = [[name, f"{1e6 * each:.1f}", f"{steps['torch.nn'] / each:.2f}"] for name, each in steps.items()]
    echo(f"{network}, batch {found['batch_size']}, SGD with momentum, threads {found['threads']}")
    click.echo()
    click.echo("\n".join(text_table(["", "µs/step", "times as fast"], rows, right={1, 2})))
    click.echo()
    echo(f"fit trained {found['fit_steps']:,} steps a turn, by engine {found['engine']!r}")
    echo(f"the same weights after {CHECKED_EPOCHS * BATCHES} steps, to {found['weights_error']:.0e} of the largest")
    echo(machine())
