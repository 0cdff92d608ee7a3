"""``corenet trace``: one training step, shown layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corenet.cli import options
from corenet.cli.component_file import FileComponent, class_of, components_in, is_file, is_of_module
from corenet.errors import UnknownComponentError
from corenet.registry.registry import get, registry
from corenet.registry.targets import article

if TYPE_CHECKING:
    from corenet.report.trace.step_trace import StepTrace

MOST = 10_000  # points in a step: its numeric checks take ten seconds


@click.command()
@click.argument("name", metavar="CONFIG|NAME|FILE")
@click.option(
    "--recipe", type=click.Choice(["reported", "better"]), help="Which recipe of an experiment.  [default: reported]"
)
@options.seed
@click.option(
    "--batch-size", type=click.IntRange(1, MOST), metavar="N", help="Points in the step, if not the recipe's."
)
@click.option("--numbers", is_flag=True, help="Show the numbers of small tensors, beside the formulas.")
@options.json
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Also write an HTML page to FILE.")
def command(
    name: str, recipe: str | None, seed: int, batch_size: int | None, numbers: bool, as_json: bool, out: Path | None
) -> None:
    """Do one training step and show it layer by layer, each gradient beside its numeric check.

    CONFIG is the id of an experiment or the path of an experiment file (.toml), whose first step
    is shown. NAME is a module, qualified or not, and FILE one that need not be installed (swish.py,
    swish.py:Swish, package.module:Swish): it is shown in a small network around it.
    Exit code 1 if a gradient is wrong.
    """
    title, traced = _trace(name, recipe, seed, batch_size)
    if out is not None:
        from corenet.files import write_text
        from corenet.report.trace.page import page

        write_text(out, page(traced, title))
    if as_json:
        options.print_json({"schema": 1, "title": title, **traced.to_dict()})
    else:
        _show(traced, title, out, numbers=numbers)
    if not traced.ok:
        click.get_current_context().exit(1)


def _trace(name: str, recipe: str | None, seed: int, batch_size: int | None) -> tuple[str, StepTrace]:
    from corenet.experiments import experiments
    from corenet.report.trace.subjects import trace_experiment, trace_module

    ids = [each.id for each in experiments()]
    if name in ids or name.endswith(".toml"):
        return trace_experiment(name, recipe or "reported", seed, batch_size)
    if is_file(name) or is_of_module(name):
        component = _module_in(name)
        _refuse_recipe(recipe, name)
        return trace_module(class_of(component), component.qualified_name, seed, batch_size)
    if name not in registry().names("module") and ":" not in name:
        meant = registry().meant(name, "module", others=ids)
        message = f"there is no experiment or module {name!r}{meant}"
        raise UnknownComponentError(
            f"{message}; corenet reproduce lists experiments, corenet list-components modules", name=name
        )
    row = registry().find("module", name)
    _refuse_recipe(recipe, name)
    return trace_module(get("module", row.qualified_name), row.qualified_name, seed, batch_size)


def _module_in(target: str) -> FileComponent:
    """Return the module that a file defines, or that is the class given of it."""
    found = components_in(target)
    modules = [each for each in found if each.kind == "module"]
    if len(modules) > 1:
        first = modules[0].qualified_name
        raise click.UsageError(f"{target} has {len(modules)} modules; trace one of them, such as {first}")
    if not modules:
        kind = found[0].kind
        raise click.UsageError(f"trace shows a module, and {found[0].qualified_name} is {article(kind)} {kind}")
    return modules[0]


def _refuse_recipe(recipe: str | None, name: str) -> None:
    if recipe is not None:
        raise click.UsageError(f"--recipe is for an experiment, and {name} is a module")


def _show(traced: StepTrace, title: str, out: Path | None, *, numbers: bool) -> None:
    from corenet.report.trace.numbers import trace_numbers
    from corenet.report.trace.table import trace_tables

    lines = trace_numbers(traced) if numbers else trace_tables(traced)
    click.echo("\n".join([click.style(title, bold=True), "", *lines]))
    if out is not None:
        click.echo(f"page in {out}")
