"""``corenet reproduce``: experiments by id or by file, as a table, as files, as figures."""

import json
import sys

import pytest

FIGURES = {
    f"short-{recipe}-{figure}.png" for recipe in ("reported", "better") for figure in ("points", "map", "curves")
}


def written(folder):
    return {path.name for path in folder.iterdir()}


def test_without_an_id_it_lists_the_experiments(call, tmp_path):
    code, stdout, stderr = call("reproduce")
    assert (code, stderr) == (0, "")
    ids = [line.split()[0] for line in stdout.splitlines() if line[:1].isdigit()]
    assert ids == ["000", "001a", "001b", "002", "003a", "003b", "004", "004b"]
    assert "reported: train error 0.032, test error 0.042; " in stdout
    assert list(tmp_path.iterdir()) == []


def test_the_list_as_json(call):
    found = json.loads(call("reproduce", "--json")[1])
    assert (list(found), found["schema"]) == (["schema", "experiments"], 1)
    row = next(each for each in found["experiments"] if each["id"] == "003a")
    assert row["reported"] == {"train_error": 0.032, "test_error": 0.042}
    assert (set(row), row["distribution"]) == ({"id", "distribution", "title", "source", "reported"}, "corenet")


def test_a_file_is_trained_with_both_recipes(call, short, tmp_path):
    pytest.importorskip("matplotlib")
    code, stdout, stderr = call("reproduce", short(), "--rounds", 2, "--out", "there")
    assert (code, stderr) == (0, "short reported: 2 × 2 epochs\nshort better: 2 × 2 epochs\n")
    for words in (["short", "reported"], ["short", "better"], ["short", "better:", "a", "larger", "rate"]):
        assert any(line.split()[: len(words)] == words for line in stdout.splitlines()), stdout
    assert stdout.endswith("figures and tables in there/\n")
    assert written(tmp_path / "there") == FIGURES | {"results.json", "results.md"}
    assert all((tmp_path / "there" / name).read_bytes().startswith(b"\x89PNG") for name in FIGURES)
    table = (tmp_path / "there" / "results.md").read_text(encoding="utf-8")
    assert table.startswith("| ID | RECIPE | FIGURE |")
    assert "| short | better |" in table


def test_json_is_what_the_file_has(call, short, tmp_path):
    code, stdout, stderr = call("reproduce", short(), "--recipe", "better", "--json", "--out", "there")
    assert code == 0
    assert "epochs" not in stderr
    assert stdout == (tmp_path / "there" / "results.json").read_text(encoding="utf-8")
    found = json.loads(stdout)
    assert (list(found), found["schema"]) == (["schema", "machine", "outcomes"], 1)
    (outcome,) = found["outcomes"]
    assert (outcome["experiment"], outcome["recipe"], outcome["met"]) == ("short", "better", True)
    assert len(outcome["measured"]["test_error"]["rounds"]) == 1


def test_one_seed_gives_one_result(call, short):
    def errors(seed):
        stdout = call("reproduce", short(), "--recipe", "reported", "--json", "--seed", seed)[1]
        return json.loads(stdout)["outcomes"][0]["measured"]["test_error"]["rounds"]

    one, same, other = errors(1), errors(1), errors(2)
    assert one == same
    assert one != other


def test_a_figure_that_is_missed_is_no_failure_of_the_command(call, short):
    code, stdout, _ = call("reproduce", short(reported=0.0), "--recipe", "better", "--json")
    assert (code, json.loads(stdout)["outcomes"][0]["met"]) == (0, False)


def test_without_matplotlib_it_goes_on_and_says_so_once(call, short, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, stdout, stderr = call("reproduce", short(), short("other"))
    assert code == 0
    assert "other" in stdout
    assert stderr.splitlines()[0] == 'no figures: figures need matplotlib; run: pip install "corenet[plot]"'
    assert stderr.count("matplotlib") == 1
    assert written(tmp_path / "corenet-reproduce") == {"results.json", "results.md"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read bad.toml: "),
        ("title = ", "bad.toml: not a TOML file: "),
        ("title = 'x'\nepochs = 3", "bad.toml: data missing"),
    ],
)
def test_a_bad_file_is_one_line(call, tmp_path, content, message):
    if content is not None:
        (tmp_path / "bad.toml").write_text(content, encoding="utf-8")
    code, stdout, stderr = call("reproduce", "bad.toml")
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert stderr.startswith(f"corenet: {message}")


def test_one_unknown_id_stops_before_any_training(call, short, monkeypatch):
    monkeypatch.setattr("corenet.experiments.run", None)
    assert call("reproduce", short(), "nothing")[0] == 2


@pytest.mark.parametrize("value", ["0", "-1", "x"])
def test_the_number_of_rounds_is_checked(call, value):
    code, _, stderr = call("reproduce", "003a", "--rounds", value)
    assert (code, stderr.count("\n")) == (2, 1)
    assert stderr.startswith("corenet: Invalid value for '--rounds'")


@pytest.mark.parametrize("option", ["--rounds", "--seed"])
def test_an_option_of_a_training_needs_something_to_train(call, option):
    message = f"corenet: {option} needs an ID to run, or --all; corenet reproduce lists the IDs\n"
    assert call("reproduce", option, 3) == (2, "", message)


def test_every_option_of_a_training_is_one_that_needs_something_to_train(call):
    for option, value in (("--recipe", "both"), ("--device", "cpu"), ("--out", "here")):  # the defaults, given
        assert call("reproduce", option, value)[0] == 2


def test_workers_give_what_one_process_does(call, short):
    def rounds(*workers):
        asked = ("--recipe", "better", "--json", "--rounds", 3, *workers)
        (outcome,) = json.loads(call("reproduce", short(), *asked)[1])["outcomes"]
        return [outcome["measured"][figure]["rounds"] for figure in ("train_error", "test_error")]

    assert rounds("--workers", 2) == rounds()
