"""``corenet new-experiment``: a commented experiment file to change."""

from __future__ import annotations

from pathlib import Path

import click

from corenet.cli.echo import echo
from corenet.cli.no_plugins import no_plugins
from corenet.errors import OutputError


@click.command()
@click.argument("data", metavar="[TABLE|SET]", default="iris")
@click.option("--target", metavar="COLUMN", help="The column to predict.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="The file.  [default: NAME.toml]")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@no_plugins
def command(data: str, target: str | None, out: Path | None, force: bool) -> None:
    """Write an experiment file with every entry, what it means and its default, to change.

    Of a TABLE, or a SET such as moons (iris, if none is named), each column stands there with what it was taken for.
    """
    import json

    from corenet.cli.run_lines import as_options
    from corenet.experiments.experiment import of_table
    from corenet.experiments.new_file import new_file
    from corenet.experiments.parts import table_of
    from corenet.files import write_text

    with as_options():
        changes = [] if target is None else [f"data.target={json.dumps(target, ensure_ascii=False)}"]
        chosen = of_table(data, changes)
        path = Path(f"{chosen.id}.toml") if out is None else out
        if path.exists() and not force:
            raise OutputError(f"{path} is there already; choose another by --out, or write over it by --force")
        text = new_file(chosen.recipe, path, chosen.folder, table_of(chosen.recipe, chosen.folder))
    write_text(path, text)
    echo(f"wrote {path}; next: corenet train {path}")
