"""One check on the trials of a component: whatever it raises is its result."""

import pytest

import corenet as cn
from corenet.testing import Case
from corenet.testing.checks.check import Check
from corenet.testing.conformance import run_check
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable, Violation


def check_that(run):
    return Check("module.x", "module", "0.1", "It holds.", run)


def raising(error):
    def run(trial):
        raise error

    return run


TRIALS = [Trial(cn.ReLU, Case(shape=(n, 3))) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("error", "verdict", "message"),
    [
        (NotApplicable("no parameters"), "skipped", "no parameters"),
        (Violation("it is 3"), "failed", "it is 3"),
        (ZeroDivisionError("by zero"), "failed", "it raised ZeroDivisionError: by zero"),
        (SystemExit(3), "failed", "it raised SystemExit: 3"),
    ],
)
def test_whatever_a_check_raises_is_its_result(error, verdict, message):
    result = run_check(check_that(raising(error)), TRIALS)
    assert (result.check, result.verdict, result.message) == ("module.x", verdict, message)


def test_a_check_stops_at_the_first_case_that_fails():
    seen = []

    def run(trial):
        seen.append(trial.case.shape)
        if trial.case.shape == (2, 3):
            raise Violation("two are too many")

    assert run_check(check_that(run), TRIALS).case == "ReLU() on (2, 3)"
    assert seen == [(1, 3), (2, 3)]


def test_a_check_that_applies_to_one_case_applies():
    def run(trial):
        if trial.case.shape != (2, 3):
            raise NotApplicable("not here")

    assert run_check(check_that(run), TRIALS).verdict == "passed"
