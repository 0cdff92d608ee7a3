"""The names that code reads, wherever it reads them."""

import pytest

from corenet.training.engines.recording.code_names import names_in

LIMIT = 3.0


def plain(x):
    return x.scale * LIMIT + len(x.rows.all)


def inner(x):
    def deeper():
        return x.depth + LIMIT

    return [each.width for each in deeper()]


def by_text(x):
    return getattr(x, "shift") + x["offset"]  # noqa: B009 - that is the point


def written(x):
    x.count = 1
    global LIMIT
    LIMIT = 2.0


def imported(x):
    from math import tau

    return tau * x


def own(x, y=None):
    y = x if y is None else y
    return y + 1


@pytest.mark.parametrize(
    ("function", "globals", "attributes"),
    [
        (plain, {"LIMIT", "len"}, {"scale", "rows", "all"}),
        (inner, {"LIMIT"}, {"depth", "width"}),
        (by_text, {"getattr"}, {"shift", "offset"}),
        (own, set(), set()),
    ],
)
def test_globals_and_attributes_are_found(function, globals, attributes):
    names = names_in(function.__code__)
    assert names.globals == globals
    assert attributes <= names.attributes
    assert "x" not in names.attributes | names.globals


def test_what_is_written_or_imported_is_found_as_well():
    assert {"count", "LIMIT"} <= names_in(written.__code__).attributes
    assert {"math", "tau"} <= names_in(imported.__code__).attributes
