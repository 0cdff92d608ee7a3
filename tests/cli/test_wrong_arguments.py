"""Wrong arguments of every command, from its own declaration: one line on stderr, and exit code 2."""

import click
import pytest

from corenet.cli import group


def commands():
    context = click.Context(group)
    return {name: group.get_command(context, name) for name in group.list_commands(context)}


COMMANDS = commands()


def wrong_for(parameter):
    """Return values that a parameter must refuse by its type."""
    kind = parameter.type
    if isinstance(kind, click.IntRange | click.FloatRange):
        return ["x", "", "nan" if isinstance(kind, click.IntRange) else "--", str((kind.min or 0) - 1)]
    if isinstance(kind, click.types.IntParamType | click.types.FloatParamType):
        return ["x", ""]
    if isinstance(kind, click.Choice):
        return ["no such choice", ""]
    if isinstance(kind, click.Path) and kind.exists:
        return ["/nowhere/at/all", ""]
    return []


def wrong_calls():
    for name, command in COMMANDS.items():
        yield name, "--no-such-option"
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.is_flag:
                yield from ((name, parameter.opts[0], value) for value in wrong_for(parameter))
                yield name, parameter.opts[0]


@pytest.mark.parametrize("arguments", list(wrong_calls()), ids=" ".join)
def test_it_is_refused_in_one_line(arguments, call):
    found = call(*arguments)
    assert found.code == 2
    assert "Traceback" not in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_every_command_is_there():
    assert {"train", "check", "summary", "inspect"} & set(COMMANDS)
