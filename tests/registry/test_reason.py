"""Why something cannot be used, as data."""

from corenet.registry.reason import Reason


def test_it_reads_as_text_and_fix():
    assert str(Reason("ambiguous", "also in corenet-b", "use corenet-a:x")) == "also in corenet-b; use corenet-a:x"
    assert str(Reason("raised", "OSError: no")) == "OSError: no"


def test_what_a_plugin_wrote_in_it_is_sanitized_each_part_alone():
    found = Reason("missing_module", "\x1b[31mred\n" + "x" * 300, "pip install\u202e y", "y\x07")
    assert found.text == "[31mred " + "x" * 191 + "…"
    assert (found.fix, found.subject) == ("pip install y", "y")


def test_it_is_a_value():
    assert len({Reason("raised", "a"), Reason("raised", "a"), Reason("raised", "b")}) == 2
