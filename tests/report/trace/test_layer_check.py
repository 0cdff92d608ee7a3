"""The check of a layer: findings with a code, whatever the layer does."""

import json

import pytest
import torch

import corenet as cn
from corenet.report.trace.layer_check import GradientCheck, LayerCheck, check_layer, gradient_check
from corenet.testing.gradcheck.report import GradientReport, TensorReport


def tensor(name="input", checked=3, kinks=0, error=0.0, status="agrees", **fields):
    return TensorReport(name, (3,), checked, kinks, error, 1e-6, status=status, **fields)


@pytest.mark.parametrize(
    ("report", "code", "text"),
    [
        (tensor(error=3e-9), "agrees", "ok 3e-09"),
        (tensor(), "agrees", "ok, equal"),
        (tensor(error=2.0, status="wrong"), "wrong", "WRONG 2e+00"),
        (tensor(flat=True, status="inconclusive"), "flat", "flat here"),
        (tensor(status="inconclusive", power=0.1), "inconclusive", "not clear"),
        (tensor(checked=0, kinks=3), "at_kinks", "only kinks"),
        (tensor(checked=0, edges=3), "no_slope", "no slope"),
        (tensor(checked=0, unclear=3), "no_slope", "no slope"),
        (tensor(checked=0), "empty", "no elements"),
    ],
)
def test_each_report_has_its_finding(report, code, text):
    found = gradient_check(report)
    assert (found.code, found.text, found.wrong) == (code, text, code == "wrong")
    assert found.detail == (str(report) if found.wrong else "")


def test_of_two_reports_on_a_tensor_the_worse_counts():
    both = LayerCheck(
        GradientReport(
            "x",
            (
                tensor("weight"),
                tensor("weight", error=1.0, status="wrong", how="by backward_parameters"),
                tensor("weights"),
            ),
        )
    )
    assert both.gradient("weight").code == "wrong"
    assert both.gradient("weights").code == "agrees"
    assert both.gradient("bias").code == "not_checked"
    assert [problem.code for problem in both.problems()] == ["wrong"]


def test_a_layer_that_cannot_run_is_not_wrong(single):
    found = check_layer(single(), torch.ones(2))
    assert found.failure == GradientCheck("not_checked", "not checked", "RuntimeError: float32 only")
    assert found.problems() == [found.gradient("input")] == [found.failure]
    assert not found.wrong
    assert found.to_dict() == {
        "wrong": False,
        "code": "not_checked",
        "reason": "RuntimeError: float32 only",
        "report": None,
    }


def test_a_layer_that_breaks_a_rule_is_wrong():
    class Grows(cn.Module):
        def forward(self, input):
            return input.clone()

        def backward(self, grad_output):
            return torch.cat([grad_output, grad_output])

    found = check_layer(Grows(), torch.ones(2))
    assert (found.failure.code, found.gradient("input").text, found.wrong) == ("rule_broken", "WRONG", True)
    assert found.reason == found.failure.detail
    assert "gradient of input" in found.reason


def test_a_right_layer_has_no_problem():
    found = check_layer(cn.Linear(2, 1), torch.ones(3, 2))
    assert (found.problems(), found.wrong, found.reason) == ([], False, "")
    assert json.loads(json.dumps(found.to_dict()))["code"] == "agrees"
