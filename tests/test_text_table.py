"""Rows in columns."""

import sys

import pytest
from rich.cells import cell_len

from corenet.text_table import text_table


def test_columns_are_as_wide_as_their_widest_cell_and_nothing_trails():
    assert text_table(["A", "BB", "C"], [["long", "x", ""], ["s", "wide", "end"]]) == [
        "A     BB    C",
        "long  x",
        "s     wide  end",
    ]


def test_a_table_without_rows_is_its_heading():
    assert text_table(["NAME", "KIND"], []) == ["NAME  KIND"]


def test_a_line_is_cut_on_a_terminal_only(monkeypatch):
    monkeypatch.setenv("COLUMNS", "8")
    assert text_table(["A", "B"], [["x", "y" * 20]])[1] == "x  " + "y" * 20
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert text_table(["A", "B"], [["x", "y" * 20], ["x", "y" * 5]])[1:] == ["x  yyyy…", "x  yyyyy"]


@pytest.mark.parametrize("name", ["層", "일차", "e\u0301", "ｗｉｄｅ", "Wᵀ σ ∂"])
def test_columns_are_aligned_where_names_are_wide_or_combined(name):
    lines = text_table(["NAME", "KIND"], [[name, "|"], ["relu", "|"]])
    assert {cell_len(line.partition("|")[0]) for line in lines[1:]} == {max(cell_len(name), 4) + 2}


def test_numbers_stand_to_the_right_and_colours_take_no_room():
    rows = [["\x1b[31mno\x1b[0m", "9", ""], ["yes", "12.5", "!"]]
    assert text_table(["OK", "MS", ""], rows, right={1}) == [
        "OK     MS",
        "\x1b[31mno\x1b[0m      9",
        "yes  12.5  !",
    ]


def test_one_column_wraps_between_words_and_keeps_the_others_beside_its_first_line():
    rows = [["a tensor of figures", "1"], ["x", "2"]]
    assert text_table(["WHAT", "N"], rows, wrapped=0, width=14) == [
        "WHAT         N",
        "a tensor of  1",
        "figures",
        "x            2",
    ]


def test_what_wraps_is_never_narrower_than_its_longest_word():
    lines = text_table(["WHAT", "N"], [["one_long_word and", "1"]], wrapped=0, width=5)
    assert lines[1:] == ["one_long_word  1", "and"]


def test_a_table_that_fits_does_not_wrap():
    assert text_table(["WHAT", "N"], [["a b", "1"]], wrapped=0, width=7) == ["WHAT  N", "a b   1"]


def test_the_last_column_wraps_between_words():
    rows = [["linear", "the built-in keeps the name; use corenet-x:linear"], ["relu", "y = max(x, 0)"]]
    assert text_table(["NAME", "REASON"], rows, width=32) == [
        "NAME    REASON",
        "linear  the built-in keeps the",
        "        name; use",
        "        corenet-x:linear",
        "relu    y = max(x, 0)",
    ]


def test_it_goes_below_its_row_where_too_little_room_is_left():
    rows = [["linear", "the built-in keeps the name"], ["relu", "y"]]
    assert text_table(["NAME", "REASON"], rows, width=20) == [
        "NAME    REASON",
        "linear",
        "    the built-in",
        "    keeps the name",
        "relu    y",
    ]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_word_is_broken_in_a_listing(width):
    reason = (
        "it needs corenet>=99 and this is corenet 0.1.0; pip install 'corenet>=99', or another version of the plugin"
    )
    rows = [["swish", "module", "corenet-swish", "1.2", "incompatible", reason]]
    lines = text_table(["NAME", "KIND", "PLUGIN", "VERSION", "STATUS", "SUMMARY"], rows, width=width)
    assert max(map(len, lines)) <= width
    assert [word for line in lines[1:] for word in line.split()] == [*rows[0][:-1], *reason.split()]


def test_a_cell_that_wraps_keeps_its_indentation():
    assert text_table(["", "N"], [["  a b", "1"]], wrapped=0, width=5)[1:] == ["  a  1", "  b"]
