"""Faults of an installation, read from its metadata."""

import json
import sys

import pytest

from corenet.registry.doctor.metadata_faults import metadata_faults


def test_what_is_installed_well_has_no_fault(install):
    install("corenet-x", {"corenet.modules": "x = x:X", "console_scripts": "x = x:main"})
    install("other", {"other.modules": "x = x:X"})
    found = metadata_faults()
    assert (found["corenet-x"], found["corenet"]) == ([], [])
    assert "other" not in found


@pytest.mark.parametrize(
    ("group", "fix"),
    [
        ("corenet.module", "call the group 'corenet.modules', and reinstall"),
        ("corenet.Losses", "call the group 'corenet.losses', and reinstall"),
        (
            "corenet.xyz",
            "the groups are corenet, corenet.modules, corenet.losses, corenet.optimizers, corenet.schedules, "
            "corenet.metrics, corenet.callbacks, corenet.initializers, corenet.commands, corenet.checkers",
        ),
    ],
)
def test_an_unknown_group_is_told_with_the_one_meant(install, group, fix):
    install("corenet-x", {group: "x = x:X"})
    (found,) = metadata_faults()["corenet-x"]
    assert (found.problem, found.fix) == ("group", fix)
    assert found.what == f"x is in the group {group!r}, which nobody reads"


def test_a_second_copy_is_stale(install, site, tmp_path, monkeypatch):
    install("corenet-x", {"corenet.modules": "x = x:X"})
    install("Corenet.X", {"corenet.modules": "x = x:X"}, folder=tmp_path / "older")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "older")])
    (found,) = metadata_faults()["corenet-x"]
    assert found.problem == "stale"
    assert found.what == f"installed 2 times, the first counts: 1.2 in {site}, 1.2 in {tmp_path / 'older'}"
    assert found.fix == "pip uninstall corenet-x until there is none, then install it again"


def test_a_copy_that_offers_nothing_is_stale_all_the_same(install, tmp_path, monkeypatch):
    install("corenet-x", {"corenet.modules": "x = x:X"}, folder=tmp_path / "later")
    install("corenet-x", {"console_scripts": "x = x:main"})
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "later")])
    assert [each.problem for each in metadata_faults()["corenet-x"]] == ["stale"]


def test_a_folder_twice_on_the_path_is_no_second_copy(install, site, tmp_path, monkeypatch):
    install("corenet-x", {"corenet.modules": "x = x:X"})
    monkeypatch.chdir(site)
    monkeypatch.setattr(sys, "path", [*sys.path, "", str(site), str(site / "..") + "/site"])
    assert metadata_faults()["corenet-x"] == []


def test_damaged_metadata_costs_nobody_else_anything(install, site):
    install("corenet-x", {"corenet.module": "x = x:X"})
    install("corenet-y", {"corenet.modules": "x = x:X"}, metadata=None)
    broken = install("corenet-z", {"corenet.modules": "x = x:X"})
    (broken / "entry_points.txt").write_bytes(b"[corenet\n\xff\xfe")
    assert len(metadata_faults()["corenet-x"]) == 1


def editable(site, project, url=None):
    """Leave what ``pip install -e`` of a setuptools project does: dist-info in site, egg-info beside the sources."""
    egg = project / "src" / "corenet_x.egg-info"
    egg.mkdir(parents=True)
    (egg / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: corenet-x\nVersion: 1.2\n", encoding="utf-8")
    (egg / "entry_points.txt").write_text("[corenet.modules]\nx = x:X\n", encoding="utf-8")
    direct_url = {"url": url or project.as_uri(), "dir_info": {"editable": True}}
    (site / "corenet_x-1.2.dist-info" / "direct_url.json").write_text(json.dumps(direct_url), encoding="utf-8")
    return project / "src"


@pytest.mark.parametrize("first", ["site", "sources"])
def test_an_editable_install_is_not_stale(install, site, tmp_path, monkeypatch, first):
    install("corenet-x", {"corenet.modules": "x = x:X"})
    sources = str(editable(site, tmp_path / "a project"))
    monkeypatch.setattr(sys, "path", [*sys.path, sources] if first == "site" else [sources, *sys.path])
    assert metadata_faults()["corenet-x"] == []


def test_an_editable_install_with_another_copy_is_stale(install, site, tmp_path, monkeypatch):
    install("corenet-x", {"corenet.modules": "x = x:X"})
    install("corenet-x", {"corenet.modules": "x = x:X"}, folder=tmp_path / "older")
    monkeypatch.setattr(sys, "path", [*sys.path, str(editable(site, tmp_path / "project")), str(tmp_path / "older")])
    (found,) = metadata_faults()["corenet-x"]
    assert found.what.startswith("installed 2 times")


def test_the_sources_of_another_project_are_a_second_copy(install, site, tmp_path, monkeypatch):
    install("corenet-x", {"corenet.modules": "x = x:X"})
    sources = editable(site, tmp_path / "project", url=(tmp_path / "elsewhere").as_uri())
    monkeypatch.setattr(sys, "path", [*sys.path, str(sources)])
    assert [each.problem for each in metadata_faults()["corenet-x"]] == ["stale"]


def test_a_damaged_direct_url_costs_nothing(install):
    info = install("corenet-x", {"corenet.modules": "x = x:X"})
    (info / "direct_url.json").write_text("{", encoding="utf-8")
    assert metadata_faults()["corenet-x"] == []
