"""The coding of new rows, the labels of outputs, and the description in a file."""

import json
import warnings

import numpy as np
import polars as pl
import pytest
import torch

import corenet as cn
from corenet.tables import delimited
from corenet.tables.coding import TableCoding

ROWS = {
    "age": [31, None, 22, 19, 47, 35],
    "city": ["Ulm", "Bonn", "Ulm", "", "Bonn", "Köln"],
    "pets": [0, 3, 1, 0, 2, 5],
    "vote": ["yes", "no", "no", "yes", "no", "yes"],
}


@pytest.fixture
def coding():
    return cn.table(ROWS, target="vote").coding


def test_inputs_are_named(coding):
    cities = ["city is Bonn", "city is Köln", "city is Ulm", "city is missing"]
    assert coding.names == ["age", "age is missing", *cities, "pets"]
    assert (coding.in_features, coding.out_features) == (7, 2)


def test_it_is_shown_shortly(coding):
    assert repr(coding) == "TableCoding(7 inputs → no, yes)"
    assert repr(cn.table({"x": [1.5, 2, 3], "y": [0.5, 7, 3]}, "y").coding) == "TableCoding(1 input → y)"


def test_new_rows_need_only_the_columns_that_are_coded_in_any_order(coding, write):
    inputs = coding.inputs(write("x;pets;city;age\n1;4;Bonn;26\n2;1;NA;?\n"))
    ages = np.array([31, 22, 19, 47, 35])
    assert inputs[0, 0].item() == pytest.approx((26 - ages.mean()) / ages.std(), rel=1e-6)
    assert inputs[:, 1:6].tolist() == [[0, 1, 0, 0, 0], [1, 0, 0, 0, 1]]
    pets = np.array(ROWS["pets"])
    np.testing.assert_allclose(inputs[:, 6], (np.array([4, 1]) - pets.mean()) / pets.std(), rtol=1e-6)


def test_options_of_reading_are_taken(coding, write):
    inputs = coding.inputs(write("26:Bonn:4\n"), header=["age", "city", "pets"], delimiter=":")
    assert torch.equal(inputs, coding.inputs({"age": [26], "city": ["Bonn"], "pets": [4]}))


def test_what_stood_for_a_gap_in_training_does_so_in_new_rows():
    coding = cn.table({"x": ["1", "none", "3", "8"], "y": [1, 2, 1, 2]}, "y", missing=["none", "-999"]).coding
    inputs = coding.inputs({"x": ["-999", "none"]})
    assert inputs.tolist() == [[0.0, 1.0]] * 2
    assert torch.equal(coding.inputs({"x": [-999.0, None]}), inputs)


def test_a_category_that_training_had_not_is_none_of_the_known_and_warned_of_once(coding, write):
    path = write("age,city,pets\n26,Bonn,4\n26,Rom,4\n26,Wien,4\n")
    with pytest.warns(cn.TableWarning) as warned:
        inputs = coding.inputs(path)
    assert inputs[1:, 2:6].tolist() == [[0, 0, 0, 0]] * 2
    (warning,) = warned
    assert str(warning.message) == (
        "t.csv, row 2, column 'city' is 'Rom', which training had not (and 1 more like it); taken as none of the values"
    )
    assert warning.filename == __file__


def test_a_gap_that_training_had_not_is_the_mean_and_warned_of(coding):
    with pytest.warns(cn.TableWarning, match=r"row 2, column 'pets' is missing, .*; taken as the mean, 1\.83333"):
        inputs = coding.inputs({"age": [26, 26], "city": ["Bonn", "Bonn"], "pets": [4, None]})
    assert inputs[1, 6].item() == 0


def test_the_mean_of_a_gap_that_training_had_is_not_warned_of(coding):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        coding.inputs({"age": [None], "city": [None], "pets": [1]})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("age,citty,pets\n1,Bonn,2\n", r"t\.csv has no column 'city' \(did you mean 'citty'\?\)"),
        ("age,city,pets\n1,Bonn,2\n1,Bonn,two\n", r"t\.csv, row 2, column 'pets' is 'two', not a finite number"),
        ("age,city,pets\n1,Bonn,2\n1,Bonn,1e999\n", r"row 2, column 'pets' is '1e999', not a finite number"),
    ],
)
def test_rows_that_cannot_be_coded_are_refused(coding, write, content, message):
    with pytest.raises(cn.DataError, match=message):
        coding.inputs(write(content))


@pytest.mark.parametrize(
    ("cell", "message"),
    [("maybe", r"row 1, column 'vote' is 'maybe', no class of the training \(no, yes\)"), ("", "row 1.* is missing")],
)
def test_a_label_that_training_had_not_is_refused(coding, write, cell, message):
    with pytest.raises(cn.DataError, match=message):
        coding.targets(write(f"age,city,vote\n1,Bonn,{cell}\n2,Bonn,yes\n"))


def test_words_are_the_same_however_they_are_typed(write):
    table = cn.table(
        write("zip,ok,y\n8001,TRUE,1\n8002,false,2\n8001,true,2\n8003,True,1\n"), "y", columns={"zip": "category"}
    )
    expected = table.dataset()
    frame = pl.DataFrame(
        {"zip": [8001.0, 8002.0, 8001.0, 8003.0], "ok": [True, False, True, True], "y": ["1", "2", "2.0", "1"]}
    )
    assert torch.equal(table.coding.inputs(frame), expected.inputs)
    assert torch.equal(table.coding.targets(frame), expected.targets)


def test_labels_are_the_classes_of_outputs(coding):
    assert coding.labels(torch.tensor([[2.0, 1.0], [0.1, 0.2]])) == ["no", "yes"]
    assert coding.labels(torch.tensor([1, 0])) == ["yes", "no"]
    numbers = cn.table({"x": [1.0, 2, 3, 5], "y": [7, 3, 3, 7]}, "y").coding
    assert numbers.labels(torch.tensor([0, 1])) == [3, 7]


def test_values_come_back_as_they_were():
    values = np.random.default_rng(3).normal(40, 9, size=15)
    table = cn.table(np.random.default_rng(4).normal(size=(15, 2)), values)
    targets = table.dataset().targets
    assert targets.shape == (15, 1)
    np.testing.assert_allclose(targets[:, 0], (values - values.mean()) / values.std(), rtol=1e-5)
    np.testing.assert_allclose(table.coding.labels(targets), values, rtol=1e-6)


@pytest.mark.parametrize("output", [torch.zeros(3, 3), torch.zeros(3), torch.zeros(3, 2, 1)])
def test_an_output_of_another_shape_is_refused(coding, output):
    with pytest.raises(cn.ShapeError, match="a column for each of the 2 classes"):
        coding.labels(output)


def test_an_output_that_is_not_a_number_has_no_class(coding):
    with pytest.raises(cn.DataError, match="not a number in 1 rows, the first is row 2"):
        coding.labels(torch.tensor([[1.0, 2.0], [torch.nan, 0.0]]))


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
def test_a_stream_gives_what_a_whole_reading_gives(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(delimited._blocks, "__defaults__", (4096,))
    draw = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "a": draw.normal(size=3000),
            "b": draw.choice(["x", 'y "z"', "u\nv"], 3000),
            "y": draw.choice(["0", "1"], 3000),
        }
    )
    path = tmp_path / f"t.{suffix}"
    {"csv": frame.write_csv, "parquet": frame.write_parquet, "arrow": frame.write_ipc}[suffix](path)
    coding = cn.table(path, target="y").coding
    parts = list(coding.stream(path, batch=70))
    assert max(map(len, parts)) == 70
    assert torch.equal(torch.cat(parts), coding.inputs(path))
    targets = torch.cat([part.targets for part in coding.stream_datasets(path, batch=70)])
    assert torch.equal(targets, coding.targets(path))


def test_a_stream_names_rows_by_their_place_in_the_file_and_warns_once(coding, write):
    path = write("age,city,pets\n" + "26,Rom,4\n" * 250 + "26,Rom,x\n")
    with pytest.warns(cn.TableWarning) as warned, pytest.raises(cn.DataError, match="row 251, column 'pets' is 'x'"):
        list(coding.stream(path, batch=100))
    assert len(warned) == 1


def test_rows_are_there_beside_their_inputs(coding, write):
    path = write("name,age,city,pets\n" + "".join(f"n{i},{20 + i},Bonn,{i}\n" for i in range(25)))
    pieces = list(coding.rows(path, batch=10))
    assert [piece.frame["name"].to_list()[0] for piece in pieces] == ["n0", "n10", "n20"]
    assert torch.equal(torch.cat([coding.encode(piece) for piece in pieces]), coding.inputs(path))


def test_the_description_comes_back_through_json(coding):
    again = TableCoding.from_dict(json.loads(json.dumps(coding.to_dict())))
    assert again == coding
    new = {"age": [26], "city": ["Ulm"], "pets": [4]}
    assert torch.equal(again.inputs(new), coding.inputs(new))
    measured = cn.table({"x": [1.5, 2, 3, 5], "y": [0.5, 7.25, 3, 1]}, "y", missing=["none"]).coding
    assert TableCoding.from_dict(json.loads(json.dumps(measured.to_dict()))) == measured


@pytest.mark.parametrize(("output", "error"), [([0, 3], cn.RangeError), ([-1], cn.RangeError), ([1j], cn.DTypeError)])
def test_a_label_of_no_class_is_refused(output, error):
    coding = cn.table({"x": [0.5, 1.5, 2.5] * 4, "y": ["a", "b", "c"] * 4}, "y").coding
    assert coding.labels(torch.tensor([2, 0])) == ["c", "a"]
    with pytest.raises(error, match="the labels of y"):
        coding.labels(torch.tensor(output))
