"""A new experiment file, the JSON Schema, and the TOML that is written: each read back to what it says."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corenet.experiments import experiment, experiments, toml
from corenet.experiments.experiment import of_table
from corenet.experiments.json_schema import json_schema
from corenet.experiments.new_file import EXAMPLES, new_file
from corenet.experiments.parts import table_of
from corenet.experiments.schema import DATA, NETWORK, RECIPE, Entries

pytest.importorskip("polars")

scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=9)


@settings(deadline=None)
@given(st.dictionaries(st.text(), values))
def test_what_is_written_is_read_back(entries):
    assert tomllib.loads(toml.table(entries)) == entries


def written(name, **changes):
    chosen = of_table(name, [f"{entry}={toml.value(value)}" for entry, value in changes.items()])
    return new_file(chosen.recipe, Path("mine.toml"), chosen.folder, table_of(chosen.recipe, chosen.folder))


def test_a_new_file_gives_the_defaults_and_the_columns(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(written("iris"), encoding="utf-8")
    found, expected = experiment(str(path)).recipe, of_table("iris").recipe
    columns = found.data.pop("columns")
    assert set(columns.values()) == {"number", "category"}
    assert {**found.data, "columns": {}, "target": None} == expected.data
    assert found.network == expected.network
    assert (found.epochs, found.optimizer, found.callbacks, found.metrics) == (200, expected.optimizer, None, None)


def test_each_entry_that_is_commented_out_can_be_what_it_shows():
    lines = [line.removeprefix("# ") for line in written("iris").splitlines()]
    entries = [line for line in lines if line.partition(" = ")[0] in {*RECIPE, *EXAMPLES}]
    assert {line.partition(" = ")[0] for line in entries} >= set(RECIPE) - {"data", "network"}
    for line in entries:
        if line.partition(" = ")[0] in RECIPE:
            of_table("iris", [line.replace(" = ", "=", 1)])


def test_every_entry_stands_in_a_new_file():
    text = written("moons")
    for name in (*RECIPE, *DATA.forms["source"], *DATA.forms, *NETWORK.forms["hidden"], *NETWORK.forms):
        assert name in text


def test_the_schema_has_every_entry_with_its_default():
    found = json_schema()["properties"]
    assert set(found) > set(RECIPE)
    for name, entry in RECIPE.items():
        assert found[name]["description"] == entry.meaning
        assert found[name].get("default") == entry.default
        if isinstance(entry.takes, Entries):
            assert [each.get("required") for each in found[name]["anyOf"][1:]] == [[form] for form in entry.takes.forms]


def test_the_schema_takes_what_reading_takes_and_refuses_what_it_refuses():
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    validator = jsonschema.Draft202012Validator(json.loads(json.dumps(json_schema())))
    validator.check_schema(validator.schema)
    for each in experiments():
        shipped = tomllib.loads((each.folder / f"{each.id}.toml").read_text(encoding="utf-8"))
        assert list(validator.iter_errors(shipped)) == []
    mixed = {"data": {"source": "iris", "points": 3}}
    for wrong in ({}, mixed, {"data": "iris", "epoch": 1}, {"data": "iris", "epochs": 0}):
        assert list(validator.iter_errors(wrong)) != []
