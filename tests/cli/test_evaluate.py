"""A saved model measured on a table, beside a baseline."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import corenet as cn
from corenet.text_width import display_width

pytest.importorskip("polars")
measured = pytest.importorskip("sklearn.metrics")


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Save a random model of a bundled set, and return its coding and its outputs on all rows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("corenet.tables.predicting.ROWS", 50)

    def run(name, loss):
        coding = cn.table(name).coding
        model = cn.Linear(coding.in_features, coding.out_features)
        cn.save("model.safetensors", model, loss=loss, table=coding)
        return coding, cn.predict(model, coding.inputs(name)), coding.targets(name)

    return run


def test_classes(saved, call):
    coding, output, targets = saved("iris", cn.CrossEntropyLoss())
    code, stdout, _ = call("evaluate", "model.safetensors", "iris", "--json")
    found, read = json.loads(stdout), output.argmax(1)
    accuracy = (read == targets).double().mean().item()
    assert (code, found["points"], found["classes"]) == (0, 150, list(coding.classes))
    assert found["metrics"] == pytest.approx(
        {
            "loss": measured.log_loss(targets, output.double().softmax(1)),
            "accuracy": accuracy,
            "macro_f1": measured.f1_score(targets, read, average="macro"),
        }
    )
    assert found["baseline"] == pytest.approx({"loss": np.log(3), "accuracy": 1 / 3, "macro_f1": 1 / 6})
    assert found["confusion"] == measured.confusion_matrix(targets, read).tolist()
    code, stdout, _ = call("evaluate", "model.safetensors", "iris")
    assert "always 'setosa'" in stdout
    assert max(map(len, stdout.splitlines())) <= 80


def test_numbers(saved, call):
    coding, output, targets = saved("diabetes", cn.MSELoss())
    found = json.loads(call("evaluate", "model.safetensors", "diabetes", "--json").stdout)
    predicted, given = (each[:, 0].double() * coding.target.std + coding.target.mean for each in (output, targets))
    assert found["metrics"] == pytest.approx(
        {
            "loss": (output - targets).square().mean().item(),
            "rmse": measured.root_mean_squared_error(given, predicted),
            "mae": measured.mean_absolute_error(given, predicted),
            "r2": measured.r2_score(given, predicted),
        },
        rel=1e-5,
    )
    assert found["baseline"]["rmse"] == pytest.approx(given.std(correction=0).item(), rel=1e-5)
    assert found["baseline"]["r2"] == pytest.approx(0, abs=1e-9)
    residuals = predicted - given
    assert found["residuals"]["least"] == pytest.approx(residuals.min().item(), rel=1e-4)
    assert found["residuals"]["largest"] == pytest.approx(residuals.max().item(), rel=1e-4)
    assert found["residuals"]["median"] == pytest.approx(residuals.median().item(), abs=1)


def test_more_classes_than_a_line_has_room_for_are_listed(saved, call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    saved("digits", cn.CrossEntropyLoss())
    _, stdout, _ = call("evaluate", "model.safetensors", "digits")
    assert "COUNT  IS  READ AS" in stdout
    assert max(map(display_width, stdout.splitlines())) <= 40


def test_a_label_that_is_no_class_is_one_line(saved, call):
    saved("iris", None)
    names = ",".join(cn.table("iris").rows.names)
    Path("new.csv").write_text(f"{names}\n5,3,1,0.2,setosa\n5,3,1,0.2,rose\n")
    code, stdout, stderr = call("evaluate", "model.safetensors", "new.csv")
    assert (code, stdout) == (2, "")
    assert "new.csv, row 2, column 'target' is 'rose', no class of the training (setosa, versicolor" in stderr
    Path("new.csv").write_text(f"{names}\n5,3,1,0.2,setosa\n")
    found = json.loads(call("evaluate", "model.safetensors", "new.csv", "--json").stdout)
    assert "loss" not in found["metrics"]  # nobody knows it
    assert found["baseline"] == {"accuracy": 1, "macro_f1": 1}  # setosa, of classes that were as many
    assert torch.tensor(found["confusion"]).sum() == 1


def test_train_and_evaluate_say_the_same_of_the_same_rows(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    rows = [f"{i % 7},{'no' if i % 3 else 'yes'}" for i in range(90)]
    Path("votes.csv").write_text("\n".join(["x,vote", *rows]) + "\n")
    _, stdout, _ = call("train", "votes.csv", "--target", "vote", "--epochs", "2", "--set", "data.test=0", "--json")
    run = json.loads(stdout)
    assert list(run["metrics"]["train"]) == ["loss", "accuracy", "macro_f1"]
    found = json.loads(call("evaluate", run["run"], "votes.csv", "--json").stdout)
    confusion = np.sum([run["confusion"][part] for part in ("train", "valid")], axis=0)
    assert (found["confusion"], found["baseline_is"]) == (confusion.tolist(), run["baseline"]["is"])
    Path("all_yes.csv").write_text("x,vote\n1,yes\n")  # the baseline is still what training would say
    found = json.loads(call("evaluate", run["run"], "all_yes.csv", "--json").stdout)
    assert (found["baseline_is"], found["baseline"]["accuracy"]) == ("always 'no'", 0)
    assert found["baseline"]["loss"] == pytest.approx(np.log(3), rel=0.05)
