"""A coding in a file that somebody changed is refused."""

import copy

import pytest

import corenet as cn
from corenet.tables.coding import TableCoding

SAVED = {
    "version": 1,
    "missing": ["", "na"],
    "columns": [
        {"kind": "number", "name": "age", "mean": 31.5, "std": 9.25, "gap": True},
        {"kind": "category", "name": "city", "values": ["Bonn", "Ulm"], "gap": False},
    ],
    "target": {"kind": "category", "name": "vote", "classes": ["no", "yes"]},
}


def test_the_format_is_settled():
    assert TableCoding.from_dict(SAVED).to_dict() == SAVED


def changed(path, value):
    saved = copy.deepcopy(SAVED)
    place = saved
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return saved


@pytest.mark.parametrize(
    "path",
    [
        ("missing",),
        ("columns",),
        ("target",),
        ("columns", 0, "mean"),
        ("columns", 0, "gap"),
        ("columns", 1, "values"),
        ("columns", 1, "name"),
        ("target", "classes"),
        ("version",),
    ],
)
def test_what_lacks_is_refused(path):
    with pytest.raises(cn.CheckpointError):
        TableCoding.from_dict(changed(path, None))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("version",), 2, "of version 2, this corenet reads 1"),
        (("more",), 1, r"has the keys \['columns', 'missing', 'more'"),
        (("columns", 0, "unit"), "years", r"age has the keys \['gap', 'kind', 'mean', 'name', 'std', 'unit'\]"),
        (("columns",), [], "columns is"),
        (("columns",), {"a": 1}, "columns is"),
        (("columns", 0), "age", "a column is 'age'"),
        (("columns", 0, "kind"), "date", "a column is"),
        (("columns", 0, "name"), 3, "a column is"),
        (("columns", 0, "mean"), "31", "age: mean is '31'"),
        (("columns", 0, "mean"), float("nan"), "age: mean is nan"),
        (("columns", 0, "mean"), True, "age: mean is True"),
        (("columns", 0, "std"), 0.0, r"age: std is 0\.0"),
        (("columns", 0, "std"), float("inf"), "age: std is inf"),
        (("columns", 0, "gap"), 1, "age: gap is 1"),
        (("columns", 1, "values"), ["Bonn", "Bonn"], "city: values is"),
        (("columns", 1, "values"), ["Bonn", 2], "city: values is"),
        (("columns", 1, "name"), "age", "columns is"),
        (("columns", 1, "name"), "vote", "columns is"),
        (("missing",), "na", "missing is 'na'"),
        (("target", "classes"), ["no"], "vote: classes is"),
        (("target", "classes"), ["1", 1], "vote: classes is"),
        (("target", "classes"), [["no"], "yes"], "vote: classes is"),
        (("target", "counts"), [1], "vote: counts is"),
        (("target", "counts"), [3, -1], "vote: counts is"),
        (("target",), None, "has the keys"),
    ],
)
def test_what_is_of_another_kind_is_refused(path, value, message):
    with pytest.raises(cn.CheckpointError, match=message):
        TableCoding.from_dict(changed(path, value))


@pytest.mark.parametrize("saved", [None, [], "coding", {}])
def test_what_is_no_description_is_refused(saved):
    with pytest.raises(cn.CheckpointError, match="no table coding"):
        TableCoding.from_dict(saved)
