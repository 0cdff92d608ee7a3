"""Commands of third parties: known without an import, and no danger to corenet's own."""

import sys

import pytest

CODE = """
import click

@click.command()
@click.option("--count", default=1)
def hello(count):
    click.echo("hello " * count)

@click.command()
def fails():
    raise ZeroDivisionError("while it ran")

nothing = "no command"
"""
ENTRY_POINTS = (
    "hello = x_code:hello\nfails = x_code:fails\nnothing = x_code:nothing\nabsent = x_code:absent\ngone = x_gone:x"
)


@pytest.fixture
def hello(install):
    install("Corenet_X", "corenet.commands", ENTRY_POINTS, "Says \x1b[31mhello", x_code=CODE)


def test_help_names_a_command_and_imports_it_not(call, hello):
    stdout = " ".join(call("--help").stdout.split())
    assert "hello Says [31mhello [corenet-x]" in stdout
    assert "x_code" not in sys.modules


def test_a_command_runs_with_its_options(call, hello):
    assert call("hello", "--count", "2") == (0, "hello hello \n", "")
    assert call("hello", "--help").stdout.startswith("Usage: corenet hello [OPTIONS]")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing", "TypeError: x_code:nothing is no click command"),
        ("absent", "AttributeError: module 'x_code' has no attribute 'absent'"),
        ("gone", "ModuleNotFoundError: No module named 'x_gone'"),
    ],
)
def test_a_broken_command_is_one_line_and_exit_code_1(call, hello, name, reason):
    assert call(name) == (1, "", f"corenet: the command {name!r} of corenet-x cannot be used: {reason}\n")


def test_a_command_that_leaves_when_imported_is_broken_too(call, install):
    install("corenet-x", "corenet.commands", "x = x_exits:x", x_exits="import sys\nsys.exit(0)")
    assert call("x") == (1, "", "corenet: the command 'x' of corenet-x cannot be used: SystemExit: 0\n")


def test_what_a_command_raises_is_one_line_too(call, hello):
    done = call("fails")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr == "corenet: unexpected ZeroDivisionError: while it ran; CORENET_DEBUG=1 shows where\n"


def test_nobody_replaces_a_command_of_corenets_own(call, install):
    before = call("--help").stdout
    install("corenet-x", "corenet.commands", "list-components = x:evil\ncheck = x:evil", "Evil")
    assert call("--help").stdout == before
    assert call("list-components").stdout.startswith("NAME")


@pytest.mark.parametrize(
    ("switch", "value"),
    [("CORENET_DISABLE_PLUGINS", "corenet.x"), ("CORENET_PLUGINS", ""), ("CORENET_PLUGIN_AUTOLOAD", "0")],
)
def test_a_switched_off_plugin_has_no_command(call, hello, monkeypatch, switch, value):
    monkeypatch.setenv(switch, value)
    assert "hello" not in call("--help").stdout
    assert call("hello") == (2, "", "corenet: there is no command 'hello'\n")


def test_without_plugins_there_is_no_command(call, hello):
    assert "hello" not in call("--no-plugins", "--help").stdout
    assert call("--no-plugins", "hello").code == 2


def test_an_incompatible_command_says_what_it_needs(call, install):
    code = "raise AssertionError"
    install("corenet-x", "corenet.commands", "x = x_code:x", extra="Requires-Dist: corenet>=99\n", x_code=code)
    done = call("x")
    assert done.code == 1
    assert done.stderr.startswith("corenet: the command 'x' of corenet-x cannot be used: it needs corenet>=99 ")


def test_two_plugins_with_one_command_are_told_and_none_is_run(call, install, monkeypatch):
    for name in ("a", "b"):
        install(f"corenet-{name}", "corenet.commands", f"hello = {name}_code:hello", **{f"{name}_code": CODE})
    assert call("hello") == (
        2,
        "",
        "corenet: the command 'hello' is offered by corenet-a, corenet-b; "
        "switch off all but one with CORENET_DISABLE_PLUGINS\n",
    )
    monkeypatch.setenv("CORENET_DISABLE_PLUGINS", "corenet-a")
    assert call("hello").code == 0


def test_a_near_miss_is_told(call, hello):
    assert call("helo").stderr == "corenet: there is no command 'helo' (did you mean 'hello'?)\n"


def test_a_name_that_nobody_could_type_is_left_out(call, install):
    install("corenet-x", "corenet.commands", "--version = x:x\nev\u202eil = x:x", "Evil")
    assert "Evil" not in call("--help").stdout
