"""The card of a component: usable ones in full, the others with their reason."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from corenet.registry.registry import registry
from corenet.report.component import component_page as cards
from corenet.report.component.component_page import Conformance, card_of
from corenet.testing.report import Report, Result


def test_a_component_in_full():
    card = card_of(registry().find("module", "tanh"))
    assert (card.row.status, card.cls.__name__) == ("loaded", "Tanh")
    assert card.docstring.formulas == ["y = tanh x", "dx = dy · (1 − y²)"]
    assert card.file.endswith("activations.py")
    assert Path(card.file).read_text(encoding="utf-8").splitlines()[card.line - 1].startswith("class Tanh")
    assert card.conformance.ok
    assert card.conformance.passed > 5


def test_as_plain_values(monkeypatch):
    monkeypatch.setattr(cards, "check_component", lambda cls, kind: Report("x", kind, ()))
    found = card_of(registry().find("module", "dropout")).to_dict()
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
    monkeypatch.setattr(cards, "check_component", lambda cls, kind: Report("x", kind, results))
    assert card_of(registry().find("loss", "mse")).conformance == Conformance(1, ("a.bad",), ("a.bad: it is off",))


@pytest.mark.parametrize("error", [ValueError("no idea"), SystemExit("no idea")])
def test_a_component_that_cannot_be_checked_says_why(monkeypatch, error):
    def refuse(cls, kind):
        raise error

    monkeypatch.setattr(cards, "check_component", refuse)
    found = card_of(registry().find("loss", "mse")).conformance
    assert (found.ok, found.reason) == (None, f"{type(error).__name__}: no idea")


@pytest.mark.parametrize("status", ["broken", "disabled", "incompatible"])
def test_of_one_that_cannot_be_used_there_is_the_row(status):
    row = replace(registry().find("module", "relu"), status=status, reason="why")
    card = card_of(row)
    assert (card.row, card.cls, card.conformance) == (row, None, None)
    assert card.to_dict()["constructor"] is None


def test_a_class_without_a_file_has_none():
    assert cards._source(int) == ("", None)
    made = type("Made", (), {"__module__": __name__})
    assert cards._source(made)[1] is None
