"""The command line as a whole: help, mistakes in one line, tracebacks on demand, closed pipes."""

import os
import signal
import sys
from importlib import import_module

import click
import pytest

import corenet
from corenet import cli

EVERY_COMMAND = pytest.mark.parametrize("name", sorted(cli.COMMANDS))


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_every_command_with_its_line(call, arguments):
    code, stdout, stderr = call(*arguments)
    assert (code, stderr) == (0, "")
    assert stdout.startswith("Usage: corenet [OPTIONS] [COMMAND] [ARGS]...\n")
    listed = " ".join(stdout.partition("Commands:")[2].split())
    assert listed == " ".join(f"{name} {line}" for name, line in sorted(cli.COMMANDS.items()))


@EVERY_COMMAND
def test_a_command_tells_its_options(call, name):
    code, stdout, _ = call(name, "--help")
    assert code == 0
    assert stdout.startswith(f"Usage: corenet {name} [OPTIONS]")
    options = {
        "list-components": ("--kind", "--json"),
        "bench": ("--layers", "--batch-size", "--seed", "--json"),
        "canary": ("--timeout", "--json"),
        "check": ("--all", "--inputs", "--seed", "--json", "--out"),
        "install": ("--upgrade",),
        "plugins": ("--requirements", "--no-plugins", "--json"),
        "new-assignment": ("--layers", "--style", "--out"),
        "new-experiment": ("--target", "--out", "--force"),
        "schema": (),
        "new-plugin": ("--kind", "--component", "--out"),
        "show": ("--kind", "--json"),
        "doctor": ("--timeout", "--json"),
        "evaluate": ("--allow-unseen", "--json"),
        "predict": ("--out", "--probabilities", "--allow-unseen", "--force", "--json"),
        "grade": ("--assignment", "--csv", "--out", "--format", "--json"),
        "inspect": ("--no-plugins", "--json"),
        "summary": ("--input", "--batch-size", "--json"),
        "sweep": ("--param", "--trials", "--metric", "--workers", "--storage", "--json", "--out"),
        "report": ("--out", "--no-plugins", "--json"),
        "resume": ("--workers", "--quiet", "--json"),
        "train": (
            *("--target", "--hidden", "--epochs", "--rounds", "--workers", "--seed", "--exchange-every"),
            *("--set", "--out", "--force", "--json"),
        ),
        "trace": ("--recipe", "--seed", "--batch-size", "--json", "--out"),
    }
    for option in options.get(name, ("--seed", "--device", "--json", "--out")):
        assert f"  {option}" in stdout


@EVERY_COMMAND
def test_a_command_is_a_file_and_has_a_description(name):
    command = import_module(f"corenet.cli.{name.replace('-', '_')}").command
    assert isinstance(command, click.Command)
    assert command.help


def test_version(call):
    assert call("--version") == (0, f"corenet, version {corenet.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chekc"], "there is no command 'chekc' (did you mean 'check'?)"),
        (["xyzzy"], "there is no command 'xyzzy'"),
        (["list-components", "extra"], "Got unexpected extra argument (extra)"),
        (["list-components", "--kind", "layer"], "Invalid value for '--kind': 'layer' is not one of"),
        (["check"], "give names of components or distributions, or --all"),
        (["check", "liner"], "there is no component or distribution 'liner' (did you mean 'linear'?)"),
        (["reproduce", "003c"], "there is no experiment '003c' (did you mean '003b'?)"),
        (["demo", "--seed", "-1"], "Invalid value for '--seed': -1 is not in the range"),
        (["--verison"], "No such option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_exit_code_2(call, arguments, message):
    code, stdout, stderr = call(*arguments)
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert stderr.startswith(f"corenet: {message}")


def fail_with(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(cli.group, "main", fail)


def test_a_message_of_several_lines_is_made_one(call, monkeypatch):
    fail_with(monkeypatch, corenet.ConfigError("one\n  two"))
    assert call("demo") == (2, "", "corenet: one two\n")


@pytest.mark.parametrize("error", [corenet.DataError("empty"), click.UsageError("wrong")])
def test_debug_shows_the_traceback(call, monkeypatch, error):
    monkeypatch.setenv("CORENET_DEBUG", "1")
    fail_with(monkeypatch, error)
    code, stdout, stderr = call("demo")
    assert (code, stdout) == (2, "")
    assert stderr.startswith("Traceback (most recent call last):")
    assert stderr.endswith(f"corenet: {error}\n")


def test_a_mistake_of_corenet_itself_is_told_in_one_line_too(call, monkeypatch):
    fail_with(monkeypatch, ZeroDivisionError("0 / 0"))
    assert call("demo") == (1, "", "corenet: unexpected ZeroDivisionError: 0 / 0; CORENET_DEBUG=1 shows where\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interruption_is_quiet(call, monkeypatch, error):
    fail_with(monkeypatch, error)
    assert call("demo") == (130, "", "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_training_that_was_told_to_stop_ends_with_the_code_of_the_signal(call, monkeypatch, number, code):
    fail_with(monkeypatch, corenet.Interrupted("stopped after epoch 3", signal=number))
    assert call("demo") == (code, "", "corenet: stopped after epoch 3\n")


def both(script):
    return [(script,), (sys.executable, "-m", "corenet")]


def test_the_command_and_the_module_are_the_same(script, spawn):
    for arguments in (["--help"], ["list-components"], ["check", "--all", "relu"]):
        command, module = (spawn(*start, *arguments) for start in both(script))
        assert command == module
        assert command.code == (2 if "--all" in arguments else 0)


def test_a_traceback_comes_on_demand_only(script, spawn):
    quiet, loud = (spawn(script, "check", "liner", **env) for env in ({}, {"CORENET_DEBUG": "1"}))
    assert quiet.stderr == (
        "corenet: there is no component or distribution 'liner' (did you mean 'linear'?); "
        "corenet list-components shows all\n"
    )
    assert (quiet.code, loud.code) == (2, 2)
    assert loud.stderr.startswith("Traceback (most recent call last):")
    assert "corenet.errors.UnknownComponentError: there is no component or distribution 'liner'" in loud.stderr


@pytest.mark.parametrize("arguments", [["list-components"], ["list-components", "--json"], ["--help"]])
@pytest.mark.skipif(sys.platform == "win32", reason="a pipe closes in another way there")
def test_a_reader_that_has_seen_enough_gets_no_traceback(script, spawn, arguments):
    reader, writer = os.pipe()
    os.close(reader)  # as head does, but for certain before the first line
    try:
        done = spawn(script, *arguments, stdout=writer)
    finally:
        os.close(writer)
    assert (done.code, done.stderr) == (1, "")


def test_a_formula_can_be_printed_in_any_encoding(script, spawn):
    done = spawn(script, "list-components", PYTHONIOENCODING="cp1250", PYTHONUTF8="0")
    assert (done.code, done.stderr) == (0, "")
    assert "y = x W? + b" in done.stdout
