"""Text files: delimiter, encoding, quotes, header, and rows that are no rows."""

import csv
import random
from io import StringIO
from pathlib import Path

import pytest

import corenet as cn
from corenet.tables import delimited
from corenet.tables.delimited import text_file


def cells(path, **options):
    return [row for frame in text_file(Path(path), **options).frames() for row in frame.rows()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_where_others_stand_in_the_cells(write, delimiter):
    other = ";" if delimiter != ";" else ","
    text = f"a{delimiter}b\nx{other}y{delimiter}1\nz{delimiter}2\n"
    assert cells(write(text)) == [(f"x{other}y", "1"), ("z", "2")]


def test_a_delimiter_of_ones_own(write):
    assert cells(write("a:b\n1:2\n3:4\n"), delimiter=":") == [("1", "2"), ("3", "4")]


def random_rows(seed):
    """Return rows of three cells with quotes, delimiters, line ends and letters beyond ASCII in them."""
    draw = random.Random(seed)
    return [["".join(draw.choices('ab",\n ü', k=draw.randint(1, 6))) + "x" for _ in range(3)] for _ in range(40)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("size", [50, 2**20])
def test_quotes_line_ends_and_encodings_come_back_as_they_were_written(write, monkeypatch, encoding, size):
    monkeypatch.setattr(delimited, "BLOCK", size)
    monkeypatch.setattr(delimited._blocks, "__defaults__", (size,))
    text, rows = StringIO(), random_rows(size)
    csv.writer(text).writerows([["one", "two\nlines", "thrée"], *rows])
    path = write(text.getvalue(), encoding=encoding)
    assert text_file(Path(path)).names == ["one", "two\nlines", "thrée"]
    assert cells(path) == [tuple(row) for row in rows]


def test_windows_1252_is_a_guess_that_is_told_and_can_be_set(write):
    path = write("stadt;y\nKöln;1\n", encoding="cp1252")
    file = text_file(Path(path))
    assert file.notes == ("read as Windows-1252, since it is not UTF-8; encoding= says which it is",)
    assert cells(path, encoding="iso8859-5") == [("Köln".encode("cp1252").decode("iso8859-5"), "1")]
    assert text_file(Path(path), encoding="latin-1").notes == ()


def test_blank_lines_and_rows_without_a_cell_are_none(write):
    assert cells(write("\n\na,b\n1,2\n\n3,4\n,\n\n")) == [("1", "2"), ("3", "4")]


def test_line_ends_of_windows(write):
    assert cells(write("a,b\r\n1,2\r\n\r\n3,\r\n")) == [("1", "2"), ("3", None)]


def test_a_file_whose_last_line_does_not_end(write):
    assert cells(write("a,b\n1,2\n3,4")) == [("1", "2"), ("3", "4")]


def test_a_column_without_a_name_is_called_by_its_place(write):
    assert text_file(Path(write(",a,\n0,1,2\n"))).names == ["column 1", "a", "column 3"]


def test_names_for_a_file_that_has_none(write):
    path = write("5.1,setosa\n4.9,other\n")
    assert cells(path, header=["length", "species"]) == [("5.1", "setosa"), ("4.9", "other")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"t\.csv is empty"),
        ("\n \n", r"t\.csv is empty"),
        (b"PK\x03\x04\x00\x00", r"t\.csv is binary"),
        (
            "5.1,3.5,setosa\n4.9,3.0,setosa\n",
            r"no header: its first row is 5\.1, 3\.5, setosa; .* its 3 columns by hea",
        ),
        ("0,0,a\n1,2,b\n", "no header"),
        ("a,b,a\n1,2,3\n", "two columns 'a'"),
        ("a,b\n1,2\n3,4,5\n", "row 2 has 3 cells, the header 2"),
        ("My table\n\na,b\n1,2\n", "row 1 has 2 cells, the header 1; is 'My table' the header"),
        ('a,b\n1,5" pipe\n2,4" pipe\n', "row 1 or near it has a quote that none closes"),
        ("a,b\r1,2\r3,4\r", "ends its lines as old Macs did"),
        ("a,b,c\n1,2,3\n1,2,\n7,8\n", "row 3 has 2 cells, the header 3"),
    ],
)
def test_what_is_no_table_is_refused(write, content, message):
    with pytest.raises(cn.DataError, match=message):
        cells(write(content))


def test_the_row_of_a_wrong_line_is_counted_over_blocks(write, monkeypatch):
    monkeypatch.setattr(delimited._blocks, "__defaults__", (64,))
    with pytest.raises(cn.DataError, match=r"row 301 has 3 cells"):
        cells(write("a,b\n" + "10,20\n" * 300 + "1,2,3\n"))


def test_years_are_names(write):
    assert text_file(Path(write("land,2019,2020\nA,1.5,2.5\n"))).names == ["land", "2019", "2020"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimiter": "::"}, "one ASCII character, not '::'"),
        ({"encoding": "utf-9"}, "'utf-9' is not known"),
        ({"header": ["a"]}, "1 different names, .* has 2 columns"),
        ({"header": ["a", "a"]}, "1 different names"),
    ],
)
def test_an_option_that_cannot_be_is_refused(write, options, message):
    with pytest.raises(cn.ConfigError, match=message):
        cells(write("a,b\n1,2\n"), **options)


def test_a_wrong_encoding_is_refused(write):
    with pytest.raises(cn.DataError, match="not in the encoding ascii"):
        cells(write("a,b\nKöln,2\n"), encoding="ascii")
