"""What the one pass over a table finds, where a table in memory would find the same, and what it refuses."""

import random

import pytest

import corenet as cn


def text(cells, labels=("ja", "nein")):
    """Return a table of text: a column of these cells, a number, and labels in turn."""
    rows = [f"{cell},{number * number % 7},{labels[number % 2]}" for number, cell in enumerate(cells)]
    return "it,b,y\n" + "\n".join(rows) + "\n"


def both(path, target="y", **options):
    """Return what both kinds of table say: the columns, or the error."""
    found = []
    for read in (cn.table, cn.stream_table):
        try:
            table = read(path, target, **options)
        except cn.CorenetError as error:
            found.append(str(error))
        else:
            found.append([(each.name, each.kind, each.what) for each in (*table.columns, table.target)])
    return found


NUMBERS = [str(number * 7919 % 1009 / 8) for number in range(1001)]


@pytest.mark.parametrize(
    "cells",
    [
        NUMBERS,
        [*NUMBERS, ""],
        ["", *NUMBERS],
        [*("" for _ in range(900)), "1.5", "2.5", "-3"],
        [*("" for _ in range(900)), "Ulm", "Bonn"],
        ["" for _ in range(900)],
        [*("NaN" for _ in range(500)), *NUMBERS, "n/a"],
        [f" {each} " for each in NUMBERS],
        [*("01" for _ in range(800)), *("1" for _ in range(100)), "x"],
        ["7"] * 901,
        ["True", "false", "TRUE"] * 301,
        [str(number) for number in range(903)],
        [str(number) for number in (*range(902), 7)],
        [*NUMBERS, "x"],
        ["x", *NUMBERS],
        [*NUMBERS, "1,5".replace(",", "'")],
        [*NUMBERS, "inf"],
        ["2020-01-02", "1999-12-31"] * 451,
        ["12.5 %", "3 %"] * 451,
    ],
    ids=range(19),
)
def test_it_finds_what_a_table_in_memory_finds(write, cells):
    memory, streamed = both(write(text(cells)))
    assert streamed == memory


@pytest.mark.parametrize("labels", [("ja", "nein"), ("1", "0"), ("1.0", "2"), ("true", "FALSE"), ("a", "")])
def test_targets_are_those_of_a_table_in_memory(write, labels):
    memory, streamed = both(write(text(NUMBERS, labels)))
    assert streamed == memory


def test_a_class_of_one_row_is_named_with_its_row(write):
    place = random.Random(0).randint(300, 900)
    content = text(NUMBERS).splitlines()
    content[place] = "1,2,einmal"
    memory, streamed = both(write("\n".join(content)))
    assert streamed == memory
    assert f"row {place}, column 'y' is the only one of the class 'einmal'" in streamed


def test_kinds_that_are_asked_for_are_taken(write):
    path = write(text([f"{number % 5:03}" for number in range(999)]))
    memory, streamed = both(path, columns={"it": "category", "b": "drop"})
    assert streamed == memory
    assert "5 values: 000, 001, 002, 003, 004" in str(streamed)


def test_other_gaps_delimiters_encodings_and_a_header_of_ones_own(write):
    rows = [
        f"{number * 31 % 97 if number % 9 else -999};{'Köln' if number % 3 else 'Ulm'};{number % 2}"
        for number in range(999)
    ]
    path = write("\n".join(rows), encoding="cp1252")
    options = {"missing": ["-999"], "delimiter": ";", "header": ["x", "city", "y"]}
    memory, streamed = both(path, **options, encoding="cp1252")
    assert streamed == memory
    assert "2 values: Köln, Ulm" in str(streamed)
    assert both(path, **options) == [memory, streamed]


def test_bytes_in_another_encoding_far_down_are_told(write, monkeypatch):
    monkeypatch.setattr("corenet.tables.streaming.chunks.HEAD", 100)
    content = text(["Ulm"] * 9000 + ["K\xf6ln"] * 9000).encode("cp1252")
    monkeypatch.setattr("corenet.tables.encodings.PIECE", 100)
    with pytest.raises(cn.DataError, match="not in the encoding utf-8; say which by encoding="):
        cn.stream_table(write(content), "y")
    assert len(cn.stream_table(write(content), "y", encoding="cp1252")) == 18000


def test_more_words_than_are_counted_are_no_categories(write, monkeypatch):
    monkeypatch.setattr("corenet.tables.streaming.seen.WORDS", 300)
    path = write(text([f"name {number}" for number in range(999)]))
    with pytest.raises(cn.DataError, match="'it' has more than 300 different words in 999 cells"):
        cn.stream_table(path, "y")
    with pytest.raises(cn.DataError, match="more than 300 different words, too many for categories"):
        cn.stream_table(path, "y", columns={"it": "category"})


def test_rows_that_lack_cells_are_named(write):
    content = text(NUMBERS).splitlines()
    content[700] = "1,2"
    with pytest.raises(cn.DataError, match=r"t\.csv, row 700 has 2 cells, the header 3"):
        cn.stream_table(write("\n".join(content)), "y")


def test_line_ends_and_delimiters_between_quotes_are_text(write):
    cells = ['"a, ""b""\nc"' if number % 3 else "d" for number in range(999)]
    path = write(text(cells))
    memory, streamed = both(path)
    assert streamed == memory
    assert sum(len(each.rows) for each in cn.stream_table(path, "y").train.blocks(8, 0)) == len(
        cn.stream_table(path, "y").train
    )


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "is empty"),
        ("a,y\n", "has a header and no row below it"),
        ("y\n1\n2\n", "has one column"),
        (b"\0\1\2", "is binary"),
        ("a,y\n1,x\n".encode("utf-16"), "utf-16, which is not read block by block; save it as UTF-8"),
    ],
    ids=["empty", "header", "column", "binary", "utf-16"],
)
def test_what_is_no_table_is_refused(write, content, match):
    with pytest.raises(cn.DataError, match=match):
        cn.stream_table(write(content), "y")


def test_a_target_must_be_said_and_be_there(write):
    path = write(text(NUMBERS))
    with pytest.raises(cn.ConfigError, match="which column shall be predicted"):
        cn.stream_table(path)
    with pytest.raises(cn.DataError, match=r"has no column 'z'; it has it, b, y"):
        cn.stream_table(path, "z")
    with pytest.raises(cn.ConfigError, match=r"valid=0\.5 and test=0\.5 leave nothing"):
        cn.stream_table(path, "y", valid=0.5, test=0.5)
    with pytest.raises(cn.ConfigError, match=r"valid=0\.001 of 7 rows is no part"):
        cn.stream_table(write(text(["1", "2", "3", "4", "5", "6.5", "7"])), "y", valid=0.001)
