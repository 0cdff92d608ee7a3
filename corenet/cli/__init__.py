"""The command line. A command is imported when it is called, so that ``--help`` imports no torch.

A user's mistake ends with one line and exit code 2; ``CORENET_DEBUG=1`` shows the traceback.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

import click

from corenet import __version__
from corenet.cli.no_plugins import no_plugins
from corenet.errors import BrokenPluginError, CorenetError, RankError, did_you_mean
from corenet.interrupted import Interrupted

COMMANDS = {
    "bench": "Time training on this machine against torch.nn.",
    "canary": "Try plugins in fresh environments, with this corenet and the oldest.",
    "check": "Check the gradients and the contract of components.",
    "demo": "Train a small network, verify every gradient, draw what was learnt.",
    "doctor": "Import every plugin, say what is wrong and how to mend it.",
    "evaluate": "Measure a saved model on a table, beside a baseline.",
    "grade": "Grade the submissions of a class, and say what is misunderstood.",
    "inspect": "Show what is in a model file.",
    "install": "Install plugins with pip, and show what they offer.",
    "list-components": "List every installed component, of each kind.",
    "new-assignment": "Write an assignment for a course: stub, solution, points.",
    "new-experiment": "Write a commented experiment file, to change.",
    "new-plugin": "Write a complete plugin, to change into your own.",
    "plugins": "List every distribution that offers components or commands.",
    "predict": "Say what a saved model predicts of the rows of a table.",
    "report": "Write the page of a run, or show several side by side.",
    "reproduce": "Run the student projects' experiments, reported against measured.",
    "resume": "Go on with a training that was stopped.",
    "schema": "Print the JSON Schema of experiment files, for editors.",
    "show": "Show what a component computes and takes, and whether it conforms.",
    "sweep": "Search for the numbers with which an experiment does best.",
    "summary": "Show the layers, shapes, memory and FLOPs of a model.",
    "trace": "Show one training step layer by layer, each gradient checked.",
    "train": "Train a network on a table, or as an experiment file says.",
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and one line, and imports one when it is called.

    Those of third parties come after its own, and are looked for only when a name is not its own.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_lines())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            command: click.Command = import_module(f"corenet.cli.{name.replace('-', '_')}").command
            return command
        from corenet.cli.third_party import find

        return find(name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, *rest = args
        if command := self.get_command(ctx, name):
            return name, command, rest
        if not name.startswith("-"):
            raise click.UsageError(f"there is no command {name!r}{did_you_mean(name, _lines())}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_lines().items()))


def _lines() -> dict[str, str]:
    """Return every command with its one line."""
    from corenet.cli.third_party import commands

    return {command.name: command.line for command in commands()} | COMMANDS


@click.group(
    "corenet", cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@no_plugins
@click.version_option(__version__, prog_name="corenet")
@click.pass_context
def group(context: click.Context) -> None:
    """Deep learning in which every gradient is written by hand, verified, and pluggable."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code: 0, 1 for a failed check, 2 for a user's mistake."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # print "?" instead of failing where ᵀ cannot be encoded
    try:
        code = group.main(arguments, prog_name="corenet", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt) as error:
        interrupted = error.__cause__ or error  # click makes an Abort of it
        if isinstance(interrupted, Interrupted):
            _explain(interrupted, str(interrupted))
            sys.exit(interrupted.exit_code)
        sys.exit(130)
    except (CorenetError, click.ClickException) as error:
        _explain(error, _one_line(error))
        sys.exit(1 if isinstance(error, BrokenPluginError | RankError) else 2)
    except Exception as error:  # noqa: BLE001 - a bug, of corenet or a plugin, is one line too; exit code 1 says that it is no mistake of the user
        _explain(error, f"unexpected {type(error).__name__}: {_one_line(error)}; CORENET_DEBUG=1 shows where")
        sys.exit(1)
    sys.exit(code or 0)


def _explain(error: BaseException, message: str) -> None:
    """Print what is wrong, and under ``CORENET_DEBUG=1`` the traceback; nothing if another rank does."""
    from corenet.training.ranks.quiet import is_quiet

    if is_quiet(error):
        return
    if os.environ.get("CORENET_DEBUG") == "1":
        traceback.print_exc()
    from corenet.cli.echo import echo  # not at the top: help does without it

    echo(f"corenet: {message}", indent=2, err=True)


def _one_line(error: Exception) -> str:
    message = error.format_message() if isinstance(error, click.ClickException) else str(error)
    return " ".join(message.split())
