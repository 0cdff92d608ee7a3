"""Many steps in one launch: a recorded step and the optimizer's rule in turn, as one CUDA graph.

A graph reads and writes fixed memories. So the batches and rates of some steps are laid beside each other before it is
launched, and their outputs and losses lie beside each other after. Nobody looks at a number between: sums of the
gradients are kept, and whether all were finite is asked once for many steps. As compiled ones, steps are believed after
they came to what plain steps come to, and are undone where anything is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import ceil
from time import perf_counter

import torch
from torch import Tensor

from corenet.contracts.optimizer import Optimizer
from corenet.contracts.several import Tensors, each_of
from corenet.training.engines.chunked import Chunked
from corenet.training.engines.chunks import SECONDS
from corenet.training.engines.cuda.capture import Launch, launched
from corenet.training.engines.engine import Running
from corenet.training.engines.optimizer_adapter import tensors_of
from corenet.training.engines.recording.lowering import Call, KernelCalls, lower
from corenet.training.engines.recording.op_log import Operation
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorded_update import Numbers, RecordedUpdate
from corenet.training.engines.unsupported import NotRecordable, Reporter
from corenet.training.learner import Learner

AS_FACTOR = "use it as a factor of tensors alone, as in param.sub_(grad, alpha=self.current_lr)"
GRAPHS = 8  # that one training may have captured: what always changes never earns back what each costs
_CHUNK = 256  # steps between two checks for numbers that are not finite
_BLOCK = 64  # steps in one launch
_KEPT = 2**26  # bytes to keep of the batches and outputs of a chunk
_SCALED = ("add", "sub", "addcmul", "addcdiv")  # their second argument times alpha, or value
_ARITHMETIC = ("add", "sub", "mul", "div")


class GraphLoop:
    """A recorded step and an update, to be done many times.

    Raises:
        NotRecordable: the step is no launch, or the rule takes a number of the step where no tensor can be.
    """

    def __init__(self, recorded: RecordedStep, update: RecordedUpdate, optimizer: Optimizer) -> None:
        (launch,) = recorded.calls
        if not isinstance(launch, Launch):
            raise NotRecordable("the step is not captured as one CUDA graph")
        self.recorded, self.update = recorded, update
        layout = optimizer.layout
        self.device = launch.device
        self.numbers = update.numbers.to(self.device)
        self.step = launch.calls
        self.apply = lower(_reading_numbers(update, self.numbers), [], tensors_of(optimizer))
        self.gradients, self.weights = layout.gradients(), layout.weights()
        self.given = [*recorded.given, self.numbers]
        self.made, self._value = recorded.results, len(each_of(recorded.prediction))
        self.max_steps = self._most = _at_most(_CHUNK, [*self.given, *self.made])
        self._blocks: dict[int, _Block] = {}

    def run(
        self, inputs: Tensors, targets: Tensors, numbers: Numbers, steps_per_epoch: int
    ) -> tuple[int, list[Tensor]]:
        """Do a step for each row of numbers; return how many went well, and the results of all.

        After ``steps_per_epoch`` so many.
        """
        steps, start = len(numbers), perf_counter()
        rows = torch.tensor(numbers, dtype=torch.float64) if self.update.at else torch.zeros(steps, 1)
        data = (*each_of(inputs), *each_of(targets), rows.to(self.device))
        given = [each.view(steps, *own.shape) for each, own in zip(data, self.given, strict=True)]
        made = [_rows(steps, each) for each in self.made]
        sums = torch.zeros((steps, len(self.gradients) + len(self.weights)), dtype=torch.float64, device=self.device)
        for first, last in _pieces(steps, steps_per_epoch, _at_most(_BLOCK, [*self.given, *self.made])):
            part = slice(first, last)
            self._block(last - first)([each[part] for each in given], [*(each[part] for each in made), sums[part]])
            if last % steps_per_epoch == 0:
                for call in _summing(self.weights, sums[last - 1, len(self.gradients) :]):
                    call()
        good = torch.cat([sums, made[self._value].reshape(steps, -1)], 1).isfinite().all(1)
        done = int(good.long().cumprod(0).sum().item())
        self.max_steps = max(1, min(self._most, int(SECONDS * steps / (perf_counter() - start))))
        return done, made

    def _block(self, steps: int) -> _Block:
        if steps not in self._blocks:
            self._blocks[steps] = _Block(self, steps)
        return self._blocks[steps]


class Launches:
    """The lowering to one launch, which counts what it has captured."""

    running: Running = "graph"

    def __init__(self) -> None:
        self._made = 0

    def __call__(
        self, operations: Sequence[Operation], gradients: Sequence[Tensor], kept: Sequence[Tensor]
    ) -> list[Call]:
        """Return one launch.

        Raises:
            NotRecordable: too many were captured already, or the kernels cannot be.
        """
        if self._made >= GRAPHS:
            text = f"this training had {GRAPHS} graphs captured already: what it does changes too often"
            raise NotRecordable(text, "use batches of fewer sizes, and change settings less often")
        self._made += 1
        return launched(operations, gradients, kept)

    def improved(self) -> bool:
        """Tell that they never become quicker."""
        return False


class Graph(Chunked):
    """Trains as :class:`~corenet.training.engines.cpu.engine.Compiled` does, on a CUDA device and by launches."""

    def __init__(self, learner: Learner, reporter: Reporter | None = None) -> None:
        super().__init__(learner, reporter or Reporter(), (Launches(), KernelCalls()), graph_loop)


def graph_loop(recorded: RecordedStep, update: RecordedUpdate, learner: Learner) -> GraphLoop:
    """Return the loop of a learner."""
    return GraphLoop(recorded, update, learner.optimizer)


class _Block:
    """So many steps as one launch, over batches, rates, outputs, losses and sums that lie beside each other."""

    def __init__(self, loop: GraphLoop, steps: int) -> None:
        self._device = loop.device
        self._given, self._made = ([_rows(steps, each) for each in own] for own in (loop.given, loop.made))
        self._sums = torch.zeros((steps, len(loop.gradients)), dtype=torch.float64, device=loop.device)
        self._calls = [call for number in range(steps) for call in self._step(loop, number)]
        self._launch: Launch | None = None

    def __call__(self, given: Sequence[Tensor], made: Sequence[Tensor]) -> None:
        for own, numbers in zip(self._given, given, strict=True):
            own.copy_(numbers)
        if self._launch is None:
            self._launch = Launch(self._calls, self._device)  # which does them as well
        else:
            self._launch()
        *results, sums = made
        for result, own in zip(results, self._made, strict=True):
            result.copy_(own)
        sums[:, : self._sums.shape[1]].copy_(self._sums)

    def _step(self, loop: GraphLoop, number: int) -> list[Call]:
        return [
            *(partial(own.copy_, rows[number]) for own, rows in zip(loop.given, self._given, strict=True)),
            *loop.step,
            *(partial(rows[number].copy_, own) for own, rows in zip(loop.made, self._made, strict=True)),
            *_summing(loop.gradients, self._sums[number]),
            *loop.apply,
        ]


def _pieces(steps: int, steps_per_epoch: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield where some steps begin and end: as many as divide an epoch well, or one, and none of another epoch.

    >>> list(_pieces(7, 3, 2)), list(_pieces(8, 4, 2))
    ([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7)], [(0, 2), (2, 4), (4, 6), (6, 8)])
    """
    block = steps_per_epoch // ceil(steps_per_epoch / most)
    done = 0
    while done < steps:
        left = min(steps, done - done % steps_per_epoch + steps_per_epoch) - done
        count = block if left >= block else 1
        yield done, done + count
        done += count


def _reading_numbers(update: RecordedUpdate, numbers: Tensor) -> list[Operation]:
    """Return a rule's operations with the numbers of the step read from ``numbers``."""
    places = {id(part): number for part, number in zip(update.parts, numbers.unbind(), strict=False)}
    return [each for operation in update.operations for each in _reading(operation, places)]


def _reading(operation: Operation, places: Mapping[int, Tensor]) -> list[Operation]:
    """Return an operation that reads a number from a tensor: where it takes a number alone, a product goes before."""
    name = operation.name.removesuffix("_")
    scales = [each for each in operation.keywords.values() if id(each) in places]
    if not scales and not any(id(each) in places for each in operation.arguments):
        return [operation]
    arguments = tuple(places.get(id(each), each) for each in operation.arguments)
    if not scales and name in _ARITHMETIC:
        return [replace(operation, arguments=arguments)]
    if len(operation.keywords) > 1 or name not in _SCALED:
        raise NotRecordable(f"{operation.name} takes the rate as a number alone", AS_FACTOR)
    first, second, *others = arguments
    scale = places[id(scales[0])]
    product = Operation(torch.ops.aten.mul.Tensor, (second, scale), {}, second * scale)
    return [product, replace(operation, arguments=(first, product.result, *others), keywords={})]


def _summing(tensors: Sequence[Tensor], sums: Tensor) -> list[Call]:
    """Return calls that keep the sum of each tensor; it is not finite if one of its numbers is not."""
    return [
        partial(torch.sum, tensor, tuple(range(tensor.dim())), dtype=torch.float64, out=total)
        for tensor, total in zip(tensors, sums, strict=True)
    ]


def _rows(count: int, like: Tensor) -> Tensor:
    return torch.zeros((count, *like.shape), dtype=like.dtype, device=like.device)


def _at_most(steps: int, tensors: Sequence[Tensor]) -> int:
    """Return so many steps, or fewer if what they would keep is large."""
    return max(1, min(steps, _KEPT // max(1, sum(each.nbytes for each in tensors))))
