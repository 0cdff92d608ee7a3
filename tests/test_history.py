"""The history is a sequence of epochs that goes to JSON and CSV and back."""

import csv
import json

import pytest

import corenet as cn
from corenet.history import Epoch, History

FIRST = Epoch(1, 0.5, 0.1, 0.25, {"error_rate": 0.2}, {"error_rate": 0.3})
SECOND = Epoch(2, 1 / 3, 0.05, 0.5, {"error_rate": 0.1}, {"error_rate": 0.15})


@pytest.fixture
def history():
    return History([FIRST, SECOND])


def test_it_is_a_sequence(history):
    assert len(history) == 2
    assert list(history) == [FIRST, SECOND]
    assert list(reversed(history)) == [SECOND, FIRST]
    assert (history[0], history[-1]) == (FIRST, SECOND)
    assert SECOND in history
    assert history.index(SECOND) == 1
    assert not History()
    with pytest.raises(IndexError):
        history[2]


def test_a_slice_is_a_history(history):
    tail = history[1:]
    assert isinstance(tail, History)
    assert list(tail) == [SECOND]


def test_appending_changes_neither_the_list_it_was_made_of_nor_its_slices(history):
    epochs = [FIRST]
    made = History(epochs)
    whole = history[:]
    made.append(SECOND)
    history.append(FIRST)
    assert list(made) == [FIRST, SECOND]
    assert epochs == [FIRST]
    assert len(whole) == 2


def test_losses_and_seconds(history):
    assert history.losses == [0.5, 1 / 3]
    assert history.seconds == 0.75
    assert (History().losses, History().seconds) == ([], 0)


def test_repr(history):
    assert repr(history) == "History(2 epochs, loss 0.3333)"
    assert repr(History()) == "History(0 epochs)"


def test_json_goes_there_and_back(history, tmp_path):
    text = history.to_json(tmp_path / "history.json")
    assert (tmp_path / "history.json").read_text() == text + "\n"
    assert [Epoch(**row) for row in json.loads(text)] == list(history)
    assert history.to_json() == text
    assert json.loads(History().to_json()) == []


def test_csv_has_a_column_for_each_metric_and_all_digits(history, tmp_path):
    history.to_csv(str(tmp_path / "history.csv"))
    content = (tmp_path / "history.csv").read_bytes()
    assert content.startswith(b"epoch,loss,lr,seconds,train_error_rate,valid_error_rate\n1,0.5,0.1,0.25,0.2,0.3\n")
    rows = list(csv.DictReader(content.decode().splitlines()))
    back = [
        Epoch(
            int(row["epoch"]),
            *(float(row[name]) for name in ("loss", "lr", "seconds")),
            {"error_rate": float(row["train_error_rate"])},
            {"error_rate": float(row["valid_error_rate"])},
        )
        for row in rows
    ]
    assert back == list(history)


def test_csv_without_metrics_or_epochs(tmp_path):
    History([Epoch(1, 0.5, 0.1, 0.25)]).to_csv(tmp_path / "plain.csv")
    assert (tmp_path / "plain.csv").read_text() == "epoch,loss,lr,seconds\n1,0.5,0.1,0.25\n"
    History().to_csv(tmp_path / "empty.csv")
    assert (tmp_path / "empty.csv").read_text() == "epoch,loss,lr,seconds\n"


NOT_FINITE = Epoch(1, float("inf"), 0.1, 0.25, {}, {"loss": float("nan"), "mae": 2.0})


def test_json_is_strict(tmp_path):
    def refuse(constant):
        raise AssertionError(constant)

    text = History([NOT_FINITE]).to_json(tmp_path / "history.json")
    (row,) = json.loads(text, parse_constant=refuse)
    assert (row["loss"], row["valid"]) == (None, {"loss": None, "mae": 2.0})
    assert (tmp_path / "history.json").read_text() == text + "\n"


def test_csv_has_a_column_for_whatever_an_epoch_has(tmp_path):
    History([NOT_FINITE, FIRST]).to_csv(tmp_path / "history.csv")
    assert (tmp_path / "history.csv").read_text().splitlines() == [
        "epoch,loss,lr,seconds,valid_loss,valid_mae,train_error_rate,valid_error_rate",
        "1,inf,0.1,0.25,nan,2.0,,",
        "1,0.5,0.1,0.25,,,0.2,0.3",
    ]


@pytest.mark.parametrize("write", [History.to_json, History.to_csv])
def test_a_folder_that_is_not_there_is_named(write, history, tmp_path):
    path = tmp_path / "missing" / "history"
    with pytest.raises(cn.OutputError, match=r"cannot write .*missing.history: No such file or directory; choose"):
        write(history, path)


@pytest.mark.parametrize("write", [History.to_json, History.to_csv])
def test_a_file_is_replaced_whole(write, history, tmp_path):
    path = tmp_path / "history"
    write(history, path)
    longer = path.read_text()
    write(history[:1], path)
    assert len(path.read_text()) < len(longer)
    assert list(tmp_path.iterdir()) == [path]
