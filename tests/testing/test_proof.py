"""Proving a registered component on its cases."""

import pytest
import torch

import corenet as cn
from corenet import builtin
from corenet.testing import prove, prove_all

MODULES = [spec.name for spec in builtin.corenet_modules()]
LOSSES = [spec.name for spec in builtin.corenet_losses()]


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


@pytest.mark.parametrize(("kind", "name"), [("module", name) for name in MODULES] + [("loss", name) for name in LOSSES])
def test_the_gradient_of_every_builtin_is_proven(kind, name):
    proof = prove(cn.get(kind, name))
    assert proof.ok
    assert 0 < proof.error < 1e-6
    assert all(tensor.checked for report in proof.reports for tensor in report.tensors)


def test_no_builtin_is_left_unproven():
    rows = [row for row in cn.components() if row.distribution == "corenet" and row.kind in ("module", "loss")]
    assert sorted(row.name for row in rows) == sorted(MODULES + LOSSES)


def test_prove_all_has_every_builtin_by_its_qualified_name():
    proofs = {proof.name: proof.ok for proof in prove_all()}
    assert {f"corenet:{name}" for name in MODULES + LOSSES} <= set(proofs)
    assert all(proofs[f"corenet:{name}"] for name in MODULES + LOSSES)


def test_a_component_is_proven_in_batches_and_single_rows():
    assert prove(Scale).ok
    proof = prove(WrongForBatches)
    assert [(report.tensors[0].shape, report.ok) for report in proof.reports] == [
        ((5, 3), False),
        ((2, 2, 3), False),
        ((1, 3), True),
    ]


def test_a_proof_has_a_report_for_each_case():
    proof = prove(Scale, "strange:scale")
    assert proof.name == "strange:scale"
    assert [report.tensors[0].shape for report in proof.reports] == [(5, 3), (2, 2, 3), (1, 3)]
    assert proof.error == max(report.error for report in proof.reports)
    assert prove(Scale).name == "Scale"


def test_a_proof_without_a_case_is_no_proof():
    class Untried(Scale):
        @staticmethod
        def conformance_cases():
            return []

    proof = prove(Untried)
    assert (proof.ok, proof.error, proof.reports) == (False, 0.0, ())


def test_a_proof_is_plain_values():
    described = prove(Scale).to_dict()
    assert described["name"] == "Scale"
    assert described["ok"] is True
    assert [case["tensors"][1]["name"] for case in described["cases"]] == ["weight"] * 3
