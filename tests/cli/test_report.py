"""``corenet report``: the page of a run, several side by side, and what is no run."""

import json

import pytest

from corenet.experiments import experiment
from corenet.experiments.train_run import train_run


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    return [
        train_run(experiment("003a", ["epochs=2", f"optimizer.lr={lr}"]), folder / f"disk-{lr}").path
        for lr in (0.1, 0.5)
    ]


def test_the_page_of_a_run_is_written_into_it(call, pair):
    done = call("report", str(pair[0]))
    assert done.code == 0
    assert f"page in {pair[0] / 'report.html'}" in done.stdout
    assert "<title>Three hidden layers of ReLU, squared error</title>" in (pair[0] / "report.html").read_text()


def test_out_and_json(call, pair, tmp_path):
    path = tmp_path / "mine.html"
    found = json.loads(call("report", str(pair[0]), "--out", str(path), "--json").stdout)
    assert found["page"] == str(path)
    assert path.exists()
    assert found["metrics"]["test"]["loss"] > 0


def test_several_are_told_apart_by_what_differs(call, pair, tmp_path):
    path = tmp_path / "both.html"
    done = call("report", *map(str, pair), "--out", str(path))
    assert done.code == 0
    assert done.stdout.splitlines()[0].split()[:2] == ["RUN", "OPTIMIZER.LR"]
    assert done.stdout.splitlines()[2].split()[:2] == ["disk-0.5", "0.5"]
    assert "2 runs side by side" in path.read_text()
    found = json.loads(call("report", *map(str, pair), "--json").stdout)
    assert [each["differs"] for each in found["runs"]] == [{"optimizer.lr": "0.1"}, {"optimizer.lr": "0.5"}]
    assert not (pair[1] / "report.html").exists()


def test_what_is_no_run_is_one_line(call, tmp_path):
    done = call("report", str(tmp_path / "nothing"))
    assert done.code == 2
    assert "there is no folder" in done.stderr
