"""``corenet check``: the conformance kit on components, installed or in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from corenet.cli import options
from corenet.cli.component_file import is_file, is_of_module
from corenet.cli.echo import echo
from corenet.cli.isolated_check import CheckRow, IsolatedCheck, Subject, check, unusable
from corenet.cli.no_plugins import no_plugins
from corenet.errors import UnknownComponentError, did_you_mean
from corenet.registry.distributions import BUILTIN
from corenet.registry.registry import registry
from corenet.registry.sanitize import canonical
from corenet.registry.spec import KINDS, Component

INDENT = 7  # the width of a verdict, and two
TIMEOUT = 120.0  # most checks take a second or two


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "every", is_flag=True, help="Check every component that is installed.")
@click.option("--inputs", metavar="TEXT", help='Check functions, called with these: "float32[4,3], int64[4]<10, 0.5".')
@no_plugins
@options.seed
@options.json
@click.option(
    "--timeout",
    type=options.Seconds(0, min_open=True),
    default=TIMEOUT,
    show_default=True,
    help="Stop the check of a component after so long.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Also write the result to DIR/check.json.")
def command(
    names: tuple[str, ...],
    every: bool,
    inputs: str | None,
    seed: int,
    as_json: bool,
    timeout: float,
    out: Path | None,
) -> None:
    """Check the gradient of each component NAME, and every other promise of its contract.

    NAME is a component, qualified by its distribution or not (swish, corenet-swish:swish),
    a distribution, for all that it offers, or what need not be installed: a file (swish.py, swish.py:Swish)
    or a class that Python can import (package.module:Swish).
    With --inputs, NAME is a function in a file or module that somebody wrote for PyTorch (swish.py:Swish),
    or all autograd.Functions of a file, of which corenet-torch checks the backward.
    All but the built-in ones are checked in a process of their own, which they may crash or hang.
    Exit code 1 if a check fails, or a component cannot be used.
    """
    if every == bool(names):
        raise click.UsageError("give names of components or distributions, or --all, not both")
    if every and inputs is not None:
        raise click.UsageError("--inputs is for functions of a file or module, not for --all")
    if out is not None:
        options.prepare(out)
    results = []
    with IsolatedCheck(seed, timeout) as apart:
        rows = _all() if every else list(dict.fromkeys(row for name in names for row in _find(name, inputs, apart)))
        for result, failures in _checked(rows, apart):
            results.append(result)
            if not as_json:
                _show(result, failures)  # at once, since each takes a second or two
    report = {"schema": 1, "ok": all(result["ok"] for result in results), "components": results}
    if out is not None:
        from corenet.files import write_text

        write_text(out / "check.json", json.dumps(report, indent=1) + "\n")
    if as_json:
        options.print_json(report)
    if not report["ok"]:
        click.get_current_context().exit(1)


def _all() -> list[Subject]:
    """Return what there is to check: usable components, and the rows of broken plugins."""
    rows = (row for row in registry().components() if row.usable)
    return [row for row in rows if row.kind != "plugin" or row.status == "broken"]


def _find(name: str, inputs: str | None, apart: IsolatedCheck) -> list[Subject]:
    """Return the components called ``name``, of each kind that has one, and those of a distribution or file."""
    if is_file(name) or is_of_module(name):
        return [*apart.subjects_of_file(name, inputs)]
    if inputs is not None:
        raise click.UsageError(f"--inputs is for functions of a file or module, such as swish.py:Swish, not for {name}")
    found: list[Subject] = [row for row in registry().components() if row.distribution == canonical(name)]
    found += registry().find_all(name)
    if not found:
        known = registry().names(*KINDS) | {row.distribution for row in registry().plugins()}
        raise UnknownComponentError(
            f"there is no component or distribution {name!r}{did_you_mean(name, known)}; "
            "corenet list-components shows all",
            name=name,
        )
    return found


def _checked(subjects: list[Subject], apart: IsolatedCheck) -> Iterator[tuple[CheckRow, list[str]]]:
    """Check built-in components in this process, and all others meanwhile apart; yield the results in order."""
    others = [apart.submit(each) if _is_strangers(each) else None for each in subjects]
    for subject, other in zip(subjects, others, strict=True):
        if other is not None:
            yield other.result()
        elif isinstance(subject, Component) and (subject.kind == "plugin" or not subject.usable):
            yield unusable(subject)
        else:
            yield check(subject, apart.seed)


def _is_strangers(subject: Subject) -> bool:
    """Return whether it can be checked, and its code is none of corenet's own."""
    if isinstance(subject, Component):
        return subject.kind != "plugin" and subject.usable and subject.distribution != BUILTIN
    return True


def _show(result: CheckRow, failures: list[str]) -> None:
    verdict = click.style("ok   ", fg="green") if result["ok"] else click.style("WRONG", fg="red")
    echo(f"{verdict}  {result['kind']:9}  {result['name']}: {result['message']}", indent=INDENT)
    for line in "\n".join(failures).splitlines():
        echo(" " * INDENT + line, indent=INDENT + 4)
