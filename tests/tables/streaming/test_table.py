"""A streamed table beside the same table in memory: the same decisions, the same numbers, each row once an epoch."""

import numpy as np
import pytest
import torch

import corenet as cn

FORMS = ["csv", "tsv", "parquet", "folder", "pattern"]


def training_rows(streamed):
    """Return the numbers of the rows that are for training."""
    division = streamed.train.source.division
    return np.flatnonzero(division.parts(division.drawn(0, len(streamed)))["train"])


def in_memory(frame, streamed, target):
    """Return the table in memory, coded by the rows that are for training in the streamed one."""
    table = cn.table(frame, target)
    table.coding = table._fitted(training_rows(streamed))
    return table


def rounded(coding):
    """Return a coding in words and numbers, which may differ in the order in which sums were taken."""
    return {
        name: float(f"{value:.10e}") if isinstance(value, float) else value for name, value in coding.to_dict().items()
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", ["vote", "rent", "class", "owner"])
def test_what_is_decided_is_what_is_decided_in_memory(written, frame, form, target):
    streamed = cn.stream_table(written(form), target, seed=3)
    memory = in_memory(frame(), streamed, target)
    assert repr(streamed).splitlines()[1:-1] == repr(memory).splitlines()[1:]
    for ours, theirs in zip(streamed.coding.columns, memory.coding.columns, strict=True):
        assert rounded(ours) == rounded(theirs)
    assert rounded(streamed.coding.target) == rounded(memory.coding.target)
    assert len(streamed.train) == len(training_rows(streamed))


@pytest.mark.parametrize("form", FORMS)
def test_with_room_for_all_rows_batches_are_those_of_the_table_in_memory(written, frame, form):
    streamed = cn.stream_table(written(form), "vote", seed=1)
    whole, rows = in_memory(frame(), streamed, "vote").dataset(), training_rows(streamed)
    train = cn.data.Dataset(whole.inputs[rows], whole.targets[rows])
    ours, theirs = (list(data.batches(48, seed=5, epoch=2)) for data in (streamed.train, train))
    assert len(ours) == len(theirs)
    for (inputs, targets), (expected, classes) in zip(ours, theirs, strict=True):
        torch.testing.assert_close(inputs, expected, rtol=1e-5, atol=1e-6)
        assert torch.equal(targets, classes)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("buffer", "batch_size"), [(1, 1), (64, 16), (101, 32), (250, 7), (10, 90)])
def test_each_row_comes_once_an_epoch_in_an_order_of_seed_and_epoch(written, form, buffer, batch_size):
    table = cn.stream_table(written(form), "vote", buffer=buffer)
    train, expected = table.train, training_rows(table).tolist()

    def rows(seed, epoch):
        blocks = list(train.blocks(batch_size, seed, epoch))
        assert all(len(each.rows) % batch_size == 0 for each in blocks[:-1])
        return torch.cat([each.rows for each in blocks]).tolist()

    orders = [rows(0, 0), rows(0, 0), rows(0, 1), rows(1, 0)]
    assert all(sorted(each) == expected for each in orders)
    assert orders[0] == orders[1]
    assert len({tuple(each) for each in orders}) == 3


def test_rows_come_with_their_own_inputs_and_targets(written, frame):
    table = cn.stream_table(written("folder"), "rent", buffer=70)
    every = table.coding.dataset(frame())
    for block in table.train.blocks(16, seed=0):
        torch.testing.assert_close(block.inputs, every.inputs[block.rows])
        torch.testing.assert_close(block.targets, every.targets[block.rows])


def test_without_a_seed_rows_come_in_the_order_of_the_table(written):
    table = cn.stream_table(written("csv"), "vote", buffer=70)
    rows = torch.cat([each.rows for each in table.train.blocks(16)])
    assert rows.tolist() == training_rows(table).tolist()


def test_a_small_buffer_mixes_rows_from_all_over_a_sorted_table(written):
    table = cn.stream_table(written("parquet", rows=2003), "vote", buffer=400)
    rows = torch.cat([each.rows for each in table.train.blocks(20, seed=0)]).double()
    for quarter in rows.chunk(4):
        assert quarter.min() < 500
        assert quarter.max() > 1500
    neighbours = torch.stack([rows[:-1], rows[1:]])
    assert abs(torch.corrcoef(neighbours)[0, 1]) < 0.3


@pytest.mark.parametrize("start", [0, 1, 48, 333])
def test_an_epoch_goes_on_from_any_point(written, start):
    train = cn.stream_table(written("csv"), "vote", buffer=120).train
    whole = torch.cat([each.rows for each in train.blocks(16, seed=0)])
    rest = torch.cat([each.rows for each in train.blocks(16, 0, 0, start)])
    assert torch.equal(rest, whole[start:])


def test_the_parts_share_no_row_and_are_about_as_large_as_asked(written):
    table = cn.stream_table(written("csv", rows=4001), "vote", valid=0.25, test=0.1, seed=2)
    division = table.train.source.division
    parts = division.parts(division.drawn(0, 4001))
    assert (parts["train"].astype(int) + parts["valid"] + parts["test"] == 1).all()
    assert len(table.valid) == parts["valid"].sum() == pytest.approx(1000, abs=110)
    assert len(table.test) == parts["test"].sum() == pytest.approx(400, abs=80)
    assert not (parts["sample"] & ~parts["train"]).any()
    other = cn.stream_table(written("csv", rows=4001), "vote", valid=0.25, test=0.1, seed=3)
    assert sorted(other.valid.inputs[:, 0].tolist()) != sorted(table.valid.inputs[:, 0].tolist())


def test_of_many_rows_no_more_are_held_out_than_tell_enough(written, monkeypatch):
    monkeypatch.setattr("corenet.tables.streaming.dividing.HELD", 100)
    monkeypatch.setattr("corenet.tables.streaming.dividing.SAMPLE", 50)
    table = cn.stream_table(written("parquet", rows=5000), "vote")
    assert len(table.valid) == pytest.approx(100, abs=40)
    assert len(table.test) == pytest.approx(100, abs=40)
    assert len(table.train.targets) == pytest.approx(50, abs=30)
    assert len(table.train) == 5000 - len(table.valid) - len(table.test)


def test_parts_may_be_none(written):
    table = cn.stream_table(written("csv"), "vote", valid=0, test=0)
    assert (table.valid, table.test, len(table.train)) == (None, None, len(table))


def test_blocks_are_of_the_dtype_that_is_asked_for(written):
    train = cn.stream_table(written("csv"), "vote").train.to(torch.float64)
    (block, *_) = train.blocks(16, seed=0)
    assert (block.inputs.dtype, block.targets.dtype, train.inputs.dtype) == (torch.float64, torch.int64, torch.float64)


@pytest.mark.parametrize("what", ["shuffled", "order", "split", "statistics", "normalized"])
def test_what_needs_all_rows_at_once_is_refused(written, what):
    train = cn.stream_table(written("csv"), "vote").train
    arguments = () if what in ("statistics", "normalized") else (0,)
    with pytest.raises(cn.ConfigError, match=f"{what} needs all points in memory"):
        getattr(train, what)(*arguments)


def test_the_same_table_is_passed_over_once_by_whatever_path_and_with_all_that_was_decided(written, monkeypatch):
    path = written("csv")
    table = cn.stream_table(path, "vote")
    monkeypatch.setattr("corenet.tables.streaming.table.survey", None)
    monkeypatch.chdir(path.parent)
    kinds = {each.name: each.kind for each in (*table.columns, table.target)}
    again = cn.stream_table("t.csv", "vote", columns=kinds)
    assert (again.coding, again.columns) == (table.coding, table.columns)
    monkeypatch.undo()
    assert cn.stream_table(path, "vote", columns={"x": "drop"}).coding != table.coding
