"""The gradient of every built-in component, and of one that is right in some cases only, on each of its cases."""

import pytest
import torch

import corenet as cn
from corenet.testing.support.guess import trials_of

DIFFERENTIABLE = [row for row in cn.components() if row.distribution == "corenet" and row.kind in ("module", "loss")]


class Scale(cn.Module):
    """y = w x, one weight a feature."""

    def __init__(self, width: int):
        self.weight = cn.Parameter(torch.ones(width))

    def forward(self, input):
        self.save(input)
        return input * self.weight

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += (grad_output * input).reshape(-1, len(self.weight)).sum(0)
        return grad_output * self.weight


class WrongForBatches(Scale):
    """Right for a single row only."""

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += (grad_output * input).reshape(-1, len(self.weight))[0]
        return grad_output * self.weight


def reports_of(cls):
    return [trial.gradients for trial in trials_of(cls)]


@pytest.mark.parametrize("row", DIFFERENTIABLE, ids=lambda row: row.name)
def test_the_gradient_of_every_builtin_agrees_with_differences(row):
    reports = [trial.gradients for trial in trials_of(cn.get(row.kind, row.name), row.kind)]
    assert all(report.ok for report in reports)
    assert 0 < max(report.error for report in reports) < 1e-6
    assert all(tensor.checked for report in reports for tensor in report.tensors)


def test_modules_and_losses_are_among_them():
    assert {row.kind for row in DIFFERENTIABLE} == {"module", "loss"}
    assert len(DIFFERENTIABLE) >= 9


def test_a_component_is_checked_in_batches_and_single_rows():
    assert all(report.ok for report in reports_of(Scale))
    assert [(report.tensors[0].shape, report.ok) for report in reports_of(WrongForBatches)] == [
        ((5, 3), False),
        ((2, 2, 3), False),
        ((1, 3), True),
    ]


def test_a_gradient_report_is_plain_values():
    described = [report.to_dict() for report in reports_of(Scale)]
    assert [(report["subject"], report["ok"]) for report in described] == [("Scale()", True)] * 3
    assert [report["tensors"][1]["name"] for report in described] == ["weight"] * 3
