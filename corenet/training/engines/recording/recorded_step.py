"""The gradients of batches of one shape, recorded in a real step and verified in later ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.parameter import gradient
from corenet.contracts.several import Tensors, each_of, mapped
from corenet.training.engines.optimizer_adapter import trained
from corenet.training.engines.recording.agreement import agree
from corenet.training.engines.recording.asked_checks import AskedCheck
from corenet.training.engines.recording.lowering import Call
from corenet.training.engines.recording.moving import buffers, moved_by
from corenet.training.engines.recording.op_log import memory
from corenet.training.engines.recording.restore import restored
from corenet.training.engines.recording.sensitivity import sensitivity
from corenet.training.finite import checked
from corenet.training.learner import Learner

AGREEMENTS = 2  # batches on which calls must agree with the plain step, with other weights than they were recorded with
ATTEMPTS = 4  # rounding turns a rectifier of a wide network the other way now and then


@dataclass
class RecordedStep:
    """Calls that compute the gradients on a batch: its own input and target, what comes of them, and the calls."""

    input: Tensors
    target: Tensors
    prediction: Tensors
    value: Tensor
    calls: Sequence[Call]
    made: Collection[int]  # the memories of tensors that it makes on the way, its own batch among them
    recorded_with: list[float] = field(default_factory=list)  # what tells the weights of then from others
    value_checks: Sequence[AskedCheck] = ()  # the numbers that modules look at
    recalled: bool = False  # made for another learner, and put into the memories of this one
    agreements: int = 0
    attempts: int = 0

    @property
    def verified(self) -> bool:
        """Whether it gave other batches, with other weights, the gradients that the plain step gave them."""
        return self.agreements >= AGREEMENTS

    @property
    def refuted(self) -> bool:
        """Whether it was tried as often as may be, and is not verified."""
        return not self.verified and self.attempts >= ATTEMPTS

    @property
    def results(self) -> list[Tensor]:
        """What is looked at after it: each output, the loss, and the numbers that modules check on the way."""
        return [*each_of(self.prediction), self.value, *self._looked_at]

    def __post_init__(self) -> None:
        self.given = [*each_of(self.input), *each_of(self.target)]  # what a batch is copied to
        own = set(map(memory, self.given))
        self._early = [check for check in self.value_checks if check.reads_only(own)]
        self._late = [check for check in self.value_checks if not check.reads_only(own)]
        tensors = {id(each): each for check in self._late for each in check.tensors() if memory(each) not in own}
        self._looked_at = list(tensors.values())

    def replay(self, input: Tensors, target: Tensors) -> Tensor:
        """Compute the gradients on a batch and return its loss, which the next replay overwrites."""
        self._take(input, target)
        return self._run()

    def _take(self, input: Tensors, target: Tensors) -> None:
        for own, each in zip(self.given, (*each_of(input), *each_of(target)), strict=True):
            own.copy_(each)

    def _run(self) -> Tensor:
        for call in self.calls:
            call()
        return self.value

    def checked_replay(self, loss: Loss, input: Tensors, target: Tensors) -> Tensor:
        """Replay a batch, and let modules and loss check what they look at."""
        self._take(input, target)
        for check in self._early:
            check.ask()
        value = self._run()
        for check in self._late:
            check.ask()
        checked(loss, self.prediction, target)
        return value

    def check_turns(self, given: Sequence[Tensor], results: Sequence[Tensor]) -> None:
        """Let modules check what they look at of many steps, whose :attr:`given` and :attr:`results` are in rows."""
        if self.value_checks:
            for turn in zip(*given, *results, strict=True):
                for check in self.value_checks:
                    check.ask_of([*self.given, *self.results], turn)

    def verify(self, learner: Learner, input: Tensors, target: Tensors) -> Tensor:
        """Do the plain step's gradients on a batch, compare a replay with them, and return the loss."""
        found = self._tried(learner, input, target)
        carried = self._carried(learner, input, target) if self.attempts > self.agreements else [None] * len(found)
        value = learner.gradients(input, target)
        if sums(learner) != self.recorded_with:  # with the very weights, a number taken from them would not show
            self.attempts += 1
            self.agreements += all(map(agree, found, results(learner, value), [None] * len(found), carried))
        return value

    def _carried(self, learner: Learner, input: Tensors, target: Tensors) -> Sequence[Sequence[float] | None]:
        """Return what a rounding of weights and input makes of each result, once a plain step came to another."""
        own = mapped(Tensor.clone, input)
        found = self._tried(learner, own, target)
        far = sensitivity(
            lambda: list(chain.from_iterable(self._tried(learner, own, target))),
            [*filter(Tensor.is_floating_point, each_of(own)), *learner.optimizer.layout.weights()],
        )
        ends = [0, *accumulate(map(len, found))]
        return [far[start:end] for start, end in pairwise(ends)]

    def _tried(self, learner: Learner, input: Tensors, target: Tensors) -> list[list[Tensor]]:
        """Return copies of what a replay comes to, and leave everything as it was."""
        with restored(moved_by(learner)):
            try:
                value = self.replay(input, target)
            except (RuntimeError, IndexError):  # of a kernel: the plain step meets it too, and says it better
                return [[]] * 3
            return [[each.clone() for each in group] for group in results(learner, value)]

    def takes(self, inputs: Tensors, targets: Tensors) -> bool:
        """Tell whether data lie as the batches do that were recorded."""
        pairs = zip((*each_of(inputs), *each_of(targets)), self.given, strict=True)
        return all(
            data.dtype == own.dtype and data.device == own.device and data.is_contiguous() for data, own in pairs
        )


def results(learner: Learner, value: Tensor) -> list[list[Tensor]]:
    """Return what a step computes: the loss, the gradients, the buffers."""
    return [[value], list(map(gradient, trained(learner.optimizer))), buffers(learner)]


def sums(learner: Learner) -> list[float]:
    """Return a checksum of the weights."""
    return [weights.double().sum().item() for weights in learner.optimizer.layout.weights()]
