"""Faults of an installation, read from its metadata."""

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
            "the groups are corenet, corenet.modules, corenet.losses, corenet.optimizers, corenet.commands",
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
