"""The kit runs every check of a kind, reports what it finds, and is strict about what was expected."""

import json
import re

import pytest
import torch

import corenet as cn
from corenet.testing import Case, check_component, components_of
from corenet.testing.conformance import CHECKS
from corenet.testing.support.guess import trials_of


class Square(cn.Module):
    """``y = x²``."""

    def forward(self, input):
        self.save(input)
        return input**2

    def backward(self, grad_output):
        (input,) = self.saved()
        return 2 * input * grad_output


class Negated(Square):
    """The sign is wrong."""

    def backward(self, grad_output):
        return -super().backward(grad_output)


class Branching(Square):
    """Right, but no engine can capture it."""

    def forward(self, input):
        if input.sum().item() > 1e9:
            return input
        return super().forward(input)


class Scale(cn.Module):
    """``y = c x`` with a constant c."""

    def __init__(self, factor: float):
        self.factor = factor

    def forward(self, input):
        return self.factor * input

    def backward(self, grad_output):
        return self.factor * grad_output


@pytest.fixture(scope="module")
def square():
    return check_component(Square)


@pytest.fixture(scope="module")
def negated():
    return check_component(Negated)


@pytest.fixture(scope="module")
def branching():
    return check_component(Branching, cases=[Case()])


def failed(report):
    return [result.check for result in report.failures]


def test_a_right_component_is_ok_and_every_check_has_a_result(square):
    assert square.ok
    assert (square.subject, square.kind, square.failures) == ("Square", "module", [])
    assert [result.check for result in square.results] == [check.id for check in CHECKS["module"]]
    assert square.error == max(trial.gradients.error for trial in trials_of(Square))
    assert 0 < square.error < 1e-6


@pytest.mark.parametrize("row", components_of("corenet"), ids=lambda row: row.name)
def test_every_builtin_conforms_and_torchs_state_is_left_alone(row):
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    report = check_component(cn.get(row.kind, row.name), row.kind, name=row.qualified_name)
    assert report.ok, str(report)
    assert 0 < report.error < 1e-6 if row.kind in ("module", "loss") else report.error is None
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_a_wrong_component_says_what_was_found_where_and_what_it_means(negated):
    assert not negated.ok
    failure = negated.failures[0]
    assert failure.check == "module.input_gradient"
    assert failure.case == "Negated() on (5, 3)"
    assert "numeric" in failure.message
    assert "sign" in failure.diagnosis
    assert "test_conformance.py" in failure.diagnosis
    assert negated.error == pytest.approx(2, rel=0.01)


def test_a_report_prints_its_failures_and_is_plain_values(negated):
    text = str(negated)
    assert text.splitlines()[0].startswith("Negated: ")
    assert "module.input_gradient: failed, Negated() on (5, 3)" in text
    described = json.loads(json.dumps(negated.to_dict()))
    assert (described["name"], described["kind"], described["ok"]) == ("Negated", "module", False)
    assert described["checks"][0].keys() == {"check", "verdict", "case", "message", "diagnosis"}
    assert {each["verdict"] for each in described["checks"]} == {"passed", "failed", "skipped"}


class Crashes(Square):
    """It crashes in a line of its own."""

    def backward(self, grad_output):
        return grad_outptu  # noqa: F821 - on purpose


def test_what_does_not_run_fails_one_check_that_shows_the_line():
    report = check_component(Crashes, cases=[Case()])
    (failure,) = report.failures
    assert (failure.check, failure.message) == ("module.runs", "it raised NameError: name 'grad_outptu' is not defined")
    assert re.fullmatch(r"\S*test_conformance.py:\d+: return grad_outptu.*", failure.diagnosis)
    skipped = [each for each in report.results if each.verdict == "skipped"]
    assert len(skipped) == len(CHECKS["module"]) - 1
    assert {each.message for each in skipped} == {"not run, because module.runs fails"}
    assert str(report).count("not run, because module.runs fails") == 1


def test_one_wrong_gradient_is_one_failure(negated):
    assert failed(negated) == ["module.input_gradient"]
    skipped = {each.check: each.message for each in negated.results if each.verdict == "skipped"}
    assert skipped["module.batch_of_one"] == "not run, because module.input_gradient fails"


def test_what_runs_on_the_first_cases_is_checked_on_those():
    class CountsOneSample(cn.Module):
        def __init__(self):
            self.weight = cn.Parameter(torch.rand(3))

        def forward(self, input):
            self.save(input)
            return self.weight * input

        def backward(self, grad_output):
            (input,) = self.saved()
            self.weight.grad += (grad_output * input)[0]
            return self.weight * grad_output

    runs, gradients, *others = check_component(CountsOneSample).failures
    assert (runs.check, runs.case) == ("module.runs", "CountsOneSample() on (2, 2, 3)")
    assert (gradients.check, gradients.case) == ("module.parameter_gradients", "CountsOneSample() on (5, 3)")
    assert gradients.diagnosis.startswith("only the first sample is counted")
    assert {each.case for each in others} <= {"CountsOneSample() on (5, 3)"}


def test_a_plain_tensor_is_named_in_the_place_of_what_it_leads_to():
    class Plain(cn.Module):
        def __init__(self):
            self.weight = torch.randn(3, 3)

        def forward(self, input):
            self.save(input)
            return input @ self.weight.T

        def backward(self, grad_output):
            return grad_output @ self.weight

    (failure,) = check_component(Plain).failures
    assert failure.message == "weight is a plain tensor: neither trained, nor saved, nor moved by to()"


def test_what_takes_other_numbers_is_told_of_its_domain():
    class Log(Square):
        def forward(self, input):
            self.save(input)
            return input.log()

    (failure,) = check_component(Log).failures
    assert failure.message == "for an input between -2 and 2 the output is not finite"
    assert "Case(domain=" in failure.diagnosis


@pytest.mark.parametrize("kind", CHECKS)
def test_what_a_check_comes_after_comes_before_it(kind):
    seen = set()
    for check in CHECKS[kind]:
        assert set(check.after) <= seen, check.id
        seen.add(check.id)


def test_a_factory_needs_a_kind_and_takes_cases():
    def factory(factor):
        return cn.Sequential(Scale(factor), cn.Linear(3, 2))

    cases = [Case({"factor": 2.0}, (4, 3))]
    assert check_component(factory, "module", cases=cases).ok
    with pytest.raises(cn.ConfigError, match="needs kind="):
        check_component(factory, cases=cases)


def test_cases_given_replace_those_of_the_class():
    with pytest.raises(cn.ConfigError, match=r"cannot guess how to build Scale\(factor: float\)"):
        check_component(Scale)
    assert check_component(Scale, cases=[Case({"factor": 3.0})]).ok
    with pytest.raises(cn.ConfigError, match="no case"):
        check_component(Scale, cases=[])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((cn.ReLU, "layer"), "kind must be one of 'module', .*'initializer', not 'layer'"),
        ((cn.ReLU, "loss"), "ReLU is not a loss"),
        ((int,), "int is not a component: no Module, Loss, Optimizer, .*Initializer"),
        ((cn.ReLU(),), "takes a class, or a function"),
    ],
)
def test_what_is_no_component_is_refused(arguments, message):
    with pytest.raises(cn.ConfigError, match=message):
        check_component(*arguments)


# Expected failures.


def test_an_expected_failure_does_not_fail(branching):
    found = failed(branching)
    assert found == ["module.compiled", "module.mapped"]
    expected = dict.fromkeys(found, "it branches on numbers")
    report = check_component(Branching, cases=[Case()], expected_failures=expected)
    assert report.ok
    assert [(each.check, each.message) for each in report.results if each.verdict == "expected failure"] == list(
        expected.items()
    )


def test_an_expected_failure_that_passes_fails():
    report = check_component(Square, cases=[Case()], expected_failures={"module.strides": "it cannot"})
    assert failed(report) == ["module.strides"]
    assert report.failures[0].message == "passes although expected_failures lists it (it cannot): remove the entry"


def test_an_expected_failure_of_no_check_is_refused():
    with pytest.raises(cn.ConfigError, match=r"no check 'module.stride'.*did you mean 'module.strides'"):
        check_component(Square, expected_failures={"module.stride": "it cannot"})
