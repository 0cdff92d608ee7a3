"""``corenet train``: a table, a set or a file in, the folder of a run out, which nothing overwrites."""

import json
import random
import sys
from pathlib import Path

import pytest

import corenet as cn
from corenet.experiments import run_folder
from corenet.training.going_on.folder import Folder

pytest.importorskip("polars")

FILES = {"curves.png", "experiment.toml", "history.jsonl", "model.safetensors", "report.html", "results.json"}


@pytest.fixture
def people(tmp_path):
    """A messy table: gaps, words, text labels, a counter, a column of one value."""
    draw = random.Random(0)
    rows = ["id;age;city;planet;vote"]
    for number in range(1, 121):
        age, city = draw.randint(18, 80), draw.choice(["Köln", "Bonn", ""])
        shown = "?" if draw.random() < 0.1 else age
        rows.append(f"{number};{shown};{city};Earth;{'yes' if (age > 45) != (city == 'Bonn') else 'no'}")
    (tmp_path / "people.csv").write_text("\n".join(rows), encoding="utf-8")


@pytest.fixture
def quick(call):
    """Train for three epochs: ``quick("people.csv", "--target", "vote")``."""
    return lambda *arguments: call("train", *arguments, "--epochs", 3)


@pytest.mark.usefixtures("people")
def test_a_table_is_enough(quick, tmp_path):
    pytest.importorskip("matplotlib")
    code, stdout, stderr = quick("people.csv", "--target", "vote")
    assert code == 0, stderr
    lines = stdout.splitlines()
    assert lines[0].startswith("people.csv: 120 rows, ")
    assert any(line.split()[:3] == ["id", "—", "left"] for line in lines)
    assert any(line.split()[:2] == ["city", "category"] for line in lines)
    assert "rows: 72 train, 24 valid, 24 test" in lines
    assert any(line.split() == ["METRIC", "TRAIN", "VALID", "TEST", "BASELINE"] for line in lines)
    assert lines[-1] == "all of it is in runs/people-1/; next: corenet predict runs/people-1 NEW.csv"
    assert "epoch 3/3" in stderr
    assert "valid" in stderr
    run = tmp_path / "runs" / "people-1"
    assert {path.name for path in run.iterdir()} >= FILES
    assert cn.load(run).table.classes == ("no", "yes")


@pytest.mark.usefixtures("people")
def test_each_run_has_a_folder_of_its_own_and_the_same_seed_the_same_results(quick, tmp_path):
    found = [json.loads(quick("people.csv", "--target", "vote", "--seed", seed, "--json").stdout) for seed in (3, 3, 4)]
    assert [each["run"] for each in found] == ["runs/people-1", "runs/people-2", "runs/people-3"]
    assert found[0]["metrics"] == found[1]["metrics"] != found[2]["metrics"]
    assert found[0] | {"run": "", "seconds": 0} == {
        **json.loads((tmp_path / "runs/people-1/results.json").read_text(encoding="utf-8")),
        "run": "",
        "seconds": 0,
    }


@pytest.mark.usefixtures("people")
def test_the_file_of_a_run_trains_the_same_again(quick, call):
    first = json.loads(quick("people.csv", "--target", "vote", "--hidden", "8,4", "--json").stdout)
    again = json.loads(call("train", "runs/people-1/experiment.toml", "--json", "--out", "again").stdout)
    assert again["metrics"] == first["metrics"]
    recipe = run_folder("again").experiment.recipe
    assert (recipe.network["hidden"], recipe.epochs, recipe.optimizer["name"]) == ([8, 4], 3, "adam")
    assert recipe.data["columns"] == {
        "id": "drop",
        "age": "number",
        "city": "category",
        "planet": "drop",
        "vote": "category",
    }


def test_rounds_are_folders_and_a_mean(quick, tmp_path):
    found = json.loads(quick("iris", "--rounds", 2, "--json").stdout)
    assert found["rounds"] == ["round-1", "round-2"]
    each = [run_folder(tmp_path / "runs/iris-1" / name).results for name in found["rounds"]]
    accuracy = found["metrics"]["test"]["accuracy"]
    assert accuracy["rounds"] == [one["metrics"]["test"]["accuracy"] for one in each]
    assert accuracy["mean"] == pytest.approx(sum(accuracy["rounds"]) / 2)
    assert [one["seed"] for one in each] == [0, 1]
    alone = json.loads(quick("iris", "--seed", 1, "--json").stdout)
    assert alone["metrics"] == each[1]["metrics"]


def test_quiet_is_one_line(quick):
    code, stdout, stderr = quick("moons", "--quiet")
    assert (code, stderr) == (0, "")
    assert stdout == "all of it is in runs/moons-1/; next: corenet predict runs/moons-1 NEW.csv\n"


def test_numbers_are_measured_in_their_own_units(quick):
    found = json.loads(quick("diabetes", "--json").stdout)
    assert found["task"] == "values"
    assert found["baseline"]["test"]["rmse"] > 40  # of targets from 25 to 346
    assert found["metrics"]["test"]["rmse"] < found["baseline"]["test"]["rmse"]
    found = json.loads(quick("diabetes", "--set", 'metrics=["rmse", "r2"]', "--set", "callbacks=[]", "--json").stdout)
    last = run_folder(Path(found["run"])).history()[-1]  # asked for, it is recorded as well
    assert last["valid_rmse"] == pytest.approx(found["metrics"]["valid"]["rmse"])
    assert found["baseline"]["test"]["rmse"] > 40


def test_numbers_near_the_largest_are_learnt_from(quick, tmp_path):
    (tmp_path / "large.csv").write_text("x,y\n" + "".join(f"{i % 9}e307,{i % 2}\n" for i in range(60)))
    assert quick("large.csv", "--target", "y", "--quiet").code == 0


def test_an_own_network_in_a_python_file_goes_along(call, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import own_layers.affine\ndef make(inputs, outputs):\n    return own_layers.affine.network(inputs, outputs)\n"
    )
    (tmp_path / "own_layers").mkdir()
    (tmp_path / "own_layers/__init__.py").touch()
    (tmp_path / "own_layers/affine.py").write_text(
        "import corenet as cn\nfrom own_depth import LAYERS\ndef network(inputs, outputs):\n"
        "    return cn.Sequential(*[cn.Linear(inputs, outputs)] * LAYERS)\n"
    )
    (tmp_path / "own_depth.py").write_text("LAYERS = 1\n")
    (tmp_path / "unasked.py").touch()
    (tmp_path / "mine.toml").write_text('data = "iris"\nnetwork = "mine.py:make"\nepochs = 1\n')
    assert call("train", "mine.toml", "--quiet").code == 0
    copied = {path.relative_to(tmp_path / "runs/mine-1").as_posix() for path in tmp_path.rglob("runs/mine-1/**/*.py")}
    assert copied == {"mine.py", "own_layers/__init__.py", "own_layers/affine.py", "own_depth.py"}
    assert len(cn.load("runs/mine-1").model) == 1


def test_without_matplotlib_it_says_so(quick, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, stdout, _ = quick("moons")
    assert (code, stdout.count("no figures: ")) == (0, 1)
    assert not (tmp_path / "runs/moons-1/curves.png").exists()


def test_a_run_that_is_being_trained_is_not_replaced(quick, tmp_path):
    assert quick("moons", "--out", "mine", "--quiet").code == 0
    (tmp_path / "mine" / "results.json").unlink()
    first = (tmp_path / "mine" / "history.jsonl").read_bytes()
    with Folder(tmp_path / "mine" / "checkpoint", keep=1).owned():
        code, stdout, stderr = quick("moons", "--out", "mine", "--force")
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert stderr.startswith("corenet: another training writes to mine/checkpoint; choose another folder")
    assert (tmp_path / "mine" / "history.jsonl").read_bytes() == first
    assert quick("moons", "--out", "mine", "--quiet", "--force").code == 0


def test_a_run_is_not_overwritten_without_force(quick, tmp_path):
    assert quick("moons", "--out", "mine", "--quiet").code == 0
    first = (tmp_path / "mine" / "history.jsonl").read_bytes()
    code, stdout, stderr = quick("moons", "--out", "mine")
    assert (code, stdout) == (2, "")
    assert stderr == "corenet: mine is there already; choose another folder by --out, or replace it by --force\n"
    assert (tmp_path / "mine" / "history.jsonl").read_bytes() == first
    assert quick("moons", "--out", "mine", "--seed", 5, "--quiet", "--force").code == 0
    assert (tmp_path / "mine" / "history.jsonl").read_bytes() != first
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.png").write_bytes(b"me")
    code, _, stderr = quick("moons", "--out", "photos", "--force")
    assert (code, stderr) == (2, "corenet: photos is there and is no folder of a run; choose another by --out\n")
    assert (tmp_path / "photos" / "me.png").read_bytes() == b"me"
