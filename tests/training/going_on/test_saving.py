"""What is written where and when, what is refused, and what stays after an error."""

import sys

import pytest
import torch

import corenet as cn
from corenet.training.going_on.every import Every
from corenet.training.going_on.folder import Folder

TRAIN = cn.data.disk(40, seed=0)


def fit(folder, *, seed=0, lr=0.1, dropout=0.2, train=TRAIN, momentum=0.5, **options):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 4), cn.Tanh(), cn.Dropout(dropout), cn.Linear(4, 1), cn.Sigmoid())
    optimizer = cn.SGD(model.parameters(), lr=lr, momentum=momentum)
    settings = {"epochs": 6, "batch_size": 8, "progress": False, "checkpoint": folder, "seed": seed, "every": 2}
    return model, cn.fit(model, cn.BCELoss(), optimizer, train, **settings | options)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def name(epoch, step=0):
    return f"checkpoint-{epoch:06d}-{step:08d}.safetensors"


def test_the_newest_few_stay_and_each_is_a_model_file(tmp_path):
    model, history = fit(tmp_path / "new" / "run", keep=2)
    assert names(tmp_path / "new" / "run") == [name(4), name(6)]
    loaded = cn.load(tmp_path / "new" / "run" / name(6))
    torch.testing.assert_close(loaded.model.state_dict(), model.state_dict(), rtol=0, atol=0)
    assert [each.loss for each in loaded.history] == history.losses
    assert isinstance(loaded.loss, cn.BCELoss)


def test_what_is_over_is_given_back_at_once_fewer_epochs_are_refused_and_more_go_on(tmp_path, capsys):
    model, history = fit(tmp_path)
    again, told = fit(tmp_path, progress=None)
    assert "going on from the end of epoch 6, as saved in" in capsys.readouterr().err
    assert told.losses == history.losses
    torch.testing.assert_close(again.state_dict(), model.state_dict(), rtol=0, atol=0)
    with pytest.raises(cn.ConfigError, match="end of epoch 6, later than the end of epoch 4, where"):
        fit(tmp_path, epochs=4)
    longer, more = fit(tmp_path, epochs=9)
    whole, all_of_it = fit(tmp_path / "whole", epochs=9)
    assert more.losses == all_of_it.losses
    torch.testing.assert_close(longer.state_dict(), whole.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"seed": 1}, "seed is 0 there and 1 here"),
        ({"lr": 0.2}, "the optimizer's lr is 0.1 there and 0.2 here"),
        ({"momentum": 0.9}, "the optimizer's momentum is 0.5 there and 0.9 here"),
        ({"dropout": 0.3}, "model is"),
        ({"batch_size": 5}, "batch_size is 8 there and 5 here"),
        ({"train": cn.data.disk(40, seed=1)}, "train is"),
        ({"valid": TRAIN}, "valid is"),
        ({"callbacks": [cn.EarlyStopping("loss")]}, "callbacks is"),
        ({"engine": "plain"}, "engine is auto there and plain here"),
        ({"metrics": ["accuracy"]}, "metrics is [] there and ['accuracy'] here"),
    ],
)
def test_another_training_is_refused_and_nothing_is_changed(tmp_path, other, named):
    fit(tmp_path)
    before = names(tmp_path)
    with pytest.raises(cn.ConfigError, match="is of another training: ") as caught:
        fit(tmp_path, **other)
    assert named in str(caught.value)
    assert names(tmp_path) == before


def test_other_threads_are_told(tmp_path, monkeypatch):
    fit(tmp_path)
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    with pytest.warns(cn.CheckpointWarning, match=f"not bit for bit: threads {threads} then and {threads + 1} now"):
        fit(tmp_path, epochs=7)


def test_one_training_at_a_time_writes_to_a_folder(tmp_path):
    class Another(cn.Callback):
        def after_epoch(self, training):
            fit(tmp_path)

    with pytest.raises(cn.CallbackError, match="another training writes to"):
        fit(tmp_path, callbacks=[Another()])


def test_what_a_killed_writer_has_left_is_removed(tmp_path):
    left = tmp_path / f".{name(3)}.1.{'0' * 16}.partial"
    left.write_bytes(b"half")
    other = tmp_path / ".notes.1.partial"
    other.write_text("mine")
    fit(tmp_path)
    assert not left.exists()
    assert other.exists()


class Fails:
    """Raises in its third epoch, until it is told not to."""

    def __init__(self):
        self.fails = True
        self.epochs = 0

    def __call__(self, model, data):
        self.epochs += 1
        if self.fails and self.epochs == 3:
            raise RuntimeError("it failed")
        return 0.0

    __name__ = "fails"


@pytest.mark.parametrize("what", ["metric", "callback", "data"])
def test_after_an_error_of_somebody_s_the_training_goes_on_from_its_last_checkpoint(tmp_path, what):
    fails = Fails()

    class FailsAfterAnEpoch(cn.Callback):
        def after_epoch(self, training):
            fails(None, None)

    class Data(cn.data.Dataset):
        def shuffled(self, seed, *epochs):
            fails(None, None)
            return super().shuffled(seed, *epochs)

    options = {
        "metric": {"metrics": [fails]},
        "callback": {"callbacks": [FailsAfterAnEpoch()]},
        "data": {"train": Data(TRAIN.inputs, TRAIN.targets)},
    }[what]
    with pytest.raises(Exception, match="it failed") as caught:
        fit(tmp_path / "cut", every=1, engine="plain", **options)
    assert f"goes on from {tmp_path / 'cut' / name(2)}" in "".join(caught.value.__notes__)
    fails.fails = False
    cut, told = fit(tmp_path / "cut", every=1, engine="plain", **options)
    whole, history = fit(tmp_path / "whole", engine="plain", **options)
    assert told.losses == history.losses
    torch.testing.assert_close(cut.state_dict(), whole.state_dict(), rtol=0, atol=0)


def test_too_little_memory_is_one_clear_error(tmp_path):
    class Large(cn.Module):
        def forward(self, input):
            return input + torch.empty(2**60).sum() * 0

        def backward(self, grad_output):
            return grad_output

    model = cn.Sequential(Large(), cn.Linear(2, 1))
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    for options in ({}, {"checkpoint": tmp_path}):
        with pytest.raises(cn.OutOfMemoryError, match="batches of 8 points; lower batch_size or micro_batch_size"):
            cn.fit(model, cn.MSELoss(), optimizer, TRAIN, epochs=1, batch_size=8, progress=False, **options)


def test_a_folder_that_disappears_is_one_clear_error(tmp_path):
    class Removes(cn.Callback):
        def after_epoch(self, training):
            if training.epoch == 3:
                for path in (tmp_path / "run").iterdir():
                    path.unlink()
                (tmp_path / "run").rmdir()

    with pytest.raises(cn.OutputError, match=f"cannot write .*{name(4)}: No such file"):
        fit(tmp_path / "run", callbacks=[Removes()])


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_disk_that_is_full_is_one_clear_error_and_the_checkpoint_before_stays(tmp_path):
    import resource

    class Fills(cn.Callback):
        def after_epoch(self, training):
            if training.epoch == 3:
                resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(cn.OutputError, match=f"cannot write .*{name(4)}: File too large"):
            fit(tmp_path, callbacks=[Fills()])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(tmp_path) == [name(2)]
    assert cn.load(tmp_path / name(2)).optimizer.steps == 10


@pytest.mark.parametrize("folder", [3, b"run", "a\0b", True])
def test_a_folder_is_a_path(folder):
    with pytest.raises(cn.ConfigError, match="takes a path"):
        fit(folder)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(cn.OutputError, match="cannot make the folder"):
        fit(tmp_path / "file")


@pytest.mark.parametrize("every", [0, -1, 1.5, True, None, "often", "3", "1.5 epochs", "0 steps", "5 days"])
def test_every_is_a_number_of_epochs_or_says_of_what(every, tmp_path):
    with pytest.raises(cn.ConfigError, match="every must be a number of epochs") as caught:
        fit(tmp_path, every=every)
    assert caught.value.value == every


@pytest.mark.parametrize(
    ("every", "amount", "unit"),
    [(3, 3, "epoch"), ("1 epoch", 1, "epoch"), ("500 steps", 500, "step"), ("1.5 minutes", 90, "minute")],
)
def test_every_is_read(every, amount, unit):
    found = Every.of(every)
    assert (found.amount, found.unit) == (amount, unit)


def test_time_is_counted_from_the_last_checkpoint(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("corenet.training.going_on.every.monotonic", lambda: now[0])
    due = Every.of("1 minute")
    assert not due.is_due(9, 9)
    now[0] = 160.0
    assert due.is_due(0, 0)
    due.saved(0, 0)
    assert not due.is_due(9, 9)


@pytest.mark.parametrize("keep", [0, -1, 1.5, None])
def test_keep_is_a_count(keep, tmp_path):
    with pytest.raises(cn.ConfigError, match="keep must be"):
        fit(tmp_path, keep=keep)


def test_checkpoints_are_sorted_by_where_they_are(tmp_path):
    folder = Folder(tmp_path, keep=2)
    for epoch, step in ((10, 0), (9, 120), (2, 5), (9, 13)):
        folder.place(epoch, step).write_bytes(b"")
    folder.prune()
    assert [path.name for path in folder.checkpoints()] == [name(10), name(9, 120)]
