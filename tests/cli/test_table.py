"""Rows in columns."""

import sys

from corenet.cli.table import table


def test_columns_are_as_wide_as_their_widest_cell_and_nothing_trails():
    assert table(["A", "BB", "C"], [["long", "x", ""], ["s", "wide", "end"]]) == [
        "A     BB    C",
        "long  x",
        "s     wide  end",
    ]


def test_a_table_without_rows_is_its_heading():
    assert table(["NAME", "KIND"], []) == ["NAME  KIND"]


def test_a_line_is_cut_on_a_terminal_only(monkeypatch):
    monkeypatch.setenv("COLUMNS", "8")
    assert table(["A", "B"], [["x", "y" * 20]])[1] == "x  " + "y" * 20
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert table(["A", "B"], [["x", "y" * 20], ["x", "y" * 5]])[1:] == ["x  yyyy…", "x  yyyyy"]
