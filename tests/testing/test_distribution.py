"""The components of a distribution are found by its name, and a name that is none is explained."""

import pytest

import corenet as cn
from corenet.registry.reason import Reason
from corenet.registry.spec import KINDS, Component
from corenet.testing import components_of, distribution


def test_components_are_found_by_their_distribution_in_any_spelling():
    rows = components_of("Corenet")
    assert {row.distribution for row in rows} == {"corenet"}
    assert {row.kind for row in rows} == set(KINDS)


def test_a_distribution_without_components_is_refused():
    with pytest.raises(cn.UnknownComponentError, match=r"distribution 'corenett'.*did you mean 'corenet'"):
        components_of("corenett")


def test_a_component_in_the_place_of_its_distribution_is_told_apart():
    with pytest.raises(cn.UnknownComponentError, match="'relu' has components; it is a component of corenet; "):
        components_of("relu")


def test_a_plugin_that_cannot_be_asked_is_refused(monkeypatch):
    causes = (Reason("raised", "ImportError: torn"),)
    torn = Component("corenet-x", "plugin", "corenet-x", "1.2", "broken", causes=causes)
    monkeypatch.setattr(distribution, "components", lambda: [torn])
    with pytest.raises(cn.BrokenPluginError, match="corenet-x cannot be tested: ImportError: torn"):
        components_of("corenet-x")
