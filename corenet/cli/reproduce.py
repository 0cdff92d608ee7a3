"""``corenet reproduce``: the experiments of corenet and of plugins, reported against measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from corenet.cli import options
from corenet.cli.echo import echo
from corenet.registry.distributions import BUILTIN
from corenet.registry.registry import registry

if TYPE_CHECKING:
    from corenet.experiments import Experiment, ExperimentResult

FOLDER = "corenet-reproduce"


@click.command()
@click.argument("names", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="Run every experiment.")
@click.option(
    "--rounds", type=click.IntRange(1), help="Independent trainings of each, if not as many as its file says."
)
@click.option(
    "--recipe",
    type=click.Choice(["both", "reported", "better"]),
    default="both",
    show_default=True,
    help="The recipe as reported, corenet's, or one after the other.",
)
@options.workers
@options.seed
@options.device
@options.json
@options.out(FOLDER)
def command(
    names: tuple[str, ...],
    every: bool,
    rounds: int | None,
    recipe: str,
    workers: int,
    seed: int,
    device: str,
    as_json: bool,
    out: Path,
) -> None:
    """Train the experiments named ID and print reported against measured figures.

    Without ID, list them: those of corenet, and those that installed plugins bring. ID may
    also be the path of an experiment file (.toml). Each round has its own data, weights and
    batches; the table shows the mean and the standard deviation over the rounds of each
    figure on the training and the test part, and the seconds of one round. Figures and the
    table are written to the output folder.
    """
    from corenet.experiments import experiment, experiments, run
    from corenet.report.plots.experiment_figures import draw_figures

    if names and every:
        raise click.UsageError("give IDs, or --all")
    if not names and not every:
        _refuse_options()
        _list(experiments(), as_json)
        return
    chosen = experiments() if every else [experiment(name) for name in names]
    device = options.device_for(device)
    options.prepare(out)
    drawing = options.can_draw()
    results = []
    for each, name in [(one, name) for one in chosen for name in _recipes(one, recipe)]:
        if not as_json:
            asked = rounds or each.recipes[name].rounds
            click.echo(f"{each.id} {name}: {asked} × {each.recipes[name].epochs} epochs", err=True)
        progress = options.progress(as_json)
        result = run(each, name, rounds=rounds, seed=seed, device=device, progress=progress, workers=workers)
        if drawing:
            draw_figures(result, out)
        results.append(result)
    _report(results, out, as_json)


def _recipes(experiment: Experiment, asked: str) -> list[str]:
    """Return the names of the recipes to train: of both, one where the better recipe is the reported one."""
    if asked != "both":
        return [asked]
    return ["reported"] if experiment.better == experiment.recipe else ["reported", "better"]


def _refuse_options() -> None:
    """Refuse the options of a training where there is nothing to train."""
    context = click.get_current_context()
    for name in ("rounds", "recipe", "workers", "seed", "device", "out"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} needs an ID to run, or --all; corenet reproduce lists the IDs")


def _report(results: list[ExperimentResult], out: Path, as_json: bool) -> None:
    from corenet.files import write_text
    from corenet.machine import machine
    from corenet.report.experiment_table import experiment_table, markdown

    found = {"schema": 1, "machine": machine(), "outcomes": [result.to_dict() for result in results]}
    write_text(out / "results.json", json.dumps(found, indent=1) + "\n")
    write_text(out / "results.md", f"{markdown(results)}\n\n{machine()}\n")
    if as_json:
        options.print_json(found)
        return
    click.echo("\n".join(["", *experiment_table(results), ""]))
    for result in results:
        if result.recipe == "better" and result.experiment.why:
            echo(f"{result.experiment.id} better: {result.experiment.why}", indent=2)
    click.echo()
    echo(machine())
    echo(f"figures and tables in {out}/")


def _list(experiments: list[Experiment], as_json: bool) -> None:
    if as_json:
        rows = [
            {name: getattr(each, name) for name in ("id", "distribution", "title", "source")}
            | {"reported": dict(each.reported)}
            for each in experiments
        ]
        options.print_json({"schema": 1, "experiments": rows})
        return
    width = max(len(each.id) for each in experiments)
    for each in experiments:
        reported = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in each.reported.items())
        origin = "" if each.distribution == BUILTIN else f" ({each.distribution})"
        echo(f"{each.id:{width}} {each.title}{origin}", indent=width + 1)
        echo(f"{'':{width}} reported: {reported or 'no figure'}; {each.source}", indent=width + 1)
    for row in registry().experiments():
        if row.status == "broken":
            echo(f"{row.qualified_name} is broken: {row.reason}", indent=width + 1)
    click.echo()
    echo("run some with corenet reproduce ID..., or --all; --rounds 10 gives means and standard deviations")
