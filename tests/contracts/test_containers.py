"""Lists, tuples and dicts: looked through in order, and rebuilt only where something changes."""

from collections import OrderedDict, defaultdict, namedtuple

import pytest

from corenet.contracts.containers import flattened, replaced

Pair = namedtuple("Pair", ["left", "right"])


class Listed(list):
    """A list with an attribute."""


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1, [("x", 1)]),
        ([], []),
        ([1, (2, 3)], [("x.0", 1), ("x.1.0", 2), ("x.1.1", 3)]),
        ({"a": 1, 2: [3]}, [("x.a", 1), ("x.2.0", 3)]),
        ({1}, [("x", {1})]),
    ],
)
def test_every_item_is_found_with_its_path(value, found):
    assert list(flattened("x", value)) == found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, -1),
        ([1, [2]], [-1, [-2]]),
        ((1, 2), (-1, -2)),
        (Pair(1, (2,)), Pair(-1, (-2,))),
        ({"a": 1, "b": {"c": 2}}, {"a": -1, "b": {"c": -2}}),
        (OrderedDict(a=1), OrderedDict(a=-1)),
    ],
)
def test_every_item_is_replaced_and_every_container_keeps_its_type(value, expected):
    made = replaced(value, lambda number: -number)
    assert made == expected
    assert type(made) is type(expected)


def test_subclasses_keep_what_else_they_know():
    value = defaultdict(list, a=1)
    assert replaced(value, lambda number: -number)["missing"] == []
    listed = Listed([1])
    listed.name = "mine"
    assert replaced(listed, lambda number: -number).name == "mine"


def test_the_original_is_left_as_it_is_and_returned_where_nothing_changes():
    value = [1, {"a": (2,)}]
    assert replaced(value, lambda number: -number) == [-1, {"a": (-2,)}]
    assert value == [1, {"a": (2,)}]
    assert replaced(value, lambda number: number) is value
    partly = [[0], [1]]
    assert replaced(partly, lambda number: number or None)[1] is partly[1]
