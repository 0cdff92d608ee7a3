"""JSON that could be read in two ways is not read."""

import pytest

from corenet.checkpoint.strict_json import DEEPEST, parse


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('{"a":{"b":1,"b":1}}', "'b' is there twice"),
        ("[NaN]", "NaN is no number"),
        ("[-Infinity]", "-Infinity is no number"),
        ("[1e400]", "1e400 is too large"),
        ("[-1e400]", "-1e400 is too large"),
        ("[" * 101 + "]" * 101, "nested deeper than 100"),
        ("[" * 200_000, "nested deeper than 100"),
        ('{"a":' * 101 + "1" + "}" * 101, "nested deeper than 100"),
        ("1" * 5000, "digits"),
        ("{'a':1}", "Expecting"),
        ("", "Expecting"),
        ("1 2", "Extra data"),
        (b"\xff", "decode"),
    ],
)
def test_it_is_refused(text, match):
    with pytest.raises(ValueError, match=match):
        parse(text)


def test_what_is_plainly_meant_is_read():
    nested = "[" * DEEPEST + "]" * DEEPEST
    assert str(parse(nested)) == nested
    assert parse('{"a": [0.1, -3, true, null, "σ\\n"]}') == {"a": [0.1, -3, True, None, "σ\n"]}
