"""The three commands of the README, as they stand there: on a table that scikit-learn has, and on a messy one."""

import csv
import json
import random
import re
import shlex
from pathlib import Path

import pytest

import corenet as cn
from corenet.experiments import run_folder

pytest.importorskip("polars")
README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def commands():
    """Return the commands of the section, for a table: ``commands("people", "vote")``."""
    section = README.read_text(encoding="utf-8").partition("## Your own table in three commands")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)[1]
    lines = [line.partition("#")[0] for line in block.splitlines() if line.startswith("corenet")]
    assert len(lines) == 3
    return lambda name, target: [
        shlex.split(line.replace("people", name).replace("vote", target))[1:] for line in lines
    ]


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def patients():
    sklearn = pytest.importorskip("sklearn.datasets")
    found = sklearn.load_breast_cancer()
    rows = zip(found.data, found.target_names[found.target], strict=True)
    return [dict(zip(found.feature_names, row, strict=True)) | {"diagnosis": str(name)} for row, name in rows]


def people():
    draw, rows = random.Random(1), []
    for number in range(1, 401):
        age, city = draw.randint(18, 80), draw.choice(["Köln", "Bonn", "Ulm"])
        vote = "yes, of course" if (age > 45) != (city == "Bonn") else "no"
        gaps = {"age": draw.choice([age] * 9 + ["n/a"]), "city": draw.choice([city] * 9 + [""])}
        rows.append({"id": number, **gaps, "owner": draw.choice(["true", "false"]), "vote": vote})
    return rows


@pytest.mark.parametrize(("table", "target", "least"), [(patients, "diagnosis", 0.94), (people, "vote", 0.8)])
def test_from_a_table_to_predictions(call, commands, tmp_path, table, target, least):
    rows, name = table(), table.__name__
    write(tmp_path / f"{name}.csv", rows)
    write(tmp_path / "new.csv", [{key: value for key, value in row.items() if key != target} for row in rows[:30]])
    train, predict, report = commands(name, target)
    code, stdout, stderr = call(*train)
    assert code == 0, stderr
    assert stdout.splitlines()[-1].startswith(f"all of it is in runs/{name}-1/; next: corenet predict runs/{name}-1")
    assert call(*predict)[0] == 0
    with (tmp_path / "predicted.csv").open(encoding="utf-8", newline="") as file:
        predicted = [row[f"predicted_{target}"] for row in csv.DictReader(file)]
    right = sum(said == row[target] for said, row in zip(predicted, rows, strict=False))
    assert right >= 0.8 * len(predicted) == 24
    assert call(*report)[0] == 0
    run = run_folder(tmp_path / "runs" / f"{name}-1")
    assert run.results["metrics"]["test"]["accuracy"] >= least
    assert "<html" in (run.path / "report.html").read_text(encoding="utf-8")
    assert sorted(cn.load(run.path).table.classes) == sorted({row[target] for row in rows})
    assert json.loads((run.path / "results.json").read_text(encoding="utf-8")) == run.results
