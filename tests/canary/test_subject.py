"""What a canary is told to try, and the oldest core that a plugin names."""

import re

import pytest

import corenet as cn
from corenet.canary.subject import Subject, oldest, subject_of


def test_a_folder_is_called_what_its_project_says(plugin_folder):
    folder = plugin_folder("corenet-a", "")
    assert subject_of(str(folder)) == Subject("corenet-a", str(folder))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("corenet-x", "corenet-x"),
        ("Corenet_X>=1.2,<2", "corenet-x"),
        ("corenet-x[test]==1", "corenet-x"),
        ("corenet.x @ file:x.whl", "corenet-x"),
    ],
)
def test_a_requirement_is_for_pip_under_the_name_in_it(text, name):
    assert subject_of(text) == Subject(name, text)


def test_what_is_installed_is_at_hand_unless_another_version_is_asked_for(monkeypatch):
    monkeypatch.setattr(
        "corenet.canary.subject.plugin_distributions", lambda: [type("Found", (), {"name": "corenet-x"})]
    )
    assert subject_of("corenet_x") == Subject("corenet-x", None)
    assert subject_of("corenet-x==3") == Subject("corenet-x", "corenet-x==3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-e", "'-e' is no folder of a plugin, no installed plugin and no requirement for pip"),
        ("./nowhere", "'./nowhere' is no folder of a plugin, no installed plugin and no requirement for pip"),
        ("", "'' is no folder"),
        ("corenet", "corenet itself is checked by corenet check corenet"),
        ("corenet>=0.1", "corenet itself is checked by corenet check corenet"),
    ],
)
def test_what_is_no_plugin_is_refused(text, message):
    with pytest.raises(cn.ConfigError, match=re.escape(message)):
        subject_of(text)


@pytest.mark.parametrize("text", [None, "name = 3", "[project]\n", "[project]\nname = 3", "[["])
def test_a_folder_without_a_project_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(cn.ConfigError, match=r"has no pyproject\.toml|does not say the name of a project"):
        subject_of(str(tmp_path))


@pytest.mark.parametrize(
    ("requirements", "version"),
    [
        (["torch>=2", "corenet<1,>=0.2"], "0.2"),
        (["corenet ~= 0.3.1"], "0.3.1"),
        (["corenet (>=0.4)"], "0.4"),
        (["Corenet==1.0; python_version > '3'"], "1.0"),
        (["corenet"], None),
        (["corenet-conv>=0.1"], None),
        ([], None),
    ],
)
def test_the_oldest_core_is_the_lower_bound(requirements, version):
    assert oldest(requirements) == version
