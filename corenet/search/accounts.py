"""The accounts of a search: which trials count, which must give way, and which are to be done again.

A storage numbers trials in the order in which they were begun, and that is all that workers need to agree on. Two that
look at the same moment may each begin the last trial; so each looks again when its own has a number, and what is one
too many withdraws, the later for the earlier. What has not come to an end, and says neither that it withdrew nor what
was wrong, is lost: its worker was killed, or told to stop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optuna.trial import FrozenTrial, TrialState

AGAIN = "instead_of"  # the number of the lost trial that this one does again
REASON = "reason"  # why it was given up
WITHDRAWN = "withdrawn"  # one was begun too many
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


def counted(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials that count: those that came to an end."""
    return [trial for trial in trials if trial.state in ENDED]


def lost(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials that were begun and left, and that no other does again."""
    stays = [trial for trial in trials if trial.state is not TrialState.FAIL or REASON in trial.user_attrs]
    again = {trial.user_attrs.get(AGAIN) for trial in stays}
    return [
        trial
        for trial in trials
        if _is_lost(trial) and trial.params and AGAIN not in trial.user_attrs and trial.number not in again
    ]


def is_free(trials: Sequence[FrozenTrial], wanted: int) -> bool:
    """Tell whether a worker may begin another: one that waits to be done again, or a new one."""
    live = [trial for trial in trials if trial.state is not TrialState.FAIL]
    waiting = any(trial.state is TrialState.WAITING for trial in live[:wanted])
    return waiting or len(live) + len(lost(trials)) < wanted


def stands(number: int, trials: Sequence[FrozenTrial], wanted: int) -> bool:
    """Tell whether a trial that was begun may be done.

    At most ``wanted`` ever are: the last of them has fewer than ``wanted`` before it that are not given up, and what
    was given up does not come back. A new one leaves room for those that are lost, and of two that do one lost
    trial again the first stands.
    """
    before = [trial for trial in trials if trial.number < number and trial.state is not TrialState.FAIL]
    own = next(trial for trial in trials if trial.number == number)
    if AGAIN not in own.user_attrs:
        return len(before) + len(lost(trials)) < wanted
    return len(before) < wanted and all(trial.user_attrs.get(AGAIN) != own.user_attrs[AGAIN] for trial in before)


def _is_lost(trial: FrozenTrial) -> bool:
    return trial.state is TrialState.FAIL and not {REASON, WITHDRAWN} & set(trial.user_attrs)
