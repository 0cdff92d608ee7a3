"""The page of a run: its figures are those of the run, its text is text, and it says what it cannot show."""

import json
import re
import shutil
from html import unescape

import pytest
import torch

import corenet as cn
from corenet.experiments.run_folder import run_folder
from corenet.report.results_table import number
from corenet.report.run.findings import columns_of, findings
from corenet.report.run.page import Matrix, page

pytest.importorskip("polars", reason="runs are of tables, which polars reads")


def cells(text, heading):
    """Return the rows of the first table below a heading, without markup."""
    table = re.search(rf"<h2>{heading}</h2>.*?<table[^>]*>(.*?)</table>", text, re.S)[1]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.S)
    return [
        [unescape(re.sub("<[^>]*>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)] for row in rows
    ]


def test_it_asks_for_nothing_else(pages):
    for text in pages.values():
        assert not re.search(r"https?://|@import|url\(|<script|<img|<link|<[a-z][^<>]*(src|href)=", text)
        assert "prefers-color-scheme: dark" in text


def test_the_metrics_are_those_of_the_run_beside_the_baseline(pages, runs):
    results = runs["people"].results
    rows = {name: values for name, *values in cells(pages["people"], "How good it is")}
    assert rows["metric"] == ["training", "validation", "test", "baseline, test"]
    for name, values in list(rows.items())[1:]:
        parts = [results["metrics"][part][name] for part in ("train", "valid", "test")]
        assert values[:3] == list(map(number, parts))
    assert rows["accuracy"][3] == number(results["baseline"]["test"]["accuracy"])


def test_of_rounds_it_has_mean_and_deviation_and_bands(pages, runs):
    test = runs["diabetes"].results["metrics"]["test"]["rmse"]
    rows = {name: values for name, *values in cells(pages["diabetes"], "How good it is")}
    assert rows["rmse"][2] == f"{test['mean']:.2f} ± {test['std']:.2f}"
    assert len(re.findall(r'class="band c\d" d="M', pages["diabetes"])) >= 2
    assert 'd="M' not in re.sub(r'class="(?!band)[^"]*" d="[^"]*"', "", pages["people"])


def test_the_matrix_counts_the_rows_of_the_test_part(pages, runs):
    counts = runs["people"].results["confusion"]["test"]
    shown = cells(pages["people"], "What it confuses")[1:]
    assert [[int(cell) for cell in row[1:]] for row in shown] == counts
    assert sum(map(sum, counts)) == runs["people"].results["data"]["parts"]["test"]
    assert "Where it is off" not in pages["people"]


def test_of_numbers_each_row_of_the_test_part_is_a_point(pages, runs):
    first = runs["diabetes"].rounds[0]
    drawn = re.search(r'class="points" d="([^"]*)"', pages["diabetes"])[1]
    assert drawn.count("M") == first.results["data"]["parts"]["test"]
    found = findings(first)
    off = torch.tensor(found.pairs.predicted) - torch.tensor(found.pairs.true)
    assert off.square().mean().sqrt().item() == pytest.approx(first.results["metrics"]["test"]["rmse"], rel=1e-4)


def test_the_column_that_decides_counts_most_and_noise_not(runs, pages):
    found = findings(runs["people"])
    names = [each.column for each in found.importance]
    assert names[0] == "age"
    assert set(names) == {column.name for column in found.parts.coding.columns}
    increases = {each.column: each.mean for each in found.importance}
    assert abs(increases["noise"]) < increases["age"] / 3
    assert [name for name, *_ in cells(pages["people"], "Which columns count")[1:]] == [
        name.strip("\u202e") for name in names
    ]


def test_a_column_has_all_of_its_inputs(runs):
    parts = findings(runs["people"]).parts
    places = columns_of(parts)
    assert [place for each in places.values() for place in each] == list(range(parts.in_features))
    assert {name: len(each) for name, each in places.items()} == {
        column.name: len(column.inputs) for column in parts.coding.columns
    }
    assert places["noise"] == range(parts.in_features - 3, parts.in_features)


def test_of_too_many_columns_none_is_measured(runs, monkeypatch):
    monkeypatch.setattr("corenet.report.run.findings.COLUMNS", 2)
    assert findings(runs["people"]).importance == []


def test_the_network_and_its_gradients_are_there_layer_by_layer(pages, runs):
    layers = [row[0] for row in cells(pages["people"], "Network")]
    assert layers[2:-1] == [
        f"[{n}] {cn.contracts.sequential.label(each)}" for n, each in enumerate(runs["people"].load().model)
    ]
    checks = [row[-1] for row in cells(pages["people"], "Gradients") if row[0].startswith("∂L")]
    assert len(checks) == 2 * 3 + 1  # weight, bias and input of two linear layers, the input of the activation
    assert all(check.startswith("ok") for check in checks)
    assert "No gradient is wrong." in pages["people"]


def test_looking_changes_neither_model_nor_generator(runs):
    before, state = (runs["disk"].path / "model.safetensors").read_bytes(), torch.get_rng_state()
    assert page(runs["disk"].path) == page(runs["disk"].path)
    assert (runs["disk"].path / "model.safetensors").read_bytes() == before
    assert torch.equal(torch.get_rng_state(), state)


def test_data_that_is_gone_is_said_and_the_rest_is_there(runs, tmp_path):
    moved = tmp_path / "elsewhere" / "people"
    shutil.copytree(runs["people"].path, moved)
    text = unescape(page(moved))
    assert re.search("They need the model and the data that it learnt from: .*people.csv", text)
    assert "Which columns count" not in text
    assert cells(text, "How good it is")[1][0] == "loss"
    assert 'source = "../people.csv"' in text


def test_a_wrong_gradient_is_said(runs, tmp_path, monkeypatch):
    linear = type(runs["disk"].load().model[0])
    right = linear.backward_parameters

    def wrong(self, grad_output):
        right(self, grad_output)
        self.weight.grad *= 2

    monkeypatch.setattr(linear, "backward_parameters", wrong)
    text = page(runs["disk"].path)
    assert "A gradient is WRONG." in text
    assert re.search(r'class="wrong">WRONG', text)


def test_many_classes_are_a_list_of_what_is_confused_most():
    counts = [[9, 1, 0], [5, 4, 0], [0, 2, 7]]
    matrix = Matrix.of({"confusion": {"valid": [], "test": counts}, "classes": ["a", "b", "c"]})
    assert matrix.confused == [(5, "b", "a"), (2, "c", "b"), (1, "a", "b")]
    assert matrix.rows[1][0].share == pytest.approx(5 / 9)
    assert Matrix.of({"confusion": {}}) is None


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(cn.errors.OutputError, match="no finished run"):
        page(tmp_path)
    (tmp_path / "experiment.toml").write_text("")
    (tmp_path / "results.json").write_text(json.dumps({"schema": 99}))
    with pytest.raises(cn.errors.OutputError, match="schema"):
        run_folder(tmp_path)
