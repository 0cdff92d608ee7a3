"""The kit runs every check of a kind, reports what it finds, and is strict about what was expected."""

import json
import re

import pytest
import torch

import corenet as cn
from corenet.registry.spec import Component
from corenet.testing import Case, check_component, components_of, distribution
from corenet.testing.checks.check import Check
from corenet.testing.conformance import CHECKS, run_check
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import NotApplicable, Violation


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


def failed(report):
    return [result.check for result in report.failures]


def test_a_right_component_is_ok_and_every_check_has_a_result():
    report = check_component(Square)
    assert report.ok
    assert (report.subject, report.kind, report.failures) == ("Square", "module", [])
    assert [result.check for result in report.results] == [check.id for check in CHECKS["module"]]
    assert 0 < report.error < 1e-6


@pytest.mark.parametrize("kind", ["module", "loss", "optimizer"])
def test_every_builtin_conforms(kind):
    for row in components_of("corenet"):
        if row.kind == kind:
            report = check_component(cn.get(kind, row.name), kind, name=row.qualified_name)
            assert report.ok, str(report)


def test_a_wrong_component_says_what_was_found_where_and_what_it_means():
    report = check_component(Negated)
    assert not report.ok
    failure = report.failures[0]
    assert failure.check == "module.input_gradient"
    assert failure.case == "Negated() on (5, 3)"
    assert "numeric" in failure.message
    assert "sign" in failure.diagnosis
    assert "test_conformance.py" in failure.diagnosis
    assert report.error == pytest.approx(2, rel=0.01)


def test_a_report_prints_its_failures_and_is_plain_values():
    report = check_component(Negated)
    text = str(report)
    assert text.splitlines()[0].startswith("Negated: ")
    assert "module.input_gradient: failed, Negated() on (5, 3)" in text
    described = json.loads(json.dumps(report.to_dict()))
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


def test_one_wrong_gradient_is_one_failure():
    report = check_component(Negated)
    assert failed(report) == ["module.input_gradient"]
    skipped = {each.check: each.message for each in report.results if each.verdict == "skipped"}
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
    assert gradients.diagnosis.startswith("only the first sample counted")
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
        ((cn.ReLU, "layer"), "kind must be 'module', 'loss' or 'optimizer', not 'layer'"),
        ((cn.ReLU, "loss"), "ReLU is not a loss"),
        ((int,), "int is not a Module, Loss or Optimizer"),
        ((cn.ReLU(),), "takes a class, or a function"),
    ],
)
def test_what_is_no_component_is_refused(arguments, message):
    with pytest.raises(cn.ConfigError, match=message):
        check_component(*arguments)


# Expected failures.


def test_an_expected_failure_does_not_fail():
    found = failed(check_component(Branching))
    assert found == ["module.compiled", "module.mapped"]
    expected = dict.fromkeys(found, "it branches on numbers")
    report = check_component(Branching, expected_failures=expected)
    assert report.ok
    assert [(each.check, each.message) for each in report.results if each.verdict == "expected failure"] == list(
        expected.items()
    )


def test_an_expected_failure_that_passes_fails():
    report = check_component(Square, expected_failures={"module.strides": "it cannot"})
    assert failed(report) == ["module.strides"]
    assert report.failures[0].message == "passes although expected_failures lists it (it cannot): remove the entry"


def test_an_expected_failure_of_no_check_is_refused():
    with pytest.raises(cn.ConfigError, match=r"no check 'module.stride'.*did you mean 'module.strides'"):
        check_component(Square, expected_failures={"module.stride": "it cannot"})


# One check.


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


# Components of a distribution.


def test_components_are_found_by_their_distribution_in_any_spelling():
    rows = components_of("Corenet")
    assert {row.distribution for row in rows} == {"corenet"}
    assert {row.kind for row in rows} == {"module", "loss", "optimizer"}


def test_a_distribution_without_components_is_refused():
    with pytest.raises(cn.UnknownComponentError, match=r"distribution 'corenett'.*did you mean 'corenet'"):
        components_of("corenett")


def test_a_component_in_the_place_of_its_distribution_is_told_apart():
    with pytest.raises(cn.UnknownComponentError, match="no distribution 'relu' has components; it is a component of corenet; "):
        components_of("relu")


def test_a_plugin_that_cannot_be_asked_is_refused(monkeypatch):
    torn = Component("corenet-x", "plugin", "corenet-x", "1.2", "broken", reason="ImportError: torn")
    monkeypatch.setattr(distribution, "components", lambda: [torn])
    with pytest.raises(cn.BrokenPluginError, match="corenet-x cannot be tested: ImportError: torn"):
        components_of("corenet-x")


def test_torchs_generator_and_the_users_threads_are_left_alone():
    before = torch.get_rng_state(), torch.get_num_threads()
    check_component(cn.Dropout)
    assert torch.equal(before[0], torch.get_rng_state())
    assert torch.get_num_threads() == before[1]
