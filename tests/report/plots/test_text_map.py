import pytest
from rich.console import Console
from rich.text import Text

import corenet as cn
from corenet.data import DISK_RADIUS
from corenet.report.plots.decision_surface import DecisionSurface
from corenet.report.plots.style import INK, INSIDE, OUTSIDE
from corenet.report.plots.text_map import decision_map

TRUE_DISK = DecisionSurface(lambda points: ((points - 0.5).norm(dim=1) < DISK_RADIUS).float(), 0.5, 0.0, 1.0)


def test_the_disk_in_shades():
    assert decision_map(TRUE_DISK, width=18, color=None).splitlines() == [
        "┌────────────────┐",
        "│                │",
        "│    ▒▒▒▒▒▒▒▒    │",
        "│  ▒▒████████▒▒  │",
        "│  ▒██████████▒  │",
        "│  ▒██████████▒  │",
        "│  ▒▒████████▒▒  │",
        "│    ▒▒▒▒▒▒▒▒    │",
        "│                │",
        "└────────────────┘",
        " output 0 [ ░▓█] 1, ▒ decision line at 0.5",
    ]


def test_shades_show_how_near_the_threshold_the_output_is():
    rows = decision_map(DecisionSurface(lambda points: 2 * points[:, 0] - 1, 0.0, -1.0, 1.0), width=18, color=None)
    assert rows.splitlines()[1] == "│    ░░░░▒▓▓▓████│"
    assert rows.splitlines()[-1] == " output -1 [ ░▓█] 1, ▒ decision line at 0"


def test_the_upper_half_of_the_square_is_above():
    rows = decision_map(DecisionSurface(lambda points: points[:, 1], 0.5, 0.0, 1.0), width=18, color=None).splitlines()
    assert rows[1] == "│████████████████│"
    assert rows[4] == "│▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│"
    assert rows[8] == "│                │"


def cells(line):
    """Return the colours of the upper and the lower cell of each character between the two sides of the frame."""
    text = Text.from_ansi(line)
    styles = [text.get_style_at_offset(Console(), offset) for offset in range(1, len(text) - 1)]
    return [(style.color.get_truecolor().hex, style.bgcolor.get_truecolor().hex) for style in styles]


def test_the_disk_in_colour_has_two_cells_a_character():
    lines = decision_map(TRUE_DISK, width=18, color="truecolor").splitlines()
    assert [len(Text.from_ansi(line)) for line in lines[:-1]] == [18] * 10
    assert set(Text.from_ansi(lines[1]).plain[1:-1]) == {"▀"}
    assert cells(lines[1])[0] == (OUTSIDE, OUTSIDE)
    assert cells(lines[4])[8] == (INSIDE, INSIDE)
    assert cells(lines[2])[8] == (INK, INSIDE)  # the decision line lies in the upper of the two cells
    assert cells(lines[7])[8] == (INSIDE, INK)  # and below, in the lower one


def test_256_colours_are_the_nearest_ones():
    line = decision_map(TRUE_DISK, width=18, color="256").splitlines()[4]
    assert "\x1b[38;5;166;48;5;166m▀" in line
    assert ";2;" not in line


@pytest.mark.parametrize("color", ["standard", "windows", None])
def test_terminals_with_few_colours_get_shades(color):
    assert decision_map(TRUE_DISK, color=color) == decision_map(TRUE_DISK, color=None)


def test_the_terminal_is_asked_what_it_shows(monkeypatch):
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    shades, colours = decision_map(TRUE_DISK, color=None), decision_map(TRUE_DISK, color="truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    assert decision_map(TRUE_DISK) == shades  # standard output is no terminal here
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert decision_map(TRUE_DISK) == colours
    monkeypatch.setenv("NO_COLOR", "1")
    assert decision_map(TRUE_DISK) == shades


@pytest.mark.parametrize("width", [16, 17, 42, 79])
@pytest.mark.parametrize("color", [None, "truecolor"])
def test_the_map_has_the_width_asked_for_and_half_as_many_lines(width, color):
    *drawing, _ = decision_map(TRUE_DISK, width, color).splitlines()
    assert {len(Text.from_ansi(line)) for line in drawing} == {width}
    assert len(drawing) == (width - 2) // 2 + 2


def test_a_model_of_one_class_has_no_decision_line():
    rows = decision_map(DecisionSurface(lambda points: points[:, 0] * 0 + 1, 0.5, 0.0, 1.0), width=18, color=None)
    assert rows.splitlines()[1:-2] == ["│████████████████│"] * 8


def test_too_small_a_width_is_refused():
    with pytest.raises(cn.ConfigError, match="width of at least 16, not 15"):
        decision_map(TRUE_DISK, width=15)


def test_the_legend_shows_the_decision_line_between_its_classes():
    """Ink by itself is lost on a dark terminal, white on a light one."""
    legend = decision_map(TRUE_DISK, width=18, color="truecolor").splitlines()[-1]
    text = Text.from_ansi(legend)
    assert text.plain == f" output 0 {'▀' * 9} 1, ▀▀▀ decision line at 0.5"
    styles = [text.get_style_at_offset(Console(), offset) for offset, each in enumerate(text.plain) if each == "▀"]
    colours = [(style.color.get_truecolor().hex, style.bgcolor.get_truecolor().hex) for style in styles]
    assert [upper for upper, lower in colours if upper == lower] == [upper for upper, _ in colours]
    scale, line = colours[:9], colours[9:]
    assert (scale[0][0], scale[-1][0]) == (OUTSIDE, INSIDE)
    assert [upper for upper, _ in line] == [OUTSIDE, INK, INSIDE]
