"""What metadata tells of a distribution, however it is left behind."""

import time
from importlib.metadata import entry_points

import pytest

from corenet.registry.distributions import plugin_distributions

GROUPS = {"corenet.modules": "swish = x:Swish"}


def found(name):
    return [each for each in plugin_distributions() if each.name == name]


def test_everything_is_read_from_metadata(install):
    metadata = (
        "Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\nSummary: What\x1b it is\nAuthor: Ann\n"
        "Requires-Dist: corenet>=0.1\nRequires-Dist: torch\n\nVersion: of the description\n"
    )
    install("Corenet_X", GROUPS | {"corenet": "x = x_hooks", "console_scripts": "x = x:main"}, metadata)
    (each,) = found("corenet-x")
    assert (each.version, each.author, each.summary) == ("1.2", "Ann", "What it is")
    assert each.requires == ("corenet>=0.1", "torch")
    assert [point.name for point in each.entry_points] == ["swish", "x"]
    assert [point.name for point in each.group("corenet.modules")] == ["swish"]
    assert each.group("corenet.losses") == []
    assert each.fault is None


def test_an_egg_info_tells_its_requirements_too(site):
    info = site / "corenet_x.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: corenet-x\nVersion: 1.2\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[corenet.modules]\nx = x:X\n", encoding="utf-8")
    (info / "requires.txt").write_text("corenet>=99\n", encoding="utf-8")
    assert [each.requires for each in found("corenet-x")] == [("corenet>=99",)]


def test_a_distribution_without_anything_for_corenet_is_passed_over(install):
    install("corenet-x", {"console_scripts": "x = x:main", "corenetish": "x = x"})
    assert found("corenet-x") == []


@pytest.mark.parametrize("line", ["nonsense", "[corenet.modules"])
def test_entry_points_that_cannot_be_parsed_are_told(install, line):
    info = install("corenet-x", GROUPS)
    (info / "entry_points.txt").write_text(f"[corenet.modules]\n{line}\n", encoding="utf-8")
    with pytest.raises(TypeError):  # Python's own reader of all: one file costs everybody
        entry_points()
    (each,) = found("corenet-x")
    assert (each.version, str(each.fault)) == ("1.2", f"its entry_points.txt in {info} cannot be read; reinstall it")


def test_those_of_another_project_are_passed_over(install):
    info = install("other", GROUPS)
    (info / "entry_points.txt").write_text("[pytest11]\nnonsense\n", encoding="utf-8")
    assert found("other") == []


def test_several_without_a_name_are_each_told_by_their_folder(install):
    for name in ("corenet-x", "corenet-y"):
        info = install(name, {"corenet.modules": "one = x:X"}, None)
        (each,) = found(name)
        assert (each.version, str(each.fault)) == ("1.2", f"its METADATA in {info} cannot be read; reinstall it")


@pytest.mark.parametrize("summary", ["x" * 5_000_000, "\x07" * 5_000_000, "ab " * 1_700_000], ids="xcw")
def test_a_summary_of_megabytes_costs_no_time(install, summary):
    install("corenet-x", GROUPS, f"Metadata-Version: 2.1\nName: {{name}}\nVersion: 1.2\nSummary: {summary}\n")
    before = time.perf_counter()
    (each,) = found("corenet-x")
    assert time.perf_counter() - before < 2  # it takes 0.1 s; looking at each character took three
    assert len(each.summary) <= 200
