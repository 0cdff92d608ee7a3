"""What was decided, as text and in notebooks."""

import re

import numpy as np

import corenet as cn

TABLE = {"age": [31, None, 22, 19], "<b>": ["x & y", "z", "z", "z"], "one": [1] * 4, "y": ["a", "b", "a", "b"]}

TEXT = """\
the table: 4 rows, 4 inputs → 2 outputs
COLUMN  AS        WHAT
age     number    19 … 31; 1 gap
<b>     category  2 values: x & y, z
one     —         left out: 1 in every row
y       target    2 classes: a 2, b 2"""


def test_each_column_is_a_line():
    assert repr(cn.table(TABLE, "y")) == TEXT


def test_a_notebook_shows_the_same_words_escaped():
    html = cn.table(TABLE, "y")._repr_html_()
    assert "<b>" not in html
    cells = re.findall("<td[^>]*>(.*?)</td>", html)
    assert cells[3:6] == ["&lt;b&gt;", "category", "2 values: x &amp; y, z"]
    assert len(cells) == 3 * 4


def test_a_guess_is_told_below(write):
    path = write("stadt;y\nKöln;1\nKöln;2\nUlm;1\nUlm;2\n", encoding="cp1252")
    table = cn.table(path, "y")
    assert repr(table).splitlines()[-1].startswith("read as Windows-1252")
    assert "<p>read as Windows-1252" in table._repr_html_()


def test_very_many_columns_are_read_and_not_all_shown():
    numbers = np.random.default_rng(0).normal(size=(12, 10_000))
    table = cn.table(numbers, ["a", "b", "c"] * 4)
    assert table.coding.in_features == 10_000
    lines = repr(table).splitlines()
    assert (len(lines), lines[-1]) == (44, "… and 9,960 more columns")
    expected = (numbers - numbers.mean(0)) / numbers.std(0)
    np.testing.assert_allclose(table.dataset().inputs, expected, rtol=1e-4, atol=1e-6)
