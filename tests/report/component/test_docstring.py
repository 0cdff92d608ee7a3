"""A docstring in the style of the house, part by part."""

import pytest

from corenet.registry.registry import registry
from corenet.report.component.docstring import Docstring, parse

HOUSE = """Affine ``y = x W``, which
    wraps.

    With ``g = 1`` given::

        dW = x dy     db = dy
            deeper

        dx = dy W

    Args:
        one, two: both
            of them.
        *rest: ``more``.

    Shape: ``(N, a) -> (N, b)``.
    Leading ones are kept.

    Raises:
        ShapeError, DTypeError: it does not fit.

    >>> 1 + 1
    2

    References: A. Person, 1999;
    B. Person, 2000.
    """


def test_every_part_is_found():
    assert parse(HOUSE) == Docstring(
        summary="Affine y = x W, which wraps.",
        formulas=["y = x W", "dW = x dy     db = dy", "    deeper", "dx = dy W"],
        arguments={"one": "both of them.", "two": "both of them.", "rest": "more."},
        shape="(N, a) -> (N, b). Leading ones are kept.",
        raises={"ShapeError": "it does not fit.", "DTypeError": "it does not fit."},
        reference="A. Person, 1999; B. Person, 2000.",
    )


def test_equations_of_the_text_stand_in_for_a_block():
    found = parse("Mask ``y = x m``.\n\nWith ``m`` drawn, ``dx = dy m`` is it.\n\nArgs:\n    p: as ``p = 1``.\n")
    assert found.formulas == ["y = x m", "dx = dy m"]


@pytest.mark.parametrize("text", [None, "", "   \n  \n"])
def test_there_may_be_none(text):
    assert parse(text) == Docstring()


@pytest.mark.parametrize("section", ["Args:", "Args:\n\nShape: any.", "Args:\n    no colon here", "Args:\n    x:"])
def test_a_section_without_entries_has_none(section):
    assert parse(f"One.\n\n{section}").arguments == {}


def test_types_in_parentheses_and_unknown_sections_are_left_out():
    found = parse("One.\n\nArgs:\n    p (float): how much.\n\nNote:\n    q: no argument.\n\nReturns: a thing.")
    assert found.arguments == {"p": "how much."}


def test_what_steers_a_terminal_is_left_out_and_long_lines_are_cut():
    found = parse("Red \x1b[31m``y\u202e = x``.\n\nArgs:\n    p: " + "x" * 9999)
    assert (found.summary, found.formulas) == ("Red [31my = x.", ["y = x"])
    assert len(found.arguments["p"]) == 200 - len("    p: ")


@pytest.mark.parametrize("row", registry().components(), ids=lambda row: row.qualified_name)
def test_the_docstrings_of_the_house_are_read_to_the_end(row):
    if row.distribution != "corenet":
        pytest.skip("a stranger's")
    found = parse(registry().get(row.kind, row.name).__doc__)
    assert found.formulas or row.kind not in ("loss", "optimizer")
    assert found.summary.endswith(".")
    assert found.reference.endswith(".") or row.kind not in ("module", "loss", "optimizer")
    assert "``" not in str(found)
