"""Text of strangers cannot steer a terminal."""

import pytest

from corenet.registry.sanitize import LONGEST, READ, canonical, plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y = x · σ(x), ẋ ≤ 1, 日本語, 🙂", "y = x · σ(x), ẋ ≤ 1, 日本語, 🙂"),
        ("\x1b[2J\x1b]0;title\x07", "[2J]0;title"),
        ("\x00\x08\x7f\x9bm", "m"),
        ("\u202eevil\u202c \u2066x\u2069 \u200f", "evil x"),
        ("lone \ud800 surrogate", "lone surrogate"),
        (" two\r\n lines\tand\u2028more\u0085 ", "two lines and more"),
        ("", ""),
    ],
)
def test_control_and_bidi_characters_go(text, expected):
    assert plain(text) == expected


def test_it_is_cut_to_200_characters():
    assert plain("x" * LONGEST) == "x" * 200
    assert plain("x" * (LONGEST + 1)) == "x" * 199 + "…"


def test_what_is_left_out_does_not_count():
    assert plain("\x07" * 300 + "x" * 200) == "x" * 200


@pytest.mark.parametrize("text", ["\x1b[31m" * 100, " a \u202e b", "x" * 500])
def test_plain_text_stays(text):
    assert plain(plain(text)) == plain(text)


def test_megabytes_are_cut_before_they_are_read():
    assert plain("x" * 5_000_000) == "x" * 199 + "…"
    assert plain(" " * 5_000_000 + "x") == "…"
    assert plain(Endless()) == "x" * 199 + "…"


class Endless(str):
    """A text that cannot be walked, only cut."""

    __slots__ = ()

    def __len__(self):
        return 5_000_000

    def __getitem__(self, index):
        assert index == slice(None, READ, None)
        return "x" * index.stop

    def __iter__(self):
        raise AssertionError


@pytest.mark.parametrize("name", ["corenet-swish", "Corenet_Swish", "corenet.swish", "CORENET-_.swish"])
def test_a_distribution_has_one_spelling(name):
    assert canonical(name) == "corenet-swish"
