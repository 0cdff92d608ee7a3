"""``corenet schema``: the JSON Schema of experiment files."""

from __future__ import annotations

import json

import click


@click.command()
def command() -> None:
    """Print the JSON Schema (draft 2020-12) of experiment files, for editors.

    \b
      corenet schema > experiment.schema.json
    """
    from corenet.experiments.json_schema import json_schema

    click.echo(json.dumps(json_schema(), indent=1, ensure_ascii=False))
