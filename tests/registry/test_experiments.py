"""Experiments that plugins announce: listed and read without importing the package, clashes named, faults in rows."""

import sys

import pytest

import corenet as cn
from corenet.cli import main
from corenet.experiments import experiment, experiments
from corenet.registry import ExperimentSpec
from corenet.registry.doctor.examine import examine
from corenet.registry.registry import builtins, registry_under

HOOKS = """
from corenet.registry import ExperimentSpec, hookimpl

@hookimpl
def corenet_experiments():
    yield ExperimentSpec("{name}", "{package}:{name}.toml")
"""
TOML = """
title = "{title}"
data = {{ draw = "disk" }}
network = {{ modules = [["linear", "in_features", "out_features"], ["sigmoid"]] }}
loss = "bce"
"""


@pytest.fixture
def announce(install, site):
    """Install a distribution with an experiment in a package whose import is an error."""
    registry_under.cache_clear()

    def write(letter, name, text=None):
        package = site / f"package_{letter}"
        package.mkdir()
        (package / "__init__.py").write_text("raise AssertionError('imported')", encoding="utf-8")
        (package / f"{name}.toml").write_text(text or TOML.format(title=f"Of {letter}"), encoding="utf-8")
        hooks = {f"hooks_{letter}": HOOKS.format(name=name, package=package.name)}
        install(f"corenet-{letter}", {"corenet": f"{letter} = hooks_{letter}"}, **hooks)

    yield write
    registry_under.cache_clear()


@pytest.fixture
def printed(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit):
            main(list(arguments))
        return capsys.readouterr().out

    return run


def ids():
    return [each.id for each in experiments() if each.distribution in ("corenet-a", "corenet-b")]


def test_an_experiment_of_a_plugin_is_listed_and_found(announce, printed):
    announce("a", "echo")
    assert ids() == ["echo"]
    assert experiment("echo") == experiment("corenet-a:echo")
    found = experiment("echo", ["epochs=3"])
    assert (found.title, found.distribution, found.recipe.epochs) == ("Of a", "corenet-a", 3)
    listed = printed("reproduce")
    assert "Of a (corenet-a)" in listed
    assert listed.index("003a") < listed.index("echo")
    assert cn.get("module", "relu") is cn.ReLU
    assert "echo" not in [row.name for row in cn.components()]
    assert "package_a" not in sys.modules


def test_two_of_one_name_are_told_apart_by_their_plugins(announce):
    announce("b", "echo")
    announce("a", "echo")
    assert sorted(ids()) == ["corenet-a:echo", "corenet-b:echo"]
    with pytest.raises(cn.AmbiguousComponentError, match="use one of corenet-a:echo, corenet-b:echo"):
        experiment("echo")
    assert [experiment(f"corenet-{letter}:echo").title for letter in "ab"] == ["Of a", "Of b"]


def test_the_name_of_a_built_in_one_is_reserved(announce):
    announce("a", "003a")
    assert ids() == ["corenet-a:003a"]
    assert experiment("003a").distribution == "corenet"


def test_a_file_that_is_wrong_costs_no_other_anything(announce, printed):
    announce("a", "echo", "title = 'x'\nepochs = 0\n")
    announce("b", "fine")
    assert ids() == ["fine"]
    assert "corenet-a:echo is broken: ConfigError: " in " ".join(printed("reproduce").split())
    (health,) = examine("corenet-a")
    assert (health.status, health.components) == ("broken", 0)
    (finding,) = health.findings
    assert finding.what.startswith("experiment echo: ConfigError: ")
    assert finding.what.endswith("echo.toml: data missing: what is learnt from")
    assert finding.fix == "correct its file, or tell its author"


@pytest.mark.parametrize("path", ["package_a/echo.toml", "package_a:echo.yaml", "package_a:../echo.toml"])
def test_a_path_that_is_none_is_a_fault_of_its_row(install, made, path):
    code = HOOKS.replace("{package}:{name}.toml", path).format(name="echo")
    install("corenet-x", {"corenet": "x = hooks_x"}, hooks_x=code)
    (row,) = [row for row in made().experiments() if row.distribution == "corenet-x"]
    assert (row.status, row.reason) == ("broken", f"a path is 'package.folder:file.toml', not {path!r}")


def test_another_thing_is_a_fault_of_the_plugin(install, made):
    code = HOOKS.replace('ExperimentSpec("{name}", "{package}:{name}.toml")', '"echo.toml"')
    install("corenet-x", {"corenet": "x = hooks_x"}, hooks_x=code)
    (plugin,) = [row for row in made().plugins() if row.distribution == "corenet-x"]
    reason = "corenet_experiments(): TypeError: it must yield ExperimentSpec, not 'echo.toml'"
    assert (plugin.status, plugin.reason) == ("broken", reason)


def test_a_spec_is_of_strings():
    with pytest.raises(cn.ConfigError, match="ExperimentSpec: path must be a string, not 3"):
        ExperimentSpec("x", 3)


def test_every_file_that_corenet_ships_is_announced():
    from importlib.resources import files

    shipped = {each.name for each in files("corenet.experiments").iterdir() if each.name.endswith(".toml")}
    assert {row.target.partition(":")[2] for row in builtins().experiments()} == shipped
