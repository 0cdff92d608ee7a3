"""Cells of a terminal: measured, cut, wrapped."""

import sys
from unicodedata import category, name

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from corenet.text_width import cut, display_width, pad, terminal_width, wrap

TEXT = st.text("ab é層線σ∂\u0301ｗ가…", max_size=30)


@pytest.mark.parametrize(
    "script", ["LATIN", "GREEK", "CYRILLIC", "CJK UNIFIED", "HIRAGANA", "KATAKANA", "HANGUL SYLLABLE", "COMBINING"]
)
def test_it_measures_as_rich_does(script):
    characters = [chr(code) for code in range(0x20, 0x30000) if name(chr(code), "").startswith(script)]
    known = [each for each in characters if category(each) != "Mc"]  # terminals do not agree on these
    assert len(known) > 50
    assert [each for each in known if display_width(each) != cell_len(each)] == []


@given(TEXT, st.integers(1, 20))
def test_what_is_cut_fits_and_says_so(text, width):
    short = cut(text, width)
    assert cell_len(short) <= width
    assert short == text if cell_len(text) <= width else short.endswith("…")


def test_a_colour_is_ended_though_its_text_is_cut():
    assert cut("\x1b[31mwrong\x1b[0m", 3) == "\x1b[31mwr\x1b[0m…"


@given(TEXT, st.integers(8, 40))
def test_wrapped_lines_fit_and_lose_no_word(text, width):
    lines = wrap(text, width, first="> ", rest="  ")
    assert " ".join(line[2:] for line in lines).split() == text.split()
    assert all(cell_len(line) <= width or len(line[2:].split()) == 1 for line in lines)


def test_a_word_longer_than_a_line_stays_whole():
    assert wrap("see /a/path/that/is/long now", 10) == ["see", "/a/path/that/is/long", "now"]


def test_no_text_is_no_line():
    assert wrap(" ", 10, first="- ") == []


def test_padding_counts_cells():
    assert pad("層", 3) + "|" == "層 |"
    assert pad("wider than that", 3) == "wider than that"


def test_a_terminal_has_a_width_and_a_file_none(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert terminal_width() == sys.maxsize
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert (terminal_width(), terminal_width(sys.stderr)) == (sys.maxsize, 60)
