"""Data sets: inputs and targets, row by row, and the disk that the experiments learn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.several import Tensors, each_of, mapped
from corenet.contracts.unusable import refuse_unusable
from corenet.device import placement
from corenet.errors import ConfigError, DTypeError, ShapeError
from corenet.integers import integer, positive_integer
from corenet.rows_of_data import refuse_unfit

DISK_RADIUS = 1 / math.sqrt(2 * math.pi)


@dataclass(frozen=True)
class Statistics:
    """The mean and the standard deviation of each feature, to normalise other data by the same."""

    mean: Tensor
    std: Tensor

    def normalize(self, inputs: Tensor) -> Tensor:
        """Return ``(inputs − mean) / std``."""
        if not isinstance(inputs, Tensor) or not inputs.is_floating_point():
            kind = inputs.dtype if isinstance(inputs, Tensor) else type(inputs).__name__
            raise DTypeError(f"normalize takes a floating-point tensor, not {kind}")
        refuse_unusable("normalize", (inputs, self.mean))
        if inputs.shape[inputs.dim() - self.mean.dim() :] != self.mean.shape or inputs.dim() < self.mean.dim():
            raise ShapeError("normalize", inputs.shape, f"expected rows of {tuple(self.mean.shape)} features")
        return (inputs - self.mean) / self.std


class Dataset:
    """Inputs and targets, one row a point. The tensors are used as they are, not copied.

    Args:
        inputs: tensor ``(N, ...)`` of floating-point numbers, integers or truth values, or a tuple of such tensors for
            a model that takes several inputs.
        targets: tensor ``(N, ...)``, or a tuple.

    Raises:
        ShapeError: they differ in length.
        DataError: there is no point, or a value is infinite or not a number.
        DTypeError: something else than tensors was given.

    >>> data = Dataset(torch.arange(6.0).reshape(3, 2), torch.tensor([[0.0], [1.0], [0.0]]))
    >>> len(data)
    3
    >>> [len(targets) for _, targets in data.batches(2)]
    [2, 1]
    >>> Dataset((torch.randn(5, 2), torch.arange(5)), torch.zeros(5, 1))
    Dataset(5 points, (2,), () → (1,))
    """

    def __init__(self, inputs: Tensors, targets: Tensors) -> None:
        refuse_unfit(inputs, targets)
        self.inputs: Any = mapped(Tensor.detach, inputs)
        self.targets: Any = mapped(Tensor.detach, targets)

    def batches(self, batch_size: int, seed: int | None = None, epoch: int = 0) -> Iterator[tuple[Any, Any]]:
        """Yield ``(inputs, targets)`` of at most ``batch_size`` points, each point once.

        Without a seed the points come in stored order. With one they are shuffled, in an
        order that seed and epoch give; the shuffle has its own generator and leaves torch's alone.

        Raises:
            ConfigError: ``batch_size`` is not a positive integer.
        """
        positive_integer("batch_size", batch_size)
        batch_size = min(int(batch_size), len(self))
        inputs, targets = (self.inputs, self.targets) if seed is None else self.shuffled(seed, epoch)
        return zip(pieces(inputs, batch_size), pieces(targets, batch_size), strict=True)

    def shuffled(self, seed: int, *epochs: int) -> tuple[Any, Any]:
        """Return inputs and targets in the order of :meth:`batches`, one epoch after the other."""
        if not epochs:
            raise ConfigError("shuffled takes an epoch, or several", name="epochs")
        order = torch.cat([self.order(seed, epoch) for epoch in epochs])
        return self._rows("inputs", order), self._rows("targets", order)

    def order(self, seed: int, epoch: int = 0) -> Tensor:
        """Return the row numbers in the order in which :meth:`batches` yields the points."""
        integer("seed", seed)
        integer("epoch", epoch)
        return torch.randperm(len(self), generator=_generator("batches", seed, epoch)).to(self.device)

    @property
    def device(self) -> torch.device:
        """Where its first input is."""
        return each_of(self.inputs)[0].device

    def statistics(self) -> Statistics:
        """Return the mean and the population standard deviation of each feature; the latter is 1 for a constant one.

        Raises:
            DTypeError: the inputs are several, or no floating-point numbers.
        """
        std, mean = torch.std_mean(self._numbers(), dim=0, correction=0)
        return Statistics(mean, torch.where(std > 0, std, torch.ones_like(std)))

    def normalized(self, statistics: Statistics | None = None) -> Dataset:
        """Return the data with ``(x − mean) / std`` for each feature, by its own statistics or those given.

        Test data is normalised by the statistics of the training data:

        >>> train, test = disk(100, seed=0), disk(100, seed=1)
        >>> test = test.normalized(train.statistics())
        """
        if not isinstance(statistics, Statistics | None):
            raise ConfigError(f"normalized takes data.statistics(), not {statistics!r:.80}", name="statistics")
        by, inputs = statistics or self.statistics(), self._numbers()
        if by.mean.shape != inputs.shape[1:]:
            raise ShapeError("normalized", by.mean.shape, f"expected statistics of {tuple(inputs.shape[1:])} features")
        return Dataset(by.normalize(inputs), self.targets)

    def split(self, fraction: float, seed: int = 0) -> tuple[Dataset, Dataset]:
        """Return two data sets, a random ``fraction`` of the points and the others.

        Raises:
            ConfigError: ``fraction`` leaves one of the two empty.

        >>> train, valid = disk(100, seed=0).split(0.8)
        >>> len(train), len(valid)
        (80, 20)
        """
        size = round(len(self) * fraction) if isinstance(fraction, float) and 0 < fraction < 1 else 0
        if not 0 < size < len(self):
            raise ConfigError(
                f"split: a fraction of {fraction!r} of {len(self)} points leaves one of the two sets empty",
                name="fraction",
                value=fraction,
            )
        integer("seed", seed)
        order = torch.randperm(len(self), generator=_generator("split", seed)).to(self.device)
        first, second = order[:size], order[size:]
        return self._take(first), self._take(second)

    def to(
        self, device: torch.device | str | int | torch.dtype | None = None, dtype: torch.dtype | None = None
    ) -> Dataset:
        """Return the data on another device, or the floating-point tensors in another dtype.

        The arguments are those of a module's ``to``: ``to("cuda")``, ``to(torch.float64)``, or both.
        """
        device, dtype = placement(device, dtype)

        def placed(tensor: Tensor) -> Tensor:
            return tensor.to(device=device, dtype=dtype if tensor.is_floating_point() else None)

        return Dataset(mapped(placed, self.inputs), mapped(placed, self.targets))

    def __len__(self) -> int:
        return len(each_of(self.inputs)[0])

    def __repr__(self) -> str:
        inputs, targets = (", ".join(str(tuple(x.shape[1:])) for x in each_of(x)) for x in (self.inputs, self.targets))
        return f"Dataset({len(self)} points, {inputs} → {targets})"

    def _take(self, indices: Tensor) -> Dataset:
        return Dataset(self._rows("inputs", indices), self._rows("targets", indices))

    def _rows(self, name: str, indices: Tensor) -> Tensors:
        return mapped(lambda tensor: tensor.index_select(0, indices), getattr(self, name))  # quicker than [indices]

    def _numbers(self) -> Tensor:
        """Return the inputs, if they are one tensor of floating-point numbers."""
        if isinstance(self.inputs, tuple):
            raise DTypeError(f"the data has {len(self.inputs)} inputs; normalise each before it goes in a Dataset")
        if not self.inputs.is_floating_point():
            raise DTypeError(f"only floating-point inputs have statistics, not {self.inputs.dtype}; use inputs.float()")
        inputs: Tensor = self.inputs
        return inputs


def disk(n: int, seed: int) -> Dataset:
    r"""Return n points uniform in the unit square, target 1 inside a disk and 0 outside.

    The disk is centred at (0.5, 0.5) and has radius ``1/√(2π) ≈ 0.399``, hence area ½,
    so that the classes balance.

    Shape: inputs ``(n, 2)``, targets ``(n, 1)``, both of torch's default dtype, float32 unless
    it was set; the points are drawn in float32 and so the same in each.

    Raises:
        ConfigError: ``n`` is not a positive integer.

    >>> 0.45 < disk(1000, seed=0).targets.mean().item() < 0.55
    True
    """
    positive_integer("n", n)
    integer("seed", seed)
    points = torch.rand(n, 2, generator=_generator("disk", seed), dtype=torch.float32)
    inside = (points - 0.5).square().sum(1, keepdim=True) < DISK_RADIUS**2
    dtype = torch.get_default_dtype()
    return Dataset(points.to(dtype), inside.to(dtype))


def pieces(tensors: Tensors, size: int) -> Iterator[Tensors]:
    """Yield a tensor, or several together, in pieces of ``size`` rows.

    >>> [tuple(len(each) for each in piece) for piece in pieces((torch.zeros(3), torch.ones(3, 1)), 2)]
    [(2, 2), (1, 1)]
    """
    if isinstance(tensors, tuple):
        return zip(*(tensor.split(size) for tensor in tensors), strict=True)
    return iter(tensors.split(size))


def stream(purpose: str, *seeds: int) -> int:
    """Return a seed for the random numbers of one ``purpose``, other than those of every other purpose.

    torch's generator reads only the low 32 bits of its seed, and the same seed for two
    purposes would draw the same numbers twice; so purpose and seeds are hashed together.

    >>> stream("disk", 0) != stream("disk", 2**32) != stream("split", 0)
    True
    """
    return int.from_bytes(blake2b(" ".join(map(str, (purpose, *seeds))).encode(), digest_size=4).digest(), "little")


def _generator(purpose: str, *seeds: int) -> torch.Generator:
    return torch.Generator().manual_seed(stream(purpose, *seeds))
