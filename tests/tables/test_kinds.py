"""What columns are taken for, and what is refused with advice."""

import pytest

import corenet as cn
from corenet.tables.spelling import MISSING, is_date, mark_advice

LABELS = ["ja", "nein"] * 30


def numbered(n):
    return [float(i * i % 7) for i in range(n)]


def decided(cells, labels=None, **options):
    """Return ``(kind, what)`` of a column of a table."""
    labels = labels or (["ja", "nein"] * len(cells))[: len(cells)]
    decision = cn.table({"it": cells, "b": numbered(len(cells)), "y": labels}, "y", **options).columns[0]
    return decision.kind, decision.what


@pytest.mark.parametrize(
    ("cells", "kind", "what"),
    [
        ([2.5, 1.0, 4.0, 3.0], "number", "1 … 4"),
        (["2.5", " 1e1 ", "-4", "+3"], "number", "-4 … 10"),
        ([1, None, 4, 3], "number", "1 … 4; 1 gap"),
        (["a", "b", "a", None], "category", "2 values: a, b; 1 gap"),
        ([True, False, True, True], "category", "2 values: false, true"),
        (["True", "FALSE", "true", "true"], "category", "2 values: false, true"),
        ([1.0, "x", 2, 2.5], "category", "4 values: 1, 2, 2.5, x"),
        (["1", "2", "x", "x"], "category", "3 values: 1, 2, x"),
        ([7, 7, 7, 7], "drop", "left out: 7 in every row"),
        (["a", "a", "a", "a"], "drop", "left out: 'a' in every row"),
        ([7, 7, None, 7], "number", "7 … 7; 1 gap"),
        ([None, "", "?", "NA"], "drop", "left out: empty"),
        (list(range(1, 13)), "drop", "left out: it counts the rows, 1, 2 … 12"),
        (list(range(12)), "drop", "left out: it counts the rows, 0, 1 … 11"),
        (list(range(2, 14)), "number", "2 … 13"),
        ([0, 2, 1, *range(3, 12)], "number", "0 … 11"),
    ],
)
def test_a_column_is_taken_for_what_it_is(cells, kind, what):
    assert decided(cells) == (kind, what)


@pytest.mark.parametrize("gap", [*MISSING, "Nan", "N/a", " NULL "])
def test_each_usual_name_of_a_gap_is_one(gap):
    assert decided([gap, "1", "2", "3"]) == ("number", "1 … 3; 1 gap")


def test_other_names_of_gaps_are_said():
    assert decided(["-999", "1", "2", "3"], missing=["-999"]) == ("number", "1 … 3; 1 gap")
    assert decided(["1", "none", "1", "3"], missing=[""]) == ("category", "3 values: 1, 3, none")


@pytest.mark.parametrize(
    ("cells", "asked", "kind"),
    [
        ([8001.0, 8002.0, 8001.0, 8003.0], "category", "category"),
        (list(range(12)), "number", "number"),
        ([7, 7, 7, 7], "number", "number"),
        ([2.5, 1.0, 4.0, 3.0], "drop", "drop"),
        ([f"n{i}" for i in range(12)], "category", "category"),
        (["2024-01-01", "2024-01-02"] * 2, "category", "category"),
    ],
)
def test_every_decision_can_be_another(cells, asked, kind):
    assert decided(cells, columns={"it": asked})[0] == kind


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["", "2024-01-31", "2024-02-01", "2024-02-03"], r"row 2, column 'it' is '2024-01-31', a date or time"),
        (["31.1.2024", "1.2.2024", "3.2.24", "4.2.24"], r"row 1, column 'it' is '31\.1\.2024', a date"),
        (["1,234", "5", "2,345,678.5", "3"], r"row 1, column 'it': '1,234' has thousands separators; write 1234"),
        (["5", "1 234 567", "2", "3"], "row 2, .* has thousands separators; write 1234567"),
        (["5", "1,5", "2", "3"], r"row 2, column 'it': '1,5' has a decimal comma; write 1\.5"),
        (["$5", "$1.50", "$2", "$1.50"], r"row 1, column 'it': '\$5' has a unit; write 5"),
        (["5 %", "1 %", "2 %", "1.5 %"], r"row 1, column 'it': '5 %' has a unit; write 5"),
        (["cm", "1", "2", "3"], r"row 1, column 'it' is 'cm', all below are numbers: a second header\?"),
        ([*map(str, range(50, 90)), "oops"], r"row 41, column 'it' is 'oops', 40 other cells are numbers"),
        ([f"n{i}" for i in range(12)], r"column 'it' has 12 different words in 12 cells \('n0', 'n1' and 10 more\)"),
        ([f"n{i % 101}" for i in range(1000)], r"column 'it' has 101 different words in 1,000 cells"),
        (["1", "2", "inf", "4"], r"row 3, column 'it' is 'inf', not a finite number"),
    ],
)
def test_what_is_neither_is_refused_with_advice(cells, message):
    with pytest.raises(cn.DataError, match=message) as refused:
        decided(cells)
    assert "\n" not in str(refused.value)


def test_what_is_wrong_with_several_columns_is_said_at_once():
    names, born = [f"n{i}" for i in range(12)], [f"{i + 1}.1.1990" for i in range(12)]
    table = {"name": names, "x": numbered(12), "born": born, "code": names, "y": LABELS[:12]}
    message = (
        r"'name' has 12 .*\. Such columns are also 'born', 'code'; columns=\{'name': 'drop', 'born': 'drop', 'code'"
    )
    with pytest.raises(cn.DataError, match=message):
        cn.table(table, "y")
    kept = cn.table(table, "y", columns={"name": "drop", "born": "drop", "code": "drop"})
    assert kept.coding.names == ["x"]


def test_what_is_asked_for_as_a_number_and_is_none_is_named():
    with pytest.raises(cn.DataError, match="row 2, column 'it' is 'two', not a finite number"):
        decided(["1", "two", "3", "3"], columns={"it": "number"})


@pytest.mark.parametrize(
    ("labels", "what", "classes"),
    [
        (["b", "a", "b", "a"], "2 classes: a 2, b 2", ("a", "b")),
        ([3, 1, 3, 1], "2 classes: 1 2, 3 2", (1, 3)),
        (["10", "9", "9", "10"], "2 classes: 9 2, 10 2", (9, 10)),
        ([True, False, False, True], "2 classes: False 2, True 2", (False, True)),
        ([0.5, 2.0, 2.0, 4.0], "a number, 0.5 … 4", ()),
        (list(range(22)), "a number, 0 … 21", ()),
        (list(range(21)) * 2, "a number, 0 … 20", ()),
        (list(range(20)) * 2, "20 classes: 0 2, 1 2, 2 2, 3 2, 4 2, 5 2, 6 2, 7 2 and 12 more", tuple(range(20))),
    ],
)
def test_a_target_is_classes_or_a_measure(labels, what, classes):
    table = cn.table({"x": numbered(len(labels))}, labels)
    assert (table.target.what, table.coding.classes) == (what, classes)
    assert [type(each) for each in table.coding.classes] == [type(each) for each in classes]


def test_a_target_is_what_is_asked_for():
    assert cn.table({"x": [1.0, 3, 2, 5], "y": [1, 2, 1, 2]}, "y", columns={"y": "number"}).target.kind == "number"
    table = cn.table({"x": [1.0, 3, 2, 5], "y": [0.5, 2.5, 0.5, 2.5]}, "y", columns={"y": "category"})
    assert table.coding.classes == (0.5, 2.5)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "a", "a", "a"], "column 'y' is the target and is 'a' in every row"),
        ([2.0, 2.0, 2.0, 2.0], "column 'y' is the target and is '2' in every row"),
        (["a", None, "b", None], "row 2, column 'y' is the target and is missing, as in 2 rows"),
        (["a", "b", "b", "b"], "row 1, column 'y' is the only one of the class 'a'.*join classes$"),
        ([5, 5, 6, 5], r"row 3, column 'y' is the only one of the class '6'.*columns={'y': 'number'}"),
        (["1,5", "2,5", "1,5", "2,5"], r"row 1, column 'y': '1,5' has a decimal comma; write 1\.5"),
        ([f"n{i}" for i in range(30)], "column 'y' is the target and has 30 different words"),
    ],
)
def test_a_target_that_cannot_be_learnt_is_refused(labels, message):
    with pytest.raises(cn.DataError, match=message):
        cn.table({"x": numbered(len(labels)), "y": labels}, "y")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"y": [1, 2]}, "has one column, 'y'"),
        ({"x": [1], "y": [2]}, "has one row"),
        ({"x": [], "y": []}, "has no row"),
        ({"x": [7, 7], "c": ["a", "a"], "y": [1, 2]}, "no column to learn from: x is left out: 7 in every row"),
    ],
)
def test_a_table_that_is_too_small_is_refused(source, message):
    with pytest.raises(cn.DataError, match=message):
        cn.table(source, "y")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"agee": "drop"}, r"no column 'agee' \(did you mean 'age'\?\)"),
        ({"age": "numbers"}, "'age' can be number, category or drop, not 'numbers'"),
        ({"y": "drop"}, "'y' can be number or category, not 'drop'"),
    ],
)
def test_a_wish_that_cannot_be_is_refused(columns, message):
    with pytest.raises(cn.ConfigError, match=message):
        cn.table({"age": [1.0, 2, 3, 5], "y": LABELS[:4]}, "y", columns=columns)


def test_a_target_that_is_not_there_is_refused():
    with pytest.raises(cn.DataError, match=r"no column 'vote' \(did you mean 'votes'\?\)"):
        cn.table({"age": [1.0, 2], "votes": [0, 1]}, "vote")
    with pytest.raises(cn.ConfigError, match=r"which column shall be predicted\?.*age, votes; say target='votes'"):
        cn.table({"age": [1.0, 2], "votes": [0, 1]})


@pytest.mark.parametrize("cell", ["2024", "1.5", "12", "1-2", "1.2.3.4"])
def test_what_is_no_date(cell):
    assert not is_date(cell)


@pytest.mark.parametrize("cell", ["a,b", "1,2,3", "Bonn, Ulm", "1.5"])
def test_what_has_no_marks_of_a_number(cell):
    assert mark_advice(cell) == ""
