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


def failing_at(size):
    def run(trial):
        if trial.case.shape[0] == size:
            raise Violation(f"{size} are too many")

    return check_that(run)


def expecting(*sizes):
    """Return a trial for each of three cases, of which those of such sizes expect to fail."""
    cases = (Case(shape=(n, 3), expected_failures={"module.x": f"odd {n}"} if n in sizes else {}) for n in (1, 2, 3))
    return [Trial(cn.ReLU, case) for case in cases]


def test_a_case_that_expects_to_fail_may_and_the_others_are_checked():
    result = run_check(failing_at(2), expecting(2))
    assert (result.verdict, result.case, result.message) == ("expected failure", "ReLU() on (2, 3)", "odd 2")
    assert run_check(failing_at(3), expecting(2)).verdict == "failed"
    assert run_check(failing_at(3), expecting(2)).case == "ReLU() on (2, 3)"
    both = run_check(failing_at(2), expecting(2, 3))
    assert (both.verdict, both.case) == ("failed", "ReLU() on (3, 3)")
    assert both.message == "passes although expected_failures lists it (odd 3): remove the entry"


def test_a_case_expects_checks_that_there_are():
    with pytest.raises(cn.ConfigError, match=r"no check 'module.compile' of a module \(did you mean 'module.compiled'"):
        cn.testing.check_component(cn.ReLU, cases=[Case(expected_failures={"module.compile": "it branches"})])


def test_a_class_says_what_its_cases_fail():
    class Branches(cn.Module):
        @staticmethod
        def conformance_cases():
            because = dict.fromkeys(("module.compiled", "module.mapped"), "it branches on its values")
            return [Case(expected_failures=because)]

        def forward(self, input):
            self.save(input)
            return input**3 if input.sum().item() < 1e9 else input

        def backward(self, grad_output):
            (input,) = self.saved()
            return 3 * input**2 * grad_output

    report = cn.testing.check_component(Branches)
    assert report.ok
    expected = [result.check for result in report.results if result.verdict == "expected failure"]
    assert expected == ["module.compiled", "module.mapped"]
