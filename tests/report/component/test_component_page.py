"""The page of a component: usable ones in full, the others with their reason."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from corenet.registry.reason import Reason
from corenet.registry.registry import registry
from corenet.report.component import component_page as pages
from corenet.report.component.component_page import Conformance, component_page
from corenet.testing.report import Report, Result


def test_a_component_in_full(monkeypatch):
    monkeypatch.setattr(pages, "check_component", lambda cls, kind: Report("x", kind, (Result("a", "passed"),)))
    page = component_page(registry().find("module", "tanh"))
    assert (page.row.status, page.cls.__name__) == ("loaded", "Tanh")
    assert page.docstring.formulas == ["y = tanh x", "dx = dy · (1 − y²)"]
    assert page.file.endswith("activations.py")
    assert Path(page.file).read_text(encoding="utf-8").splitlines()[page.line - 1].startswith("class Tanh")
    assert page.conformance == Conformance(1)


def test_the_conformance_kit_is_run():
    conformance = component_page(registry().find("optimizer", "sgd")).conformance  # the kind whose checks are fastest
    assert conformance.ok
    assert conformance.passed > 5


def test_as_plain_values(monkeypatch):
    monkeypatch.setattr(pages, "check_component", lambda cls, kind: Report("x", kind, ()))
    found = component_page(registry().find("module", "dropout")).to_dict()
    assert json.loads(json.dumps(found))["constructor"]["properties"] == {
        "p": {"type": "number", "default": 0.5, "description": "probability of an element to be dropped, in [0, 1]."}
    }
    assert list(found) == [
        *("name", "kind", "distribution", "version", "status", "reason", "summary", "aliases", "tags", "target"),
        *("file", "line", "docstring", "constructor", "conformance"),
    ]
    assert found["docstring"]["raises"] == {"ConfigError": "p is not a number in [0, 1]."}
    assert found["conformance"] == {"ok": True, "passed": 0, "failures": (), "complaints": (), "reason": ""}


def test_failed_checks_are_named(monkeypatch):
    results = (Result("a.good", "passed"), Result("a.bad", "failed", message="it is off"), Result("a.none", "skipped"))
    monkeypatch.setattr(pages, "check_component", lambda cls, kind: Report("x", kind, results))
    assert component_page(registry().find("loss", "mse")).conformance == Conformance(
        1, ("a.bad",), ("a.bad: it is off",)
    )


@pytest.mark.parametrize("error", [ValueError("no idea"), SystemExit("no idea")])
def test_a_component_that_cannot_be_checked_says_why(monkeypatch, error):
    def refuse(cls, kind):
        raise error

    monkeypatch.setattr(pages, "check_component", refuse)
    found = component_page(registry().find("loss", "mse")).conformance
    assert (found.ok, found.reason) == (None, f"{type(error).__name__}: no idea")


@pytest.mark.parametrize("status", ["broken", "disabled", "incompatible"])
def test_of_one_that_cannot_be_used_there_is_the_row(status):
    row = replace(registry().find("module", "relu"), status=status, causes=(Reason("raised", "why"),))
    page = component_page(row)
    assert (page.row, page.cls, page.conformance) == (row, None, None)
    assert (page.to_dict()["constructor"], page.to_dict()["reason"]) == (None, "why")


def test_a_class_without_a_file_has_none():
    assert pages._source(int) == ("", None)
    made = type("Made", (), {"__module__": __name__})
    assert pages._source(made)[1] is None
