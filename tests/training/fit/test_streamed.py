"""Training on data that come block by block: the training of all of them in memory, saved and gone on with as that."""

import random

import pytest
import torch

import corenet as cn
from corenet.streamed_data import Block, StreamedDataset

ROWS = random.Random(1).randrange(301, 399, 2)
WHOLE = cn.data.disk(ROWS, seed=0)


class InBlocks(StreamedDataset):
    """A data set in memory, handed out in its own order, some batches at a time."""

    def __init__(self, whole, batches=3, fault=None):
        super().__init__(cn.data.Dataset(whole.inputs[:50], whole.targets[:50]), len(whole))
        self.whole, self.batches_at_once, self.fault = whole, batches, fault

    def blocks(self, batch_size, seed=None, epoch=0, start=0):
        order = self.whole.order(seed, epoch)[start:]
        for number, rows in enumerate(order.split(self.batches_at_once * batch_size)):
            if self.fault is not None:
                self.fault(epoch, number)
            yield Block(self.whole.inputs[rows], self.whole.targets[rows], rows)


def trained(train, *, momentum=0.9, epochs=4, **options):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 7), cn.Tanh(), cn.Dropout(0.1), cn.Linear(7, 1), cn.Sigmoid())
    optimizer = cn.SGD(model.parameters(), lr=0.3, momentum=momentum)
    valid = cn.data.disk(40, seed=1)
    settings = {"epochs": epochs, "batch_size": 8, "progress": False, "seed": 3}
    return model, cn.fit(model, cn.BCELoss(), optimizer, train, valid, **settings | options)


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled", "auto"])
@pytest.mark.parametrize("saved", [False, True])
def test_it_is_the_training_of_all_points_in_memory(tmp_path, engine, saved):
    folders = [{"checkpoint": tmp_path / name} if saved else {} for name in ("memory", "blocks")]
    expected, history = trained(WHOLE, engine=engine, **folders[0])
    model, streamed = trained(InBlocks(WHOLE), engine=engine, **folders[1])
    close = {"rtol": 0, "atol": 0} if engine == "plain" else {"rtol": 1e-4, "atol": 1e-5}
    torch.testing.assert_close(model.state_dict(), expected.state_dict(), **close)
    assert streamed.losses == pytest.approx(history.losses, rel=1e-5)
    assert [each.valid["loss"] for each in streamed] == pytest.approx(
        [each.valid["loss"] for each in history], rel=1e-4
    )


@pytest.mark.parametrize("engine", ["plain", "compiled"])
def test_blocks_of_any_length_are_the_same_training(engine):
    models = [trained(InBlocks(WHOLE, batches), engine=engine)[0] for batches in (1, 5, 1000)]
    for each in models[1:]:
        torch.testing.assert_close(each.state_dict(), models[0].state_dict(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stop", [(0, 0), (0, 2), (2, 0), (2, 5)])
@pytest.mark.parametrize("engine", ["plain", "auto"])
def test_data_that_cannot_be_read_leave_a_checkpoint_from_which_it_goes_on_bit_for_bit(tmp_path, stop, engine):
    def gone(*place):
        if place == stop:
            raise cn.ShardError("part-3.csv is gone")

    expected, history = trained(InBlocks(WHOLE), checkpoint=tmp_path / "whole", engine=engine)
    with pytest.raises(cn.ShardError, match=r"part-3\.csv is gone") as raised:
        trained(InBlocks(WHOLE, fault=gone), checkpoint=tmp_path / "stopped", engine=engine)
    assert len(raised.value.history) == stop[0]
    model, again = trained(InBlocks(WHOLE), checkpoint=tmp_path / "stopped", engine=engine)
    torch.testing.assert_close(model.state_dict(), expected.state_dict(), rtol=0, atol=0)
    assert again.losses == pytest.approx(history.losses, rel=1e-12)


@pytest.mark.parametrize("saved", [False, True])
def test_a_number_that_is_not_finite_is_told_with_its_rows(tmp_path, saved):
    inputs, row = WHOLE.inputs.clone(), ROWS // 2
    train = InBlocks(cn.data.Dataset(inputs, WHOLE.targets))
    inputs[row] = torch.nan
    batches = WHOLE.order(3, 0).split(8)
    step = next(number for number, rows in enumerate(batches) if row in rows.tolist())
    with pytest.raises(cn.NonFiniteError) as raised:
        trained(train, engine="plain", **({"checkpoint": tmp_path} if saved else {}))
    assert (raised.value.epoch, raised.value.step) == (1, step + 1)
    assert raised.value.rows == batches[step].tolist()


class Wrong(InBlocks):
    def __init__(self, cut):
        super().__init__(WHOLE)
        self.cut = cut

    def blocks(self, batch_size, seed=None, epoch=0, start=0):
        for block in super().blocks(batch_size, seed, epoch, start):
            yield from self.cut(block)


@pytest.mark.parametrize(
    ("cut", "match"),
    [
        (lambda block: [], "its blocks have 0 points"),
        (lambda block: [block, block], "which is no end of a batch of 8"),
        (lambda block: [Block(*(each[:5] for each in block))], "a block ends at point 5 of"),
    ],
    ids=["none", "twice", "part of a batch"],
)
def test_blocks_that_are_not_the_data_set_are_refused(cut, match):
    with pytest.raises(cn.DataError, match=match):
        trained(Wrong(cut))


def test_another_length_or_sample_is_another_training(tmp_path):
    trained(InBlocks(WHOLE), checkpoint=tmp_path)
    other = cn.data.disk(ROWS, seed=5)
    with pytest.raises(cn.ConfigError, match="is of another training: train is"):
        trained(InBlocks(other), checkpoint=tmp_path)


def test_metrics_are_measured_on_the_sample_and_the_validation_part():
    train = InBlocks(WHOLE)
    model, history = trained(train, metrics=["accuracy"], callbacks=[cn.EarlyStopping(restore_best=False)])
    assert history[-1].train["accuracy"] == cn.accuracy(model, cn.data.Dataset(train.inputs, train.targets))
    assert history[-1].valid["accuracy"] == cn.accuracy(model, cn.data.disk(40, seed=1))
