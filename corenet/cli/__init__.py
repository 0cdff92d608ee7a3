"""The command line. A command is imported when it is called, so that looking stays free.

User mistakes end with one line and exit code 2; ``CORENET_DEBUG=1`` shows the traceback.
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
from corenet.errors import CorenetError, did_you_mean

COMMANDS = {
    "check": "Prove the gradients of components.",
    "demo": "Train a small network, prove every gradient, draw what was learnt.",
    "list-components": "List every installed module, loss and optimizer.",
    "reproduce": "Run the seeds' experiments, reported against measured.",
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and one line, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"corenet.cli.{name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command {args[0]!r}{did_you_mean(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(
    "corenet", cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="corenet")
@click.pass_context
def group(context: click.Context) -> None:
    """Deep learning in which every gradient is written by hand, proven, and pluggable."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code: 0, 1 for a failed check, 2 for a user's mistake."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a formula is no reason to fail where ᵀ cannot be written
    try:
        code = group.main(arguments, prog_name="corenet", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except (CorenetError, click.ClickException) as error:
        _explain(_one_line(error))
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - a bug, ours or a plugin's, is told in one line too
        _explain(f"unexpected {type(error).__name__}: {_one_line(error)}; CORENET_DEBUG=1 shows where")
        sys.exit(1)
    sys.exit(code or 0)


def _explain(message: str) -> None:
    """Print what went wrong, and under ``CORENET_DEBUG=1`` where."""
    if os.environ.get("CORENET_DEBUG") == "1":
        traceback.print_exc()
    click.echo(f"corenet: {message}", err=True)


def _one_line(error: Exception) -> str:
    message = error.format_message() if isinstance(error, click.ClickException) else str(error)
    return " ".join(message.split())
