"""Loggers write each epoch as it ends, with the columns of the history."""

import csv
import json
import math
from pathlib import Path

import pytest

import corenet as cn
from corenet.testing.support.stand_in_training import StandInTraining

TRAIN, VALID = cn.data.disk(20, seed=0), cn.data.disk(10, seed=1)
BOTH = pytest.mark.parametrize("cls", [cn.CSVLogger, cn.JSONLLogger])


def fitted(callbacks, epochs=3, **options):
    model = cn.Sequential(cn.Linear(2, 1), cn.Sigmoid())
    learner = model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.1)
    return cn.fit(*learner, TRAIN, VALID, epochs=epochs, batch_size=6, callbacks=callbacks, progress=False, **options)


def test_a_csv_file_is_that_of_the_history(tmp_path):
    history = fitted([cn.CSVLogger(tmp_path / "log.csv")], metrics=["f1", "mae"])
    history.to_csv(tmp_path / "history.csv")
    assert (tmp_path / "log.csv").read_text() == (tmp_path / "history.csv").read_text()


def test_each_row_is_there_when_its_epoch_ends(tmp_path):
    counts = []

    class Looks(cn.Callback):
        def after_epoch(self, training):
            counts.append([len((tmp_path / name).read_text().splitlines()) for name in ("log.csv", "log.jsonl")])

    fitted([cn.CSVLogger(tmp_path / "log.csv"), cn.JSONLLogger(tmp_path / "log.jsonl"), Looks()])
    assert counts == [[2, 1], [3, 2], [4, 3]]


def test_a_line_of_json_has_the_numbers_of_its_epoch(tmp_path):
    history = fitted([cn.JSONLLogger(tmp_path / "log.jsonl")], metrics=["confusion_matrix"])
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    for line, epoch in zip(lines, history, strict=True):
        assert (line["epoch"], line["loss"]) == (epoch.epoch, epoch.loss)
        assert line["valid_loss"] == epoch.valid["loss"]
        assert line["train_confusion_matrix"] == epoch.train["confusion_matrix"]


@BOTH
def test_a_second_training_writes_over_the_file_or_adds_to_it(tmp_path, cls):
    over, added = cls(tmp_path / "over"), tmp_path / "added"
    for _ in range(2):
        fitted([over])
    fitted([cls(added)])
    fitted([cls(added, append=True)], epochs=5, initial_epoch=3)
    header = cls is cn.CSVLogger
    assert len((tmp_path / "over").read_text().splitlines()) == 3 + header
    lines = added.read_text().splitlines()
    assert len(lines) == 5 + header
    if header:
        assert [row["epoch"] for row in csv.DictReader(lines)] == list("12345")


def test_what_json_has_no_number_for_is_null(tmp_path):
    StandInTraining([{"loss": math.nan, "valid_loss": math.inf}]).run(cn.JSONLLogger(tmp_path / "log"))
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert (json.loads(line)["loss"], json.loads(line)["valid_loss"]) == (None, None)


@BOTH
def test_a_file_that_cannot_be_written_is_refused_before_the_training(tmp_path, cls):
    with pytest.raises(cn.OutputError, match=r"cannot write .*absent.*log: No such file") as caught:
        fitted([cls(tmp_path / "absent" / "log")])
    assert len(caught.value.history) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
@BOTH
def test_a_disk_that_is_full_ends_the_training_and_names_the_file(cls):
    message = rf"{cls.__name__} raised after epoch 1: OutputError: cannot write /dev/full"
    with pytest.raises(cn.CallbackError, match=message):
        fitted([cls("/dev/full")])


def test_the_file_is_closed_whatever_ends_the_training(tmp_path):
    class Stops(cn.Callback):
        def after_epoch(self, training):
            raise KeyboardInterrupt

    logger = cn.CSVLogger(tmp_path / "log")
    with pytest.raises(KeyboardInterrupt):
        fitted([logger, Stops()])
    assert logger._file is None
    assert len((tmp_path / "log").read_text().splitlines()) == 2


@BOTH
@pytest.mark.parametrize("append", [False, True])
def test_a_log_goes_on_with_its_training_and_has_each_epoch_once(tmp_path, cls, append):
    class Fails(cn.Callback):
        fails = True

        def after_epoch(self, training):
            if self.fails and training.epoch == 4:
                raise RuntimeError("it failed")

    log, fails, saved = tmp_path / "log", Fails(), {"checkpoint": tmp_path / "run", "every": 2}
    log.write_text("epoch,loss\n" if append else "older\n")
    with pytest.raises(cn.CallbackError):
        fitted([cls(log, append), fails], epochs=6, **saved)
    assert len(log.read_text().splitlines()) in (4, 5)  # with the fourth epoch, which is in no checkpoint
    fails.fails = False
    fitted([cls(log, append), fails], epochs=6, **saved)
    rows = log.read_text().splitlines()[1 if append or cls is cn.CSVLogger else 0 :]
    epochs = [int(row.split(",")[0]) if cls is cn.CSVLogger else json.loads(row)["epoch"] for row in rows]
    assert epochs == [1, 2, 3, 4, 5, 6]
