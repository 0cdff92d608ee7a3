"""Proving a registered component on its cases."""

import pytest
import torch

import corenet as cn
from corenet.testing import Case, prove, prove_all
from corenet.testing.proof import cases_of

MODULES = ["linear", "dropout", "relu", "tanh", "sigmoid"]
LOSSES = ["mse", "mae", "bce", "bce_with_logits"]


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


class WrongWhenStrided(Scale):
    """Reads memory in the order of addresses, as a careless kernel would."""

    def backward(self, grad_output):
        (input,) = self.saved()
        dense = input.as_strided(input.shape, torch.empty(input.shape).stride(), input.storage_offset())
        self.weight.grad += (grad_output * dense).reshape(-1, len(self.weight)).sum(0)
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


def test_a_component_is_proven_in_batches_single_rows_and_strides():
    assert prove(Scale).ok
    assert not prove(WrongForBatches).ok
    proof = prove(WrongWhenStrided)
    assert [report.ok for report in proof.reports][::2] == [True] * 3  # contiguous
    assert not proof.ok


def test_a_proof_has_a_report_for_each_case_contiguous_and_strided():
    proof = prove(Scale, "strange:scale")
    assert proof.name == "strange:scale"
    assert [report.tensors[0].shape for report in proof.reports] == [(5, 3)] * 2 + [(2, 2, 3)] * 2 + [(1, 3)] * 2
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
    assert [case["tensors"][1]["name"] for case in described["cases"]] == ["weight"] * 6


def test_cases_are_those_that_a_class_declares():
    class Declared(Scale):
        @staticmethod
        def conformance_cases():
            return [Case({"width": 4}, (2, 4))]

    assert [(case.arguments, case.shape) for case in cases_of(Declared)] == [({"width": 4}, (2, 4))]
    assert prove(Declared).reports[0].tensors[1].shape == (4,)


def test_cases_are_drawn_from_their_domain():
    seen = []

    class Watching(cn.MSELoss):
        @staticmethod
        def conformance_cases():
            return [Case(shape=(50, 2), domain=(3.0, 4.0), target_domain=(-1.0, 0.0))]

        def check(self, input, target):
            seen.append((input.min().item(), input.max().item(), target.min().item(), target.max().item()))

    assert prove(Watching).ok
    assert all(3 - 1e-4 <= low < high <= 4 + 1e-4 and -1 <= least < most <= 0 for low, high, least, most in seen)


def test_sizes_that_a_constructor_wants_are_guessed():
    class Pair(cn.Module):
        def __init__(self, width: int, height, *, depth: int, scale: float = 1.0): ...

    assert cases_of(Pair)[0].arguments == {"width": 3, "height": 4, "depth": 5}
    assert cases_of(cn.Tanh)[0].arguments == {}


def test_what_cannot_be_guessed_is_asked_for():
    class Named(cn.Module):
        def __init__(self, name: str): ...

    with pytest.raises(cn.ConfigError, match=r"cannot guess how to build Named\(name: str\); give it a conformance_"):
        prove(Named)


def test_a_constructor_that_refuses_the_guess_says_so():
    class Fussy(cn.Module):
        def __init__(self, width: int):
            raise TypeError("not like this")

    with pytest.raises(cn.ConfigError, match=r"cannot build Fussy with .*not like this; give it a conformance_cases"):
        prove(Fussy)
