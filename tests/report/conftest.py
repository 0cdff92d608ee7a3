"""Networks to trace, a plugin's layers, one right, one wrong, one whose text is markup; and runs with their pages."""

import csv
import random

import pytest
import torch

import corenet as cn
from corenet.experiments import experiment
from corenet.experiments.experiment import of_table
from corenet.experiments.train_run import train_run
from corenet.report.run.page import page
from corenet.report.trace.step_trace import trace_step


class Minus(cn.Module):
    """A layer whose backward has a sign too many."""

    def forward(self, input):
        self.save(input)
        return input**2

    def backward(self, grad_output):
        (input,) = self.saved()
        return -2 * input * grad_output  # <b>a sign & too many</b>

    def __repr__(self):
        return "Minus(<script>alert('x')</script>)"


class Single(cn.Module):
    """A right layer that cannot be checked."""

    def forward(self, input):
        if input.dtype == torch.float64:
            raise RuntimeError("float32 only")
        return input

    def backward(self, grad_output):
        return grad_output


@pytest.fixture(scope="session")
def minus():
    return Minus


@pytest.fixture(scope="session")
def single():
    return Single


@pytest.fixture(scope="session")
def traced():
    """Return the trace of one step on the disk: ``traced(module, ...)``."""

    def make(*modules, loss=None, points=20):
        model = cn.Sequential(*modules)
        data = cn.data.disk(points, seed=0)
        optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9)
        return trace_step(model, loss or cn.MSELoss(), optimizer, data.inputs, data.targets)

    return make


@pytest.fixture(scope="session")
def small(traced):
    torch.manual_seed(0)
    return traced(cn.Linear(2, 4), cn.ReLU(), cn.Dropout(0.5), cn.Linear(4, 1), cn.Sigmoid(), loss=cn.BCELoss())


HOSTILE = "</td></style><script>alert(1)</script><img src=x onerror='alert(2)'>\u202e"


def people(path, rows=240):
    """Write a table that has gaps, words, markup in a name, in a value and in a class, and a target to be learnt."""
    draw = random.Random(3)
    lines = []
    for number in range(rows):
        age, city = draw.randint(18, 90), draw.choice(["Ulm", "Bonn", HOSTILE, ""])
        vote = HOSTILE if age + 30 * (city == "Ulm") > 60 else "no"
        lines.append([number, "" if draw.random() < 0.1 else age, city, draw.choice("xyz"), vote])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["number", "age", f"city{HOSTILE}", "noise", "vote"], *lines])
    return path


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Return the folders of three runs: of classes, of values in two rounds, and of drawn points."""
    folder = tmp_path_factory.mktemp("runs")
    table = people(folder / "people.csv")
    experiments = {
        "people": of_table(str(table), ["data.target=vote", "epochs=30", "optimizer.lr=0.01"]),
        "diabetes": of_table("diabetes", ["epochs=8", "rounds=2", "network.hidden=[8]"]),
        "disk": experiment("003b", ["epochs=3"]),
    }
    return {name: train_run(each, folder / name) for name, each in experiments.items()}


@pytest.fixture(scope="session")
def pages(runs):
    return {name: page(run.path) for name, run in runs.items()}
