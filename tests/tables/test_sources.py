"""The same table from every source there is."""

import numpy as np
import polars as pl
import pytest
import torch

import corenet as cn

COLUMNS = {
    "age": [31.5, None, 22.0, 19.25, 40.0],
    "city": ["Ulm", "Bonn", None, "Köln", "Ulm"],
    "member": [True, False, True, True, False],
    "pets": [3, 1, 0, 7, 2],
    "vote": ["yes", "no", "yes", "no", "yes"],
}
CSV = """age,city,member,pets,vote
31.5,Ulm,True,3,yes
,Bonn,False,1,no
22,,True,0,yes
19.25,Köln,True,7,no
40,Ulm,False,2,yes
"""


def same(source):
    """Assert that a source gives the inputs that the dict of columns gives."""
    table, expected = cn.table(source, target="vote"), cn.table(COLUMNS, target="vote")
    assert table.coding == expected.coding
    assert torch.equal(table.dataset().inputs, expected.dataset().inputs)
    assert table.dataset().targets.tolist() == [1, 0, 1, 0, 1]


def test_columns_are_coded_as_they_should_be():
    inputs = cn.table(COLUMNS, target="vote").dataset().inputs
    ages = torch.tensor([31.5, 22.0, 19.25, 40.0], dtype=torch.float64)
    expected = (ages - ages.mean()) / ages.std(correction=0)
    torch.testing.assert_close(inputs[[0, 2, 3, 4], 0], expected.float())
    assert inputs[1, :2].tolist() == [0.0, 1.0]
    assert inputs[:, 2:6].tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]]
    assert inputs[:, 6:8].tolist() == [[0, 1], [1, 0], [0, 1], [0, 1], [1, 0]]


def test_a_text_file(write):
    same(write(CSV))


def test_polars(tmp_path):
    frame = pl.DataFrame(COLUMNS)
    same(frame)
    same(frame.lazy())
    same(frame.with_columns(pl.col("city").cast(pl.Categorical), pl.col("pets").cast(pl.UInt8)))
    same(frame.with_columns(pl.col("age").fill_null(float("nan"))))


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.feather"])
def test_files_of_columns(tmp_path, name):
    frame = pl.DataFrame(COLUMNS)
    (frame.write_parquet if name == "t.parquet" else frame.write_ipc)(tmp_path / name)
    same(tmp_path / name)


def test_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(COLUMNS)
    same(frame)
    same(frame.astype({"city": "category", "pets": "Int64", "member": "boolean", "vote": object}))
    same(frame.convert_dtypes())
    same({name: frame[name] for name in frame})


def test_numpy_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    numbers = np.random.default_rng(0).normal(size=(9, 3))
    labels = np.array(["b", "a", "a"] * 3)
    np.savez("t.npz", x=numbers, y=labels)
    table = cn.table("t.npz", target="y")
    assert [each.name for each in table.columns] == ["x0", "x1", "x2"]
    assert table.dataset().targets.tolist() == [1, 0, 0] * 3
    expected = (numbers - numbers.mean(0)) / numbers.std(0)
    np.testing.assert_allclose(table.dataset().inputs.numpy(), expected, rtol=1e-6)
    np.save("t.npy", numbers)
    assert cn.table("t.npy", target="x2").coding.names == ["x0", "x1"]
    assert cn.table("t.npy", target="c", header=["a", "b", "c"]).coding.names == ["a", "b"]


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f8", "int8", "uint16"])
def test_arrays_of_every_number(dtype):
    numbers = (np.random.default_rng(1).normal(size=(12, 2)) * 50).clip(0, 120).astype(dtype)
    plain = numbers.astype("float64")
    inputs = cn.table(numbers, np.arange(12) / 8).dataset().inputs
    np.testing.assert_allclose(inputs.numpy(), (plain - plain.mean(0)) / plain.std(0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.int64])
def test_tensors(dtype):
    numbers = (torch.randn(12, 2) * 50).to(dtype)
    table = cn.table(numbers, torch.arange(12)[:, None] % 3)
    assert table.coding.classes == (0, 1, 2)
    assert table.dataset().targets.tolist() == [0, 1, 2] * 4
    torch.testing.assert_close(
        table.dataset().inputs, cn.table(numbers.double(), torch.arange(12) % 3).dataset().inputs
    )


def test_values_of_the_target_come_beside_a_frame():
    frame = {"target": [1.5, 2.5, 0.5, 1.0], "city": ["a", "b", "a", "b"]}
    table = cn.table(frame, ["no", "yes", "yes", "no"])
    assert (table.target.name, table.coding.classes) == ("target values", ("no", "yes"))
    with pytest.raises(cn.DataError, match="the target has 3 rows of 1 values, the table 4 rows"):
        cn.table(frame, [1, 2, 3])


@pytest.mark.parametrize(
    ("name", "rows", "inputs", "outputs"),
    [
        ("iris", 150, 4, 3),
        ("wine", 178, 13, 3),
        ("breast_cancer", 569, 30, 2),
        ("digits", 1797, 61, 10),
        ("diabetes", 442, 10, 1),
    ],
)
def test_scikit_learns_sets(name, rows, inputs, outputs):
    pytest.importorskip("sklearn")
    table = cn.table(name)
    assert (len(table), table.coding.in_features, table.coding.out_features) == (rows, inputs, outputs)


def test_scikit_learns_words():
    datasets = pytest.importorskip("sklearn.datasets")
    found, table = datasets.load_breast_cancer(), cn.table("breast_cancer")
    assert table.coding.classes == ("benign", "malignant")
    assert table.dataset().targets.tolist() == (1 - found.target).tolist()
    expected = (found.data - found.data.mean(0)) / found.data.std(0)
    np.testing.assert_allclose(table.dataset().inputs.numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("nowhere.csv", cn.OutputError, "there is no file nowhere.csv; give a path, or a name such as iris"),
        (".", cn.OutputError, "is a folder"),
        (7, cn.ConfigError, "not int"),
        ({"a": [1, 2], "b": [1, 2, 3]}, cn.DataError, "differ in length: a 2, b 3"),
        (np.zeros((2, 3, 4)), cn.DataError, r"shape \(2, 3, 4\).*cn.data.Dataset"),
        (pl.DataFrame({"a": [[1], [2]], "b": [1, 2]}), cn.DataError, r"column 'a' holds List\(Int64\)"),
    ],
)
def test_what_is_no_source_is_refused(source, error, message):
    with pytest.raises(error, match=message):
        cn.table(source, target="b")


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.npz", "t.npy"])
def test_a_damaged_file_is_refused(write, name):
    with pytest.raises(cn.DataError, match=rf"{name} is no \{name[1:]} file") as refused:
        cn.table(write(b"no table, though it is so called", name), target="y")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.arrow", "t.npz", "t.npy"])
def test_an_empty_file_is_refused(write, name):
    with pytest.raises(cn.DataError, match=rf"{name} is empty"):
        cn.table(write(b"", name), target="y")


def test_a_text_file_larger_than_the_free_memory_is_refused(write, monkeypatch):
    path = write("a,y\n" + "1,0\n2,1\n" * 1000)
    needed = 2 * 8004 + 45 * 4002  # two copies of the text, and what its cells take
    monkeypatch.setattr("corenet.tables.memory.free_memory", lambda: needed)
    assert len(cn.table(path, target="y")) == 2000
    monkeypatch.setattr("corenet.tables.memory.free_memory", lambda: needed - 1)
    with pytest.raises(cn.DataError, match=r"takes about 0\.0002 GB as a table, and 0\.0002 GB of memory"):
        cn.table(path, target="y")


def test_pickles_are_not_opened(tmp_path):
    np.save(tmp_path / "t.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(cn.DataError, match=r"t\.npy is no \.npy file that can be read"):
        cn.table(tmp_path / "t.npy", target="y")


def test_dates_of_frames_are_refused():
    dates = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, 4), eager=True)
    with pytest.raises(cn.DataError, match="row 1, column 'born' is '2024-01-01', a date"):
        cn.table(pl.DataFrame({"born": dates, "y": [1, 0, 1, 0]}), target="y")
    pandas = pytest.importorskip("pandas")
    with pytest.raises(cn.DataError, match="row 1, column 'born' is '2024-01-01', a date"):
        cn.table(pandas.DataFrame({"born": pandas.date_range("2024-01-01", periods=4), "y": [1, 0, 1, 0]}), target="y")
