"""A target is imported, and held against the contract of its kind."""

import pytest

from corenet.errors import CorenetError
from corenet.registry.collect import UnusableTargetError
from corenet.registry.spec import KINDS, Component
from corenet.registry.targets import CONTRACTS, article, imported_now, load


def row(kind, target):
    return Component("x", kind, "corenet-x", "1.0", "declared", target=target)


def test_each_kind_has_a_contract_that_is_there():
    assert list(CONTRACTS) == list(KINDS)
    for kind, target in CONTRACTS.items():
        assert imported_now(target).__name__.lower() == kind
        assert load(row(kind, target)) is imported_now(target)


@pytest.mark.parametrize("kind", KINDS)
def test_a_class_of_another_kind_is_refused_and_named(kind):
    for other in set(KINDS) - {kind}:
        contract = imported_now(CONTRACTS[kind]).__name__
        with pytest.raises(UnusableTargetError, match=rf"{CONTRACTS[other]} is not an? {contract}$") as caught:
            load(row(kind, CONTRACTS[other]))
        assert (caught.value.code, caught.value.subject) == ("wrong_kind", contract)


@pytest.mark.parametrize("target", ["corenet.nowhere:X", "corenet.errors:Nothing"])
def test_a_target_that_is_not_there_raises_what_python_raises(target):
    with pytest.raises((ImportError, AttributeError)):
        load(row("module", target))
    assert imported_now("corenet.errors:CorenetError") is CorenetError


def test_articles():
    assert [article(kind) for kind in KINDS] == ["a", "a", "an", "a", "a", "a", "an"]
