"""What a way to train has to offer."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor


class Engine:
    """A way to train: ``name`` says what runs, which may change when something cannot be recorded."""

    name: str

    def begin_epoch(self) -> None:
        """Look around before an epoch: what the last one took for granted may have changed."""

    def step(self, input: Tensor, target: Tensor) -> Tensor:
        """Do one step of training and return the loss before it; the next step may overwrite it."""
        raise NotImplementedError

    @property
    def longest(self) -> int:
        """How many steps it does in one call, as things stand."""
        return 1

    def steps(self, inputs: Tensor, targets: Tensor, batch_size: int, epochs: int = 1) -> Iterator[tuple[Tensor, int]]:
        """Do a step on each batch in turn; yield the loss, or the losses of several, and the number of points.

        Several epochs come one after the other, each of whole batches; a piece is of one of them, or of whole ones.
        """
        for input, target in zip(inputs.split(batch_size), targets.split(batch_size), strict=True):
            yield self.step(input, target), len(input)
