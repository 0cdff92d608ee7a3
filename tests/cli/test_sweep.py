"""``corenet sweep``: the best experiment as a file, all trials as a table, mistakes in one line."""

import json

import pytest

pytest.importorskip("optuna")

LINE = """
data = { draw = "sine", points = 40 }
network = { modules = [["linear", 1, 8], ["tanh"], ["linear", 8, 1]] }
loss = "mse"
epochs = 4
batch_size = 20
optimizer = { name = "sgd", lr = 0.1 }
"""
PARAM = ("--param", "optimizer.lr=log:1e-4:1e-1")


@pytest.fixture
def line(tmp_path):
    (tmp_path / "line.toml").write_text(LINE, encoding="utf-8")


def test_it_shows_the_best_and_says_where_they_are(call, line, tmp_path):
    code, stdout, stderr = call("sweep", "line.toml", *PARAM, "--trials", "3")
    assert code == 0
    assert stdout.splitlines()[1].split() == ["TRIAL", "LOSS", "OPTIMIZER.LR"]
    assert "3 trials, 0 of them given up early" in stdout
    assert (tmp_path / "sweeps" / "line" / "best.toml").is_file()
    assert "1/3" in stderr


def test_json_alone(call, line):
    code, stdout, stderr = call("sweep", "line.toml", *PARAM, "--trials", "3", "--json")
    found = json.loads(stdout)
    assert (code, stderr, found["schema"], found["trials"], found["direction"]) == (0, "", 1, 3, "minimize")
    assert [each["value"] for each in found["best"]] == sorted(each["value"] for each in found["best"])


def test_a_drawn_experiment_by_its_id_and_entries_changed_for_all(call, tmp_path):
    code, _, _ = call(
        "sweep", "003a", *PARAM, "--set", "epochs=1", "--set", "engine=plain", "--trials", "1", "--out", "found"
    )
    assert code == 0
    assert 'engine = "plain"' in (tmp_path / "found" / "best.toml").read_text(encoding="utf-8")


def test_a_search_that_was_refused_leaves_the_folder_for_the_right_one(call, line):
    code, _, stderr = call("sweep", "line.toml", "--param", "nope=1:2", "--trials", "1", "--out", "found")
    assert (code, stderr.count("\n")) == (2, 1)
    assert call("sweep", "line.toml", *PARAM, "--trials", "1", "--out", "found").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("line.toml",), "say what to try, as in --param optimizer.lr=log:1e-3:1"),
        (("line.toml", "--param", "optimizer.lr"), "--param optimizer.lr: say the entry and its values"),
        (("lime.toml", *PARAM), "cannot read lime.toml"),
        (("003x", *PARAM), "there is no experiment '003x'"),
        (("line.toml", *PARAM, "--metric", "losss"), "corenet: there is no metric 'losss'"),
        (("line.toml", *PARAM, "--storage", "no/where/j.log"), "no/where/j.log: there is no folder no/where"),
        (("line.toml", *PARAM, "--storage", "sqlite:///no/where/x.db"), "there is no folder no/where"),
        (("line.toml", *PARAM, "--storage", " "), "its name is empty"),
        (("line.toml", *PARAM, "--storage", "nodb://here"), "cannot open the storage nodb://here"),
        (("line.toml", "--param", "nothing=1:2"), "corenet: --param: unknown entry 'nothing'"),
        (("line.toml", "--param", "epochs=0:3"), "corenet: --param: epochs must be an integer ≥ 1, not 0"),
        (("line.toml", *PARAM, "--set", "epochs=0"), "corenet: --set: epochs must be an integer ≥ 1, not 0"),
        (("line.toml", *PARAM, "--set", "epochs"), "--set epochs: say the entry and its value"),
    ],
)
def test_a_mistake_is_one_line(call, line, arguments, message):
    code, stdout, stderr = call("sweep", *arguments, "--trials", "1")
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert message in stderr
