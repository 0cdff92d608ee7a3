"""What every callback promises: it can be begun, called and ended again, and speaks for the training at hand alone."""

from __future__ import annotations

import math
from typing import Any

from corenet.contracts.callback import Callback
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.support.stand_in_training import StandInTraining
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import Violation

CALLBACK_CONTRACT_CHECKS = Checks("callback")
FALLS, PLATEAU, RISES = 8, 12, 12
HELD = "begin() must forget what an earlier training left"


@CALLBACK_CONTRACT_CHECKS.add(since="0.2", after=())
def runs(trial: Trial) -> None:
    """It goes through trainings whose loss falls, stays, rises, is not finite; after_epoch returns a bool or None."""
    for what, numbers in _TRAININGS.items():
        callback, training = trial.build(), StandInTraining(numbers)
        _run(what, training, callback)
        if wrong := [each for each in training.answers if each is not None and not isinstance(each, bool)]:
            raise Violation(f"after_epoch() returns {wrong[0]!r:.80}, not a bool or None", "True ends the training")


@CALLBACK_CONTRACT_CHECKS.add(since="0.2")
def again(trial: Trial) -> None:
    """In a second training it does what it did in the first: it ends at the same epoch, with the same weights."""
    for what, numbers in _TRAININGS.items():
        for other in _TRAININGS.values():
            callback = trial.build()
            fresh = _run(what, StandInTraining(numbers), trial.build())
            _run(what, StandInTraining(other), callback)
            second = _run(what, StandInTraining(numbers), callback)
            if second != fresh:
                raise Violation(f"where the loss {what}, a second training comes to {second}, not {fresh}", HELD)


@CALLBACK_CONTRACT_CHECKS.add(since="0.2")
def early_end(trial: Trial) -> None:
    """A training may end before its first epoch, or in the midst, and another begin."""
    for epochs in (0, 1, 5):
        callback = trial.build()
        training = StandInTraining(_TRAININGS["falls"])
        training.begin_epochs(callback, epochs)
        try:
            callback.end(training)
        except Exception as error:
            raise Violation(f"end() after {epochs} epochs raises {reason_of(error)}") from error
        _run("falls", StandInTraining(_TRAININGS["falls"]), callback)


@CALLBACK_CONTRACT_CHECKS.add(since="0.2")
def resumed(trial: Trial) -> None:
    """A training that goes on from a checkpoint, with what ``state_dict`` gave, is the one that never stopped."""
    for what, numbers in _TRAININGS.items():
        whole = _run(what, StandInTraining(numbers), trial.build())
        for epochs in {1, len(numbers) // 2, len(numbers) - 1}:
            callback, training = trial.build(), StandInTraining(numbers)
            training.begin_epochs(callback, epochs)
            again = trial.build()
            try:
                cut = training.resumed(callback, again)
            except Exception as error:
                raise Violation(f"going on after {training.epoch} epochs raises {reason_of(error)}") from error
            callback.end(training)  # as of every training that is stopped
            if cut != whole:
                text = f"where the loss {what}, going on after {epochs} epochs comes to {cut}, not {whole}"
                raise Violation(text, "return in state_dict() all that it remembers, and take it back")


@CALLBACK_CONTRACT_CHECKS.add(since="0.2")
def does_something(trial: Trial) -> None:
    """It writes one of the three methods: one that is misspelt is never called."""
    written = [name for name in ("begin", "after_epoch", "end") if _writes(trial.build(), name)]
    if not written:
        raise Violation("it has none of begin, after_epoch and end of its own", "look for a misspelt method")


def _run(what: str, training: StandInTraining, callback: Any) -> object:
    try:
        return training.run(callback)
    except Violation:
        raise
    except Exception as error:
        raise Violation(f"where the loss {what}, epoch {training.epoch} raises {reason_of(error)}") from error


def _writes(callback: Any, name: str) -> bool:
    return getattr(type(callback), name) is not getattr(Callback, name)


def _numbers(losses: list[float]) -> list[dict[str, float]]:
    return [{"loss": loss, "valid_loss": loss} for loss in losses]


_FALLING = [1 / (1 + epoch) for epoch in range(FALLS)]
_TRAININGS = {
    "falls": _numbers(_FALLING),
    "stays": _numbers([*_FALLING, *[0.5] * PLATEAU]),
    "rises": _numbers([*_FALLING, *[1.0 + epoch for epoch in range(RISES)]]),
    "is not finite": _numbers([1.0, math.nan, math.inf, 0.5, math.nan]),
}
