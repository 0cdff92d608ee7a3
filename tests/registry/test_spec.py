"""A spec is strings only, a row is printable whatever is put into it."""

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from corenet.errors import ConfigError
from corenet.registry import ComponentSpec
from corenet.registry.reason import Reason
from corenet.registry.spec import Component, PluginRow

NASTY = "\x1b[31mred\u202e\n" + "x" * 300


def test_a_spec_needs_a_name_and_a_target_only():
    spec = ComponentSpec("swish", "corenet_swish:Swish")
    assert (spec.summary, spec.aliases, spec.tags) == ("", (), ())


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("name", None, "a string"),
        ("target", int, "a string"),
        ("summary", 3, "a string"),
        ("aliases", "silu", "a tuple of strings"),
        ("aliases", ["silu"], "a tuple of strings"),
        ("tags", (1,), "a tuple of strings"),
    ],
)
def test_a_field_of_another_type_is_refused(field, value, wanted):
    with pytest.raises(ConfigError) as caught:
        ComponentSpec(**({"name": "x", "target": "x:X"} | {field: value}))
    assert str(caught.value) == f"ComponentSpec: {field} must be {wanted}, not {value!r}"
    assert (caught.value.name, caught.value.value) == (field, value)


def test_a_spec_and_a_row_are_frozen():
    for one in (ComponentSpec("x", "x:X"), Component("x", "module", "d", "1", "declared")):
        with pytest.raises(FrozenInstanceError):
            one.name = "y"


def test_a_qualified_name_has_the_distribution_in_front():
    assert Component("x", "module", "corenet-d", "1", "declared").qualified_name == "corenet-d:x"


@pytest.mark.parametrize("row", [Component, PluginRow])
def test_every_field_of_a_row_is_made_plain(row):
    given = {"causes": (Reason("raised", NASTY),), "aliases": (NASTY,), "tags": (NASTY,)}
    made = row(**{field.name: given.get(field.name, NASTY) for field in fields(row)})
    expected = "[31mred " + "x" * 191 + "…"
    found = vars(made) | {"causes": made.reason}
    assert all(value in (expected, (expected,)) for value in found.values()), made


def test_the_reason_is_every_cause_with_its_fix_in_one_line_of_at_most_200_characters():
    causes = (Reason("raised", "one"), Reason("ambiguous", "two", "use three"))
    assert PluginRow("d", "1", "", "broken", causes).reason == "one; two; use three"
    assert len(PluginRow("d", "1", "", "broken", (Reason("raised", "x" * 150),) * 2).reason) == 200


def test_a_row_that_is_replaced_is_plain_too():
    row = Component("x", "module", "d", "1", "declared")
    assert replace(row, summary="a\x1b[0m\nb").summary == "a[0m b"
