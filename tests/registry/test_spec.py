"""A spec is strings only, a row is printable whatever is put into it."""

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from corenet.errors import ConfigError
from corenet.registry import ComponentSpec
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
    made = row(**{field.name: (NASTY,) if field.name in ("aliases", "tags") else NASTY for field in fields(row)})
    expected = "[31mred " + "x" * 191 + "…"
    assert all(value in (expected, (expected,)) for value in vars(made).values()), made


def test_a_row_that_is_replaced_is_plain_too():
    row = Component("x", "module", "d", "1", "declared")
    assert replace(row, reason="a\x1b[0m\nb").reason == "a[0m b"
