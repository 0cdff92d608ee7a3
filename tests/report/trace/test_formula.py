"""Formulas are those of the docstring, for every built-in module."""

import pytest

import corenet as cn
from corenet.report.trace.formula import formulas

MODULES = [row.name for row in cn.components("module") if row.distribution == "corenet"]


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_a_line_without_markup(name):
    first, *blocks = formulas(cn.get("module", name))
    assert first
    assert not any(sign in line for line in (first, *blocks) for sign in ("``", ">>>", ":class:"))


class Blocks(cn.Module):
    """Twice ``x``, as in::

        y = 2 x

    or, for a gradient ``dy``::

        dx = 2 dy          dx\x1b[31m = dy + dy

        dx = dy (1 + 1)

    Args:
        none: of them, which
            is no formula.
    """


def test_blocks_behind_colons_alone_are_formulas():
    assert formulas(Blocks) == ["Twice x, as in", "y = 2 x", "dx = 2 dy     dx[31m = dy + dy", "dx = dy (1 + 1)"]


def test_a_class_without_docstring_has_none():
    class Silent(cn.Module):
        pass

    Silent.__doc__ = None
    assert formulas(Silent) == []
