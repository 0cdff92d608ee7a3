"""The options that commands share, and what they do."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from corenet.errors import DeviceError, MissingExtraError, OutputError

_STDOUT = "corenet.stdout"


class Seconds(click.FloatRange):
    """A finite number of seconds: click's own range lets NaN pass, which no comparison refuses."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value!r} is no finite number of seconds", param, ctx)
        return seconds


seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),  # torch's generator reads no more
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of all random numbers.",
)


def _refuse_ranks(context: click.Context, option: click.Parameter, workers: int) -> int:
    if workers > 1:
        from corenet.training.ranks.joining import is_launched

        if is_launched():
            raise click.UsageError("torchrun shares out each training, --workers whole ones; leave one of them out")
    return workers


workers = click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    callback=_refuse_ranks,
    help="Processes that share rounds.",
)
device = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to compute; auto takes a GPU if there is one.",
)


def _keep_stdout_clean(context: click.Context, _: click.Parameter, as_json: bool) -> bool:
    """Send whatever else is printed, by a plugin too, to stderr, so that stdout holds JSON alone."""
    if as_json:
        context.meta[_STDOUT] = sys.stdout
        context.with_resource(redirect_stdout(sys.stderr))
    return as_json


json = click.option("--json", "as_json", is_flag=True, callback=_keep_stdout_clean, help="Print JSON and nothing else.")


def print_json(result: dict[str, Any]) -> None:
    """Print what ``--json`` asks for."""
    import json

    click.echo(json.dumps(result, indent=1), file=click.get_current_context().meta[_STDOUT])


allow_unseen = click.option(
    "--allow-unseen", is_flag=True, help="Take a category or gap that training had not as none; else it is an error."
)


def _refuse_others(context: click.Context, _: click.Parameter, others: tuple[str, ...]) -> None:
    """Refuse several files where one is named: the shell has made them of a pattern."""
    if others:
        last = Path(others[-1])
        fix = f"quote a pattern, so that the shell leaves it as it is: '{last.parent / '*'}{last.suffix}'"
        raise click.UsageError(
            f"{len(others) + 1} files are named, {last} the last, where one is asked for; {fix}", context
        )


one_table = click.argument("others", nargs=-1, metavar="", expose_value=False, callback=_refuse_others)


def out(folder: str) -> Callable[..., Any]:
    """Return the option ``--out DIR``, by default ``folder`` in the current one."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path),
        default=folder,
        show_default=True,
        metavar="DIR",
        help="Output folder.",
    )


def device_for(name: str) -> str:
    """Return the device that ``--device`` means on this machine.

    Raises:
        DeviceError: a GPU is asked for and torch sees none.
    """
    import torch

    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise DeviceError("--device cuda: torch sees no GPU here; use --device cpu")
    if name == "auto":
        return "cuda" if available else "cpu"
    return name


def prepare(folder: Path) -> None:
    """Make ``folder``, and check before the training, not after it, that it can be written.

    Raises:
        OutputError: it cannot.
    """
    from tempfile import TemporaryFile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}; choose another folder with --out") from error


def progress(quiet: bool) -> bool | None:
    """Return what :func:`corenet.fit` is to show: a bar on a terminal, nothing elsewhere."""
    return None if not quiet and sys.stderr.isatty() else False


def can_draw() -> bool:
    """Return whether figures can be drawn; if not, say what is missing, once and before the training."""
    from corenet.report.plots.style import new_figure

    try:
        new_figure("", 1, 1)
    except MissingExtraError as error:
        click.echo(f"no figures: {error}", err=True)
        return False
    return True
