"""What a saved model says of the rows of a file: in the labels' words, all rows or none, and what is refused."""

import json
import random
from pathlib import Path

import pytest
import torch

import corenet as cn

pl = pytest.importorskip("polars")

CITIES = ("Köln", "Bonn", "Ulm")


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """Write a table and a model of it, and return its rows."""
    monkeypatch.chdir(tmp_path)
    generator = torch.Generator().manual_seed(int(torch.randint(2**31, ())))
    ages = torch.randint(18, 80, (40,), generator=generator).tolist()
    rows = [{"age": age, "city": CITIES[n % 3], "vote": ["no", "yes"][n % 2]} for n, age in enumerate(ages)]
    pl.DataFrame(rows).write_csv("train.csv")
    table = cn.table("train.csv", target="vote")
    cn.save("model.safetensors", cn.Linear(4, 2), loss=cn.CrossEntropyLoss(), table=table)
    Path("run").mkdir()
    Path("run", "model.safetensors").write_bytes(Path("model.safetensors").read_bytes())
    return rows


def expected(rows):
    """Return the labels and the probability of the last class, by the coding and the model themselves."""
    found = cn.load("model.safetensors")
    output = cn.predict(found.model, found.table.inputs(pl.DataFrame(rows)))
    return found.table.labels(output), output.softmax(1)[:, 1].tolist()


READERS = {"out.csv": pl.read_csv, "out.tsv": lambda path: pl.read_csv(path, separator="\t"), "o.pq": pl.read_parquet}


@pytest.mark.parametrize(
    ("name", "source"), [("out.csv", "new.csv"), ("out.tsv", "new.parquet"), ("o.pq", "new.arrow")]
)
def test_each_row_is_written_with_what_is_predicted_beside(call, rows, monkeypatch, name, source):
    monkeypatch.setattr("corenet.tables.predicting.ROWS", 7)  # so that there are several pieces
    new = pl.DataFrame(rows).drop("vote").select(pl.lit("x").alias("name"), "city", "age")  # another order, one more
    {"csv": new.write_csv, "parquet": new.write_parquet, "arrow": new.write_ipc}[source.partition(".")[2]](source)
    code, stdout, stderr = call("predict", "run", source, "--out", name, "--probabilities")
    assert (code, stdout) == (0, f"{name}: 40 rows\n")
    assert "not read, as the model has no such columns: name" in stderr
    found, (labels, probable) = READERS[name](name), expected(rows)
    assert found.columns == ["name", "city", "age", "predicted_vote", "probability_no", "probability_yes"]
    assert found["city"].to_list() == new["city"].to_list()
    assert found["predicted_vote"].to_list() == labels
    assert found["probability_yes"].to_list() == pytest.approx(probable, abs=1e-6)
    assert (found["probability_no"] + found["probability_yes"]).to_list() == pytest.approx([1.0] * 40)


def test_without_a_file_the_first_rows_are_shown(call, rows):
    code, stdout, _ = call("predict", "model.safetensors", "train.csv")
    lines, (labels, _) = stdout.splitlines(), expected(rows)
    assert code == 0
    assert [line.split()[-1] for line in lines[1:21]] == labels[:20]
    assert lines[21:] == ["", "the first 20 rows; --out FILE writes all"]
    found = json.loads(call("predict", "model.safetensors", "train.csv", "--json").stdout)
    assert (found["rows"], found["unused"], found["predictions"]) == (40, [], {"predicted_vote": labels})


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"city": "Rom"}, "row 31, column 'city' is 'Rom', which training had not; correct it, or take it as none of"),
        ({"age": None}, "row 31, column 'age' is missing, which training had not; correct it, or take it as the mean"),
        ({"age": "old"}, "row 31, column 'age' is 'old', not a finite number; correct the cell"),
    ],
)
def test_a_cell_unlike_the_trainings_is_refused_and_nothing_is_left_behind(call, rows, monkeypatch, cells, said):
    monkeypatch.setattr("corenet.tables.predicting.ROWS", 7)
    new = [{name: str(cell) for name, cell in row.items()} for row in rows]
    new[30] |= cells
    pl.DataFrame(new).write_csv("new.csv")
    Path("old.csv").write_text("kept")
    before = sorted(Path().iterdir())
    code, stdout, stderr = call("predict", "model.safetensors", "new.csv", "--out", "old.csv", "--force")
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert f"new.csv, {said}" in stderr
    assert (Path("old.csv").read_text(), sorted(Path().iterdir())) == ("kept", before)


def test_what_is_unseen_may_be_taken_as_none(call, rows):
    new = pl.DataFrame([*rows, rows[0] | {"city": "Rom"}])
    new.write_csv("new.csv")
    code, _, stderr = call("predict", "model.safetensors", "new.csv", "--out", "o.csv", "--allow-unseen")
    assert code == 0
    assert "row 41, column 'city' is 'Rom', which training had not; taken as none of the values" in stderr
    assert len(stderr.splitlines()) == 1
    assert pl.read_csv("o.csv").height == 41


def test_what_cannot_be_is_one_line(call, rows, tmp_path):
    cn.save("bare.safetensors", cn.Linear(4, 2))
    pl.DataFrame(rows).select("city").write_csv("short.csv")
    pl.DataFrame(rows).rename({"vote": "predicted_vote"}).write_csv("again.csv")
    Path("none.csv").write_text("age,city\n")
    Path("broken.parquet").write_bytes(b"PAR1 and no more")
    for arguments, said in [
        (("model.safetensors", "broken.parquet"), "broken.parquet is no .parquet file that can be read"),
        (("model.safetensors", "train.csv", "--out", "train.csv"), "train.csv is there already; name another file, or"),
        (("model.safetensors", "train.csv", "--out", "o.xlsx"), "there are .csv, .tsv, .parquet"),
        (("model.safetensors", "train.csv", "--out", "no/o.csv"), "there is no folder"),
        (("bare.safetensors", "train.csv"), "save it so: cn.save(path, model, loss=loss, table=table)"),
        (("model.safetensors", "short.csv"), "short.csv has no column 'age'; it has city"),
        (("model.safetensors", "again.csv", "--out", "o.csv"), "has the column 'predicted_vote' already"),
        (("model.safetensors", "none.csv"), "none.csv has a header and no row below it"),
        (("nothing", "train.csv"), "nothing"),
        (("run", "nothing.csv"), "there is no file nothing.csv"),
    ]:
        code, stdout, stderr = call("predict", *arguments)
        assert (code, stdout, stderr.count("\n"), said in stderr) == (2, "", 1, True), stderr
    assert not Path("o.csv").exists()


def test_numbers_come_back_in_their_own_units(call, rows):
    table = cn.table("train.csv", target="age")
    model = cn.Linear(5, 1, init="zeros").to(torch.float64)
    cn.save("age.safetensors", model, table=table)
    assert call("predict", "age.safetensors", "train.csv", "--out", "o.parquet").code == 0
    mean = sum(row["age"] for row in rows) / len(rows)
    assert pl.read_parquet("o.parquet")["predicted_age"].to_list() == pytest.approx([mean] * 40)
    code, _, stderr = call("predict", "age.safetensors", "train.csv", "--probabilities")
    assert (code, "'age' is a number and has no probabilities" in stderr) == (2, True)


@pytest.mark.parametrize("source", ["order", "order/*.csv"])
def test_the_files_of_a_folder_or_a_pattern_come_one_after_the_other(call, rows, source):
    Path("order").mkdir()
    table, cut = pl.DataFrame(rows), random.randint(1, 39)
    table[:cut].write_csv("order/1.csv")
    table[cut:].select(reversed(table.columns)).write_csv("order/2.csv")
    assert call("predict", "model.safetensors", source, "--out", "o.csv").code == 0
    labels, _ = expected(rows)
    assert pl.read_csv("o.csv")["predicted_vote"].to_list() == labels
    found = json.loads(call("evaluate", "model.safetensors", source, "--json").stdout)
    assert (found["points"], found["table"]) == (40, source)


def test_a_file_of_other_columns_and_a_row_of_it_are_named(call, rows):
    Path("order").mkdir()
    pl.DataFrame(rows).write_csv("order/1.csv")
    pl.DataFrame(rows).with_columns(more=1).write_csv("order/2.csv")
    code, _, stderr = call("predict", "model.safetensors", "order", "--out", "o.csv")
    assert (code, Path("o.csv").exists()) == (2, False)
    assert "order/2.csv has the columns" in stderr
    pl.DataFrame([*rows[:2], rows[2] | {"city": "Rom"}]).write_csv("order/2.csv")
    stderr = call("predict", "model.safetensors", "order", "--out", "o.csv").stderr
    assert "order/2.csv, row 3, column 'city' is 'Rom'" in stderr


@pytest.mark.parametrize("command", [("predict", "model.safetensors"), ("evaluate", "model.safetensors"), ("train",)])
def test_a_pattern_that_the_shell_has_taken_apart_is_to_be_quoted(call, command):
    code, stdout, stderr = call(*command, "order/1.csv", "order/2.csv", "order/3.csv")
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert "3 files are named, order/3.csv the last" in stderr
    assert "quote a pattern, so that the shell leaves it as it is: 'order/*.csv'" in stderr
