"""Data that are read anew in each epoch, block by block, since memory does not hold them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn, Protocol

from torch import Tensor

from corenet.contracts.several import Tensors
from corenet.data import Dataset, Statistics, pieces
from corenet.errors import ConfigError, DataError
from corenet.integers import positive_integer


class Block(NamedTuple):
    """Some points, one row a point, and the numbers of their rows among all that there are."""

    inputs: Any
    targets: Any
    rows: Tensor


class Ranks(Protocol):
    """Several processes that read one data set together, as one of them sees them."""

    @property
    def rank(self) -> int:
        """The number of this one, from 0 on."""
        ...

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def gathered(self, text: str) -> list[str]:
        """Return the text of each."""
        ...

    def rows_of_all(self, own: Tensor) -> list[Tensor]:
        """Return the rows of each; they differ in number alone."""
        ...


class StreamedDataset(Dataset):
    """A data set of which an epoch is a series of blocks; :func:`~corenet.fit` learns from it as from any other.

    Its ``inputs`` and ``targets`` are those of a sample in memory, for whatever looks at data without learning from
    them: metrics on the training part, advice, the engine as it makes ready. Its length counts all points. What would
    need all of them at once, such as ``shuffled`` and ``split``, is refused. A subclass says what the blocks are.

    Args:
        sample: some of the points.
        length: how many points there are.

    >>> import torch
    >>> class Twice(StreamedDataset):
    ...     def blocks(self, batch_size, seed=None, epoch=0, start=0):
    ...         every = Block(self.inputs, self.targets, torch.arange(len(self)))
    ...         return iter([every])
    >>> data = Twice(Dataset(torch.arange(6.0).reshape(3, 2), torch.zeros(3, 1)), 3)
    >>> [len(inputs) for inputs, _ in data.batches(2)]
    [2, 1]
    """

    def __init__(self, sample: Dataset, length: int) -> None:
        positive_integer("length", length)
        super().__init__(sample.inputs, sample.targets)
        self._length = length

    @abstractmethod
    def blocks(self, batch_size: int, seed: int | None = None, epoch: int = 0, start: int = 0) -> Iterator[Block]:
        """Yield all points from the one at the place ``start`` on, each once, in the order that seed and epoch give.

        Each block but the last has whole batches. Without a seed the points come in stored order.
        """
        raise NotImplementedError

    def digest(self) -> str:
        """Return what tells all the points from others, the sample apart; nothing if a subclass does not say.

        A checkpoint remembers it, so that a training goes on with the same points alone.
        """
        return ""

    def shared_by(self, ranks: Ranks) -> StreamedDataset:
        """Return the same points for one of several ranks, all of which take the same blocks at the same time.

        So each may read a part of them and be given the rest. Without more said by a subclass, each reads all.
        """
        return self

    def batches(self, batch_size: int, seed: int | None = None, epoch: int = 0) -> Iterator[tuple[Tensors, Tensors]]:
        """Yield ``(inputs, targets)`` of at most ``batch_size`` points, each point once, as they are read.

        Raises:
            ConfigError: ``batch_size`` is not a positive integer.
        """
        positive_integer("batch_size", batch_size)
        for block in self.blocks(batch_size, seed, epoch):
            yield from zip(pieces(block.inputs, batch_size), pieces(block.targets, batch_size), strict=True)

    def __len__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} points, read block by block)"

    def order(self, seed: int, epoch: int = 0) -> NoReturn:
        """Refuse: no memory is taken for an order of all rows."""
        _refuse("order")

    def shuffled(self, seed: int, *epochs: int) -> NoReturn:
        """Refuse: memory does not hold all rows."""
        _refuse("shuffled")

    def split(self, fraction: float, seed: int = 0) -> NoReturn:
        """Refuse: parts are chosen as the rows are read."""
        _refuse("split")

    def statistics(self) -> Statistics:
        """Refuse: the sample's would not be those of all points."""
        _refuse("statistics")

    def normalized(self, statistics: Statistics | None = None) -> NoReturn:
        """Refuse: blocks are as they are read."""
        _refuse("normalized")


def blocks_of(data: StreamedDataset, batch_size: int, seed: int, epoch: int, start: int = 0) -> Iterator[Block]:
    """Yield the blocks of an epoch from the point ``start`` on, and see that they are all that there is.

    Raises:
        DataError: they have more or fewer points than the data set, or a block but the last has part of a batch.
    """
    points = start
    for block in data.blocks(batch_size, seed, epoch, start):
        points += len(block.rows)
        if points > len(data) or (points < len(data) and points % batch_size):
            text = f"a block ends at point {points:,} of {len(data):,}, which is no end of a batch of {batch_size}"
            raise DataError(f"{data!r}: {text}")
        yield block
    if points != len(data):
        raise DataError(f"{data!r}: its blocks have {points:,} points")


def _refuse(what: str) -> NoReturn:
    raise ConfigError(
        f"{what} needs all points in memory, and these are read block by block; take blocks() or batches()", name=what
    )
