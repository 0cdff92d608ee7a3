"""Data sets: inputs and targets, row by row, and the disk that the experiments learn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from numbers import Integral

import torch
from torch import Tensor

from corenet.device import placement
from corenet.errors import ConfigError, DataError, DTypeError, ShapeError

DISK_RADIUS = 1 / math.sqrt(2 * math.pi)


@dataclass(frozen=True)
class Statistics:
    """The mean and the standard deviation of each feature, to normalise other data by the same."""

    mean: Tensor
    std: Tensor

    def normalize(self, inputs: Tensor) -> Tensor:
        """Return ``(inputs − mean) / std``."""
        return (inputs - self.mean) / self.std


class Dataset:
    """Inputs and targets, one row a point. The tensors are used as they are, not copied.

    Args:
        inputs: floating-point tensor ``(N, ...)``.
        targets: tensor ``(N, ...)``.

    Raises:
        ShapeError: the two differ in length.
        DataError: there is no point, or a value is infinite or not a number.
        DTypeError: the inputs are not floating-point numbers.

    >>> data = Dataset(torch.arange(6.0).reshape(3, 2), torch.tensor([[0.0], [1.0], [0.0]]))
    >>> len(data)
    3
    >>> [len(targets) for _, targets in data.batches(2)]
    [2, 1]
    """

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        for name, tensor in (("inputs", inputs), ("targets", targets)):
            if not isinstance(tensor, Tensor):
                raise DTypeError(f"Dataset takes tensors, got {type(tensor).__name__} as {name}; use torch.as_tensor")
        if not inputs.is_floating_point():
            raise DTypeError(f"Dataset takes floating-point inputs, got {inputs.dtype}; use inputs.float()")
        if inputs.dim() == 0 or targets.dim() == 0 or len(inputs) != len(targets):
            raise ShapeError(
                "Dataset",
                targets.shape,
                f"expected targets as long as the inputs {tuple(inputs.shape)}, one row a point",
            )
        if len(inputs) == 0:
            raise DataError("a Dataset needs at least one point, got none")
        for name, tensor in (("inputs", inputs), ("targets", targets)):
            _refuse_non_finite(name, tensor)
        self.inputs = inputs.detach()
        self.targets = targets.detach()

    def batches(self, batch_size: int, seed: int | None = None, epoch: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield ``(inputs, targets)`` of at most ``batch_size`` points, each point once.

        Without a seed the points come in stored order. With one they are shuffled, in an
        order that seed and epoch give; the shuffle has its own generator and leaves torch's alone.

        Raises:
            ConfigError: ``batch_size`` is not a positive integer.
        """
        positive_integer("batch_size", batch_size)
        inputs, targets = (self.inputs, self.targets) if seed is None else self.shuffled(seed, epoch)
        return zip(inputs.split(batch_size), targets.split(batch_size), strict=True)

    def shuffled(self, seed: int, *epochs: int) -> tuple[Tensor, Tensor]:
        """Return inputs and targets in the order of :meth:`batches`, one epoch after the other."""
        order = torch.cat([self.order(seed, epoch) for epoch in epochs])
        return self.inputs.index_select(0, order), self.targets.index_select(0, order)  # quicker than [order]

    def order(self, seed: int, epoch: int = 0) -> Tensor:
        """Return the row numbers in the order in which :meth:`batches` yields the points."""
        integer("seed", seed)
        return torch.randperm(len(self), generator=_generator("batches", seed, epoch)).to(self.inputs.device)

    def statistics(self) -> Statistics:
        """Return the mean and the population standard deviation of each feature; the latter is 1 for a constant one."""
        std, mean = torch.std_mean(self.inputs, dim=0, correction=0)
        return Statistics(mean, torch.where(std > 0, std, torch.ones_like(std)))

    def normalized(self, statistics: Statistics | None = None) -> Dataset:
        """Return the data with ``(x − mean) / std`` for each feature, by its own statistics or those given.

        Test data is normalised by the statistics of the training data:

        >>> train, test = disk(100, seed=0), disk(100, seed=1)
        >>> test = test.normalized(train.statistics())
        """
        by = statistics or self.statistics()
        if by.mean.shape != self.inputs.shape[1:]:
            raise ShapeError(
                "normalized", by.mean.shape, f"expected statistics of {tuple(self.inputs.shape[1:])} features"
            )
        return Dataset(by.normalize(self.inputs), self.targets)

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
        order = torch.randperm(len(self), generator=_generator("split", seed)).to(self.inputs.device)
        first, second = order[:size], order[size:]
        return self._take(first), self._take(second)

    def to(
        self, device: torch.device | str | int | torch.dtype | None = None, dtype: torch.dtype | None = None
    ) -> Dataset:
        """Return the data on another device, or the floating-point tensors in another dtype.

        The arguments are those of a module's ``to``: ``to("cuda")``, ``to(torch.float64)``, or both.
        """
        device, dtype = placement(device, dtype)
        targets_dtype = dtype if self.targets.is_floating_point() else None
        return Dataset(self.inputs.to(device=device, dtype=dtype), self.targets.to(device=device, dtype=targets_dtype))

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        return f"Dataset({len(self)} points, {tuple(self.inputs.shape[1:])} → {tuple(self.targets.shape[1:])})"

    def _take(self, indices: Tensor) -> Dataset:
        return Dataset(self.inputs[indices], self.targets[indices])


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


def integer(name: str, value: int) -> None:
    """Raise :class:`~corenet.ConfigError` if ``value`` is not an integer."""
    if not _is_integer(value):
        raise ConfigError(f"{name} must be an integer, not {value!r}", name=name, value=value)


def positive_integer(name: str, value: int) -> None:
    """Raise :class:`~corenet.ConfigError` if ``value`` is not an integer of at least 1."""
    if not _is_integer(value) or value < 1:
        raise ConfigError(f"{name} must be an integer ≥ 1, not {value!r}", name=name, value=value)


def _is_integer(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


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


def _refuse_non_finite(name: str, tensor: Tensor) -> None:
    finite = tensor.isfinite()
    if not finite.all():
        count = int((~finite).sum())
        row = int((~finite).nonzero()[0, 0])
        raise DataError(f"{name} has {count} values that are infinite or not a number, the first in row {row}")
