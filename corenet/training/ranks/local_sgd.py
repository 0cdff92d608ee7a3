"""Local SGD: every rank takes some steps by itself, and then all go on from the mean of what they came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

import torch
from torch import Tensor

from corenet.contracts.optimizer import Optimizer
from corenet.contracts.several import Tensors, count, mapped, rows
from corenet.data import pieces, stream
from corenet.errors import ConfigError, NonFiniteError
from corenet.training.draws import drawing_from
from corenet.training.engines.engine import Engine, Piece, Running
from corenet.training.ranks.engine import Ranks
from corenet.training.ranks.exchange import Exchange
from corenet.training.ranks.world import World


class LocalSGD(Engine):
    """Trains by an engine of each rank's own, of ``every`` batches its rows, and then takes the mean over all ranks.

    A batch is cut into the parts that :class:`Ranks` cuts it into, and a rank steps by the gradient of the mean loss of
    its part. After ``every`` batches, and where the data end, weights and state of the optimizer are::

        w ← Σᵣ (nᵣ / n) wᵣ      n rows were learnt from, nᵣ of them by rank r; 1/N Σᵣ wᵣ where all parts are equal

    So with ``every = 1``, no momentum and a fixed rate it is the step of one process. A rank of which a batch has no
    row takes no step on it, and counts that much less.

    If a number is not finite in one rank, all put their steps since the last exchange back and do them again with an
    exchange of gradients at each: so the batch at fault is found, and left out or told as ever.

    In these steps a rank draws from a seed of its own, which all draw anew at each exchange.
    """

    def __init__(self, engine: Engine, world: World, every: int, skips: bool = False) -> None:
        super().__init__(engine.learner, skips)
        self._engine, self._world, self._every, self._exchange = engine, world, every, Exchange(world)
        self._together = Ranks(engine.learner, world, skips=skips)
        averaged(self.learner.optimizer)

    @property
    def running(self) -> Running:
        """The name of what does the steps of this rank."""
        return self._engine.running

    def refresh(self) -> None:
        """Look for changes: anybody's code may have run since the last step."""
        self._engine.refresh()

    def steps(self, inputs: Tensors, targets: Tensors, batch_size: int, epochs: int = 1) -> Iterator[Piece]:
        """Do a step on each batch, and yield what was done at each exchange.

        Raises:
            NonFiniteError: as the plain step, in every rank.
            RankError: another rank has ended, or does not come.
        """
        assert epochs == 1, "ranks look at each other after each epoch"
        size = self._every * batch_size
        for few in zip(pieces(inputs, size), pieces(targets, size), strict=True):
            yield from self._between_exchanges(*few, batch_size)

    def _between_exchanges(self, inputs: Tensors, targets: Tensors, batch_size: int) -> Iterator[Piece]:
        optimizer = self.learner.optimizer
        put_back, device = remembered(optimizer), optimizer.parameters[0].device
        seed = stream("rank", int(torch.randint(2**62, ())), self._world.rank)
        with drawing_from(seed, device):
            losses = self._averaged(inputs, targets, batch_size)
        if losses is not None:
            yield _piece(losses, count(inputs), batch_size)
            return
        put_back()
        with drawing_from(seed, device):
            done, failure = self._one_by_one(inputs, targets, batch_size)
        yield from done
        if failure is not None:
            raise failure

    def _averaged(self, inputs: Tensors, targets: Tensors, batch_size: int) -> list[float] | None:
        """Take steps alone, go on from the mean of all ranks, and return the loss of each batch.

        It is None, and the mean is worth nothing, if a number was not finite in one rank.
        """
        optimizer, points = self.learner.optimizer, count(inputs)
        steps, batches = optimizer.steps, -(-points // batch_size)
        shares = self._alone(inputs, targets, batch_size)
        optimizer.steps = steps + batches
        failed = float(shares is None)
        if steps == 0 and any(self._exchange.added_up([], 1.0, [failed])):
            return None  # where the first step fails, a rule may have no state yet
        numbers = [*(shares or [0.0] * batches), failed, float(self._world.noted.signal is not None)]
        weight = self._rows(points, batch_size) / points
        *losses, failed, told = self._exchange.added_up(averaged(optimizer), weight, numbers)
        self._world.agree_on_signal(bool(told))
        return None if failed else losses

    def _alone(self, inputs: Tensors, targets: Tensors, batch_size: int) -> list[float] | None:
        """Take a step on the own rows of each batch; return the own share in the loss of each, None if one failed."""
        shares: list[float] = []
        whole = count(inputs) - count(inputs) % batch_size
        try:
            for part, size in ((slice(0, whole), batch_size), (slice(whole, None), count(inputs) - whole)):
                if size and count(rows(inputs, part)):
                    shares += self._on_alike(rows(inputs, part), rows(targets, part), size)
        except NonFiniteError:
            return None
        return shares

    def _on_alike(self, inputs: Tensors, targets: Tensors, size: int) -> list[float]:
        """Take a step on the own rows of each of some batches of one size."""
        own = self._world.part(size)
        length, batches = own.stop - own.start, count(inputs) // size
        if not length:
            return [0.0] * batches

        def own_rows(tensor: Tensor) -> Tensor:
            found: Tensor = tensor.unflatten(0, (batches, size))[:, own].flatten(0, 1)
            return found

        steps = self._engine.steps(mapped(own_rows, inputs), mapped(own_rows, targets), length)
        values = [values.double().reshape(-1).tolist() for piece in steps for values, _ in piece.losses]
        return [length / size * value for value in chain.from_iterable(values)]

    def _rows(self, points: int, batch_size: int) -> int:
        """Return how many of so many points are this rank's."""
        batches, rest = divmod(points, batch_size)
        whole, last = (len(range(size)[self._world.part(size)]) for size in (batch_size, rest))
        return batches * whole + last

    def _one_by_one(
        self, inputs: Tensors, targets: Tensors, batch_size: int
    ) -> tuple[list[Piece], NonFiniteError | None]:
        """Do steps with an exchange of gradients at each; return all, or those before one that fails, and its error."""
        done: list[Piece] = []
        try:
            done += self._together.steps(inputs, targets, batch_size)
        except NonFiniteError as error:
            return done, error
        losses = list(chain.from_iterable(piece.losses for piece in done))
        return [Piece(losses, skipped=sum(piece.skipped for piece in done))], None


def averaged(optimizer: Optimizer) -> list[Tensor]:
    """Return what is averaged: the weights, and the rule's state.

    Raises:
        ConfigError: not all of it is tensors.
    """
    slots = optimizer.layout.slots
    states = [(name, value) for slot in slots for name, value in slot.state.items()]
    for name, value in states:
        if not isinstance(value, Tensor):
            text = f"{type(optimizer).__name__} keeps a {type(value).__name__} as {name}, of which there is no mean"
            raise ConfigError(f"exchange_every: {text}; leave exchange_every out", name="exchange_every")
    return [*optimizer.layout.weights(), *(value for _, value in states)]


def remembered(optimizer: Optimizer) -> Callable[[], None]:
    """Return a function that puts weights, the rule's state and its count of steps back to what they are now."""
    steps = optimizer.steps
    kept = [
        (slot.param.clone(), {name: value.clone() for name, value in slot.state.items()})
        for slot in optimizer.layout.slots
    ]

    def put_back() -> None:
        optimizer.steps = steps
        for slot, (param, state) in zip(optimizer.layout.slots, kept, strict=True):
            slot.param.copy_(param)
            for name in slot.state.keys() - state.keys():
                del slot.state[name]
            for name, value in state.items():
                slot.state[name].copy_(value)

    return put_back


def _piece(losses: list[float], points: int, batch_size: int) -> Piece:
    """Return steps that were done, of which each but the last is on a whole batch."""
    batches, rest = divmod(points, batch_size)
    parts = (losses[:batches], batches * batch_size), (losses[batches:], rest)
    return Piece([(torch.tensor(values, dtype=torch.float64), size) for values, size in parts if size])
