"""Names in conflict are marked, by identity and never by order."""

from itertools import permutations

import pytest

from corenet.registry.conflicts import by_distribution, resolve
from corenet.registry.reason import Reason
from corenet.registry.spec import Component, PluginRow


def row(distribution, name, kind="module", target=None, status="declared"):
    return Component(name, kind, distribution, "1", status, target=target or f"{distribution}:{name}")


def stands(rows):
    return {each.qualified_name: (each.status, each.reason) for each in resolve(rows)}


BUILTIN, A, B = row("corenet", "linear"), row("corenet-a", "swish"), row("corenet-b", "swish")


@pytest.mark.parametrize("rows", list(permutations([BUILTIN, row("corenet-a", "linear")])))
def test_a_built_in_keeps_its_name(rows):
    assert stands(rows) == {
        "corenet:linear": ("declared", ""),
        "corenet-a:linear": ("shadowed", "the built-in keeps the name; use corenet-a:linear"),
    }


@pytest.mark.parametrize("rows", list(permutations([A, B, row("corenet-c", "swish")])))
def test_strangers_with_one_name_are_all_ambiguous(rows):
    assert stands(rows) == {
        "corenet-a:swish": ("ambiguous", "also in corenet-b, corenet-c; use corenet-a:swish"),
        "corenet-b:swish": ("ambiguous", "also in corenet-a, corenet-c; use corenet-b:swish"),
        "corenet-c:swish": ("ambiguous", "also in corenet-a, corenet-b; use corenet-c:swish"),
    }


def test_names_are_per_kind():
    rows = [A, row("corenet-b", "swish", "loss"), row("corenet-b", "linear", "optimizer"), BUILTIN]
    assert {status for status, _ in stands(rows).values()} == {"declared"}


def test_a_broken_row_keeps_its_reason():
    broken = Component("linear", "module", "corenet-a", "1", "broken", causes=(Reason("raised", "why"),), target="a:A")
    assert stands([BUILTIN, broken])["corenet-a:linear"] == ("broken", "why")


@pytest.mark.parametrize("status", ["disabled", "incompatible"])
def test_what_cannot_be_used_conflicts_with_nothing_and_keeps_its_status(status):
    off = [row("corenet-b", name, status=status) for name in ("swish", "linear")]
    assert stands([A, BUILTIN, *off]) == {
        "corenet-a:swish": ("declared", ""),
        "corenet:linear": ("declared", ""),
        "corenet-b:swish": (status, ""),
        "corenet-b:linear": (status, ""),
    }


@pytest.mark.parametrize("status", ["disabled", "incompatible"])
def test_what_cannot_be_used_is_not_broken_by_two_targets(status):
    twice = [row("corenet-a", "swish", target=target, status=status) for target in ("a:One", "a:Two")]
    assert stands(twice) == {"corenet-a:swish": (status, "")}


def test_one_distribution_may_announce_the_same_twice():
    assert stands([A, A]) == {"corenet-a:swish": ("declared", "")}


def test_one_distribution_may_not_give_one_name_two_targets():
    twice = [row("corenet-a", "swish", target="a:One"), row("corenet-a", "swish", target="a:Two")]
    assert stands(twice) == {"corenet-a:swish": ("broken", "corenet-a announces it twice, as a:One and as a:Two")}


def test_a_distribution_has_one_row_with_the_gravest_status_and_every_reason():
    def plugin(name, status, *reasons):
        return PluginRow(name, "1", "", status, tuple(Reason("raised", each) for each in reasons))

    rows = [
        plugin("a", "declared"),
        plugin("b", "declared"),
        plugin("a", "broken", "one"),
        plugin("b", "loaded"),
        plugin("a", "loaded"),
        plugin("a", "broken", "two"),
        plugin("c", "broken", "same"),
        plugin("c", "broken", "same"),
    ]
    assert by_distribution(rows) == [
        plugin("a", "broken", "one", "two"),
        plugin("b", "loaded"),
        plugin("c", "broken", "same"),
    ]
    assert by_distribution(rows)[0].reason == "one; two"
