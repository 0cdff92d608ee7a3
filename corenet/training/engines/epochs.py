"""Whole epochs in one call, with what is measured after each: verified first, undone where anything goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Protocol

import torch
from torch import Tensor

from corenet.contracts.several import Tensors, count
from corenet.training.engines.chunks import Chunks
from corenet.training.engines.engine import Evaluation, Piece
from corenet.training.engines.plain import Plain
from corenet.training.engines.recording.agreement import agree
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorded_update import Numbers
from corenet.training.engines.recording.restore import restored
from corenet.training.engines.unsupported import is_of_ours
from corenet.training.finite import are_finite
from corenet.training.learner import Learner

AGREEMENTS = 2  # evaluations that must agree with plain ones, of other weights
ATTEMPTS = 4  # at either: rounding turns a rectifier of a wide network the other way now and then


class Measured(Protocol):
    """An evaluation as a function: what it leaves in ``outputs`` and ``numbers``."""

    @property
    def outputs(self) -> Sequence[Tensor]:
        """The model's outputs on the evaluation data."""
        ...

    @property
    def numbers(self) -> Sequence[Tensor]:
        """What is measured of them."""
        ...

    def measure(self) -> None:
        """Measure anew."""
        ...


Turns = tuple[RecordedStep, list[Tensor], list[Tensor]]  # a step, what it was given and its results, in rows


class EpochsLoop(Protocol):
    """The steps, the step on the remaining points, and the evaluation of up to ``max_epochs`` epochs in one call."""

    max_epochs: int

    @property
    def evaluation(self) -> Measured | None:
        """The evaluation, if there is one."""
        ...

    def run(
        self, inputs: Tensors, targets: Tensors, numbers: Numbers, epochs: int, steps: int
    ) -> tuple[int, list[Turns], list[Tensor]]:
        """Do ``steps`` steps in each of ``epochs`` epochs, and the evaluation after each.

        Returns how many steps went well; the turns of either kind of step; and the outputs and numbers of the
        evaluations; all until the next run.
        """
        ...


class Epochs:
    """Whole epochs of a learner by a loop, as many as one call takes.

    Args:
        chunks: the steps in one call, verified.
        loop: the same steps with what comes after each epoch.
        has_rest: whether the last step of an epoch is on a smaller batch.
        evaluation: what is measured after each epoch, if anything is.
    """

    def __init__(self, chunks: Chunks, loop: EpochsLoop, has_rest: bool, evaluation: Evaluation | None) -> None:
        self.chunks, self.loop, self._evaluation = chunks, loop, evaluation
        self._plain = Plain(chunks.learner)
        self._steps_to_verify, self._attempts = has_rest, 0
        self._agreements, self._comparisons = 0 if evaluation is not None else AGREEMENTS, 0
        self._is_given_up = False
        self.failure: Exception | None = None

    @property
    def learner(self) -> Learner:
        """What is trained."""
        return self.chunks.learner

    @property
    def awaits_steps(self) -> bool:
        """Whether the end of an epoch has yet to come to the same as plain steps."""
        return self._steps_to_verify and not self.refuted

    @property
    def is_measured(self) -> bool:
        """Whether its evaluation gave the numbers of the plain one."""
        return self._agreements >= AGREEMENTS and not self._is_given_up

    @property
    def verified(self) -> bool:
        """Whether it came to the same as plain steps and evaluations."""
        return self.is_measured and not self._steps_to_verify

    @property
    def refuted(self) -> bool:
        """Whether it failed, or was tried as often as may be, and is not verified."""
        tries = max(self._attempts if self._steps_to_verify else 0, 0 if self.is_measured else self._comparisons)
        return self._is_given_up or self.failure is not None or tries >= ATTEMPTS

    def verify(self, inputs: Tensors, targets: Tensors, batch_size: int) -> Iterator[Piece]:
        """Do the last two steps of an epoch plainly, and look whether the loop comes to the same."""

        def losses(own: Tensors) -> Sequence[Tensor] | None:
            done = self._run(own, targets, batch_size, 1)
            return None if done is None else done[:2]  # of either kind of step; what was measured is compared by itself

        pieces, is_same = self.chunks.compared(losses, inputs, targets, batch_size)
        if is_same is not None:
            self._attempts += 1
            self._steps_to_verify = not is_same
        yield from pieces

    def run(self, inputs: Tensors, targets: Tensors, batch_size: int, epochs: int) -> Iterator[Piece]:
        """Do whole epochs in one call, or plainly if anything is wrong with them."""
        points = count(inputs) // epochs
        steps = epochs * ceil(points / batch_size)
        done = self.chunks.undoable(lambda: self._run(inputs, targets, batch_size, epochs), steps)
        if done is None:
            self._is_given_up = True  # plainly, nothing may be wrong with them
            yield from self._plain.steps(inputs, targets, batch_size, epochs)
            return
        whole = points // batch_size * batch_size
        counts = [whole * epochs, *([] if whole == points else [(points - whole) * epochs])]
        yield Piece(list(zip(done, counts, strict=False)), epochs, done[len(counts) :] or None)

    def numbers(self) -> Sequence[Tensor]:
        """Return what is measured after an epoch, plainly until the loop's evaluation gave the same."""
        evaluation, measured = self._evaluation, self.loop.evaluation
        assert evaluation is not None, "there is nothing to measure"
        assert measured is not None, "nor anything that measures it"
        if self.is_measured:
            measured.measure()
            if self._is_right([each.unsqueeze(0) for each in measured.outputs], measured.numbers):
                return measured.numbers
            self._is_given_up = True
        plain = evaluation.numbers(self.learner.model)
        if not self._is_given_up:
            with restored(()):
                self._compare(plain)
        return plain

    def _compare(self, plain: Sequence[Tensor]) -> None:
        """Look whether the loop's evaluation comes to the numbers of the plain one, by outputs of its own."""
        measured = self.loop.evaluation
        assert measured is not None, "it is compared"
        measured.measure()
        dtype = max((each.dtype for each in measured.outputs), key=lambda dtype: torch.finfo(dtype).eps)
        found, expected = ([each.to(dtype) for each in numbers] for numbers in (measured.numbers, plain))
        self._comparisons += 1
        self._agreements += agree(found, expected)

    def _is_right(self, outputs: Sequence[Tensor], numbers: Sequence[Tensor]) -> bool:
        """Tell whether all that was measured is finite, and the loss takes the outputs."""
        assert self._evaluation is not None, "it was measured"
        if not are_finite(numbers):
            return False
        try:
            self._evaluation.check(outputs)
        except Exception as error:  # noqa: BLE001 - of the loss, which raises it again at the plain evaluation
            self.failure = error if is_of_ours(error) else None
            return False
        return True

    def _run(self, inputs: Tensors, targets: Tensors, batch_size: int, epochs: int) -> Sequence[Tensor] | None:
        """Move the weights by the loop; return the losses and what was measured, None if something was wrong."""
        steps, rest = divmod(count(inputs) // epochs, batch_size)
        numbers = self.chunks.numbers(epochs * (steps + bool(rest)))
        if numbers is None:
            return None
        try:
            done, parts, measured = self.loop.run(inputs, targets, numbers, epochs, steps)
        except Exception as error:  # noqa: BLE001 - the engine reports it
            self.failure = error
            return None
        losses = [] if done < len(numbers) else [self.chunks.right_losses(*turns) for turns in parts]
        self.failure = self.chunks.failure
        right = [each for each in losses if each is not None]
        if len(right) < len(parts):
            return None
        outputs = 0 if self.loop.evaluation is None else len(self.loop.evaluation.outputs)
        if measured and not self._is_right(measured[:outputs], measured[outputs:]):
            return None
        return [*right, *measured[outputs:]]
