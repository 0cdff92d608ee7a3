"""Groups of an optimizer in a file: their values come back, and those of another optimizer are refused."""

import json

import pytest
import torch

import corenet as cn


def parts(lr=0.2, **own):
    torch.manual_seed(4)
    model = cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1))
    groups = [{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": lr} | own]
    return model, cn.MSELoss(), cn.Adam(groups, lr=0.01)


def trained(model, loss, optimizer, steps):
    data = cn.data.disk(30, seed=1)
    for _ in range(steps):
        cn.train_step(model, loss, optimizer, data.inputs, data.targets)
    return model.state_dict()


def test_groups_come_back_from_a_file_and_train_on(tmp_path):
    model, loss, optimizer = parts(betas=(0.5, 0.75), weight_decay=0.125)
    trained(model, loss, optimizer, 3)
    optimizer.groups[1]["lr"] = 0.0625
    cn.save(tmp_path / "file", model, optimizer)
    expected = trained(model, loss, optimizer, 3)
    other, loss, again = parts(lr=0.9)
    cn.load(tmp_path / "file", other, again)
    assert again.groups[1].own == {"lr": 0.0625, "betas": (0.5, 0.75), "weight_decay": 0.125}
    torch.testing.assert_close(trained(other, loss, again, 3), expected, rtol=0, atol=0)


def test_a_file_of_other_groups_is_refused_and_changes_nothing(tmp_path):
    model, _, optimizer = parts()
    cn.save(tmp_path / "file", model, optimizer)
    before, single = model.state_dict(), cn.Adam(model.parameters(), lr=0.3)
    model[0].weight.add_(1)
    with pytest.raises(cn.StructureError, match=r"has groups of the parameters \[\[0, 1\], \[2, 3\]\]"):
        cn.load(tmp_path / "file", model, single)
    assert torch.equal(model[0].weight, before["0.weight"] + 1)
    assert (single.lr, single.groups[0].own) == (0.3, {})


def test_a_file_of_before_there_were_groups_is_read(path, earlier):
    model, _, _ = parts()
    optimizer = cn.SGD(model.parameters(), lr=0.7, momentum=0.5)
    optimizer.steps = 3
    earlier(model, optimizer)
    other = cn.SGD(model.parameters(), lr=0.1, momentum=0.5)
    with pytest.warns(cn.CheckpointWarning, match="no checksum"):
        cn.load(path, model, other)
    assert (other.lr, other.steps) == (0.7, 3)


def test_groups_of_an_earlier_file_have_tuples_again(path, earlier):
    model, _, optimizer = parts()
    groups = [{"params": [0, 1]}, {"params": [2, 3], "lr": 0.3, "betas": [0.5, 0.75]}]
    head = {"count": 4, "lr": 0.7, "steps": 3, "groups": groups}
    earlier(model, optimizer, optimizer=json.dumps(head))
    other, _, again = parts()
    with pytest.warns(cn.CheckpointWarning, match="no checksum"):
        cn.load(path, other, again)
    assert again.groups[1].own == {"lr": 0.3, "betas": (0.5, 0.75)}


def test_a_value_that_no_file_holds_is_refused(tmp_path):
    class Weighed(cn.SGD):
        def __init__(self, parameters, lr, by=None):
            self.by = by
            super().__init__(parameters, lr)

    model = cn.Linear(2, 1)
    optimizer = Weighed([{"params": model.parameters(), "by": abs}], lr=0.1)
    with pytest.raises(cn.CheckpointError, match="a group with a value that no file holds: by is a builtin_fun"):
        cn.save(tmp_path / "file", model, optimizer)
    assert list(tmp_path.iterdir()) == []
