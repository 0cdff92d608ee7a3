"""The names in a new plugin: which are made of its own, and which are refused."""

import re

import pytest

from corenet.errors import ConfigError
from corenet.registry.distributions import DECLARED_GROUPS
from corenet.scaffold.names import USED, names_for
from corenet.scaffold.render import TEMPLATE


@pytest.mark.parametrize(
    ("name", "kind", "component", "expected"),
    [
        ("corenet-swish", "module", None, ("corenet_swish", "swish", "Swish")),
        ("corenet-soft-sign", "module", None, ("corenet_soft_sign", "soft_sign", "SoftSign")),
        ("conv2d", "module", None, ("conv2d", "conv2d", "Conv2d")),
        ("fancy-loss", "loss", None, ("fancy_loss", "fancy_loss", "FancyLoss")),
        ("corenet-huber", "loss", None, ("corenet_huber", "huber", "HuberLoss")),
        ("my-corenet-lion", "optimizer", None, ("my_corenet_lion", "my_corenet_lion", "MyCorenetLion")),
        ("corenet-example", "module", "swish", ("corenet_example", "swish", "Swish")),
        ("corenet-2d", "module", "conv_2d", ("corenet_2d", "conv_2d", "Conv2d")),
        ("corenet-lecun", "initializer", None, ("corenet_lecun", "lecun", "Lecun")),
        ("corenet-slow-start", "schedule", None, ("corenet_slow_start", "slow_start", "SlowStartSchedule")),
        ("corenet-my-schedule", "schedule", None, ("corenet_my_schedule", "my_schedule", "MySchedule")),
        ("corenet-sgd", "loss", None, ("corenet_sgd", "sgd", "SgdLoss")),  # built in is an optimizer of that name
    ],
)
def test_package_component_and_class_follow_from_the_name(name, kind, component, expected):
    names = names_for(name, kind, component)
    assert (names["package"], names["component"], names["cls"]) == expected
    assert DECLARED_GROUPS[names["group"]] == kind


@pytest.mark.parametrize("name", ["", "Corenet-Swish", "a_b", "a--b", "-a", "a-", "a.b", "../a", "a b", "ü", "x" * 41])
def test_what_is_no_name_of_a_plugin_is_refused(name):
    with pytest.raises(ConfigError, match=r"is no name for a plugin: .* as corenet-swish") as caught:
        names_for(name, "module")
    assert caught.value.value == name


@pytest.mark.parametrize("name", ["class", "2d", "json", "corenet", "torch", "tests"])
def test_a_name_that_python_would_take_for_another_is_refused(name):
    with pytest.raises(ConfigError, match=f"^'{name}' would make a package .*; take corenet-{name}$"):
        names_for(name, "module")


@pytest.mark.parametrize("name", ["numpy", "click", "pluggy"])
def test_a_name_that_would_hide_an_installed_package_is_refused(name):
    message = f"^the package '{name}' is installed already and would be hidden; take another name$"
    with pytest.raises(ConfigError, match=message):
        names_for(name, "module")


def test_a_plugin_that_is_installed_may_be_written_again(tmp_path, monkeypatch):
    info = tmp_path / "corenet_swish-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: corenet-swish\nVersion: 1.2\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[corenet.modules]\nswish = corenet_swish:Swish\n", encoding="utf-8")
    (tmp_path / "corenet_swish.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert names_for("corenet-swish", "module")["package"] == "corenet_swish"


def test_no_class_can_have_a_name_that_the_template_imports():
    texts = [path.read_text(encoding="utf-8") for path in TEMPLATE.rglob("*.py.tmpl")]
    imported = {name for text in texts for name in re.findall(r"^from \S+ import ([A-Z]\w*)$", text, re.MULTILINE)}
    assert imported == USED
