"""``corenet install``: plugins, installed by pip, and what came with them."""

from __future__ import annotations

import subprocess
import sys
from importlib import invalidate_caches
from pathlib import Path

import click

from corenet.registry.registry import registry, registry_under
from corenet.text_table import text_table

COLUMNS = ("PLUGIN", "VERSION", "STATUS", "COMPONENTS", "REASON")


@click.command()
@click.argument("requirements", nargs=-1, metavar="[REQUIREMENT]...")
@click.option(
    "-r",
    "--requirements",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Install what FILE lists, such as corenet plugins --requirements.",
)
@click.option("--upgrade", is_flag=True, help="Take the newest version of what is installed already.")
def command(requirements: tuple[str, ...], files: tuple[Path, ...], upgrade: bool) -> None:
    """Install plugins with pip, into the Python that corenet runs in, and show what they offer.

    A set of plugins comes back after an upgrade by two lines:

    \b
      corenet plugins --requirements > plugins.txt
      corenet install -r plugins.txt
    """
    if not requirements and not files:
        raise click.UsageError("give names of plugins, or -r FILE")
    if wrong := next((each for each in requirements if each.startswith("-")), None):
        raise click.UsageError(f"{wrong!r} is no plugin; pip's own options are for pip install")
    before = _plugins()
    named = [*(["--upgrade"] if upgrade else []), *(f"--requirement={path}" for path in files), *requirements]
    code = subprocess.run([sys.executable, "-m", "pip", "install", *named], check=False).returncode  # noqa: S603 - pip, with what the user named
    if code:
        raise click.ClickException(f"pip ended with exit code {code}; nothing says that all was installed")
    after = _plugins()
    came = [name for name in after if after[name] != before.get(name)]
    lines = text_table(COLUMNS, [(name, *after[name]) for name in came]) if came else ["no plugin is new"]
    click.echo("\n".join(lines))


def _plugins() -> dict[str, tuple[str, ...]]:
    """Return version, status, number of components and reason of each plugin that is installed now."""
    invalidate_caches()
    registry_under.cache_clear()
    count = [row.distribution for row in registry().components() if row.kind != "plugin"].count
    return {
        row.distribution: (row.version, row.status, str(count(row.distribution)), row.reason)
        for row in registry().plugins()
    }
