"""The names that check_component has replaced still work, and say what to write instead."""

import pytest

import corenet as cn
from corenet import testing
from corenet.registry.spec import Component
from corenet.testing import deprecated


def test_prove_is_check_component():
    with pytest.warns(
        DeprecationWarning, match="testing.prove is deprecated: use check_component, or gradcheck"
    ) as found:
        prove = testing.prove
    assert found[0].filename == __file__
    report = prove(cn.MSELoss, "strange:mse", seed=1)
    assert (report.subject, report.ok) == ("strange:mse", True)
    assert 0 < report.error < 1e-6


def test_prove_all_checks_what_can_be_built(monkeypatch):
    row = {"distribution": "corenet", "version": "0.1.0", "status": "declared"}
    rows = [Component(name, kind, **row) for name, kind in [("mse", "loss"), ("lost", "module"), ("sgd", "optimizer")]]
    monkeypatch.setattr(deprecated, "components", lambda: rows)
    with pytest.warns(DeprecationWarning, match="corenet check --all"):
        reports = testing.prove_all()
    assert [(report.subject, report.ok) for report in reports] == [("corenet:mse", True)]


def test_a_proof_is_a_report():
    with pytest.warns(DeprecationWarning, match="Report, which check_component returns"):
        assert testing.Proof is testing.Report


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'corenet\.testing' has no attribute 'proove'"):
        _ = testing.proove
