"""A checkpoint that is damaged: the one before is taken, and where none is whole each is named."""

import pytest
import torch

import corenet as cn
from corenet.checkpoint.description import Builder
from corenet.checkpoint.loading import opened
from corenet.checkpoint.saving import save_training
from corenet.training.going_on.position import Position

TRAIN = cn.data.disk(40, seed=0)


def fit(folder, epochs=6, keep=2):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 4), cn.Tanh(), cn.Linear(4, 1), cn.Sigmoid())
    optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.5)
    options = {"epochs": epochs, "batch_size": 8, "progress": False, "every": 2, "keep": keep}
    return model, cn.fit(model, cn.BCELoss(), optimizer, TRAIN, checkpoint=folder, **options)


def name(epoch):
    return f"checkpoint-{epoch:06d}-00000000.safetensors"


def test_a_damaged_checkpoint_leaves_the_one_before_it(tmp_path):
    _, history = fit(tmp_path, keep=3)
    content = bytearray((tmp_path / name(6)).read_bytes())
    content[-1] ^= 1
    (tmp_path / name(6)).write_bytes(content)
    with pytest.warns(cn.CheckpointWarning, match="the checkpoint before it is taken"):
        _, told = fit(tmp_path)
    assert told.losses == history.losses


def test_where_no_checkpoint_is_whole_each_is_named_the_newest_first(tmp_path):
    fit(tmp_path, keep=3)
    for path in tmp_path.iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(cn.CheckpointError, match=r"no checkpoint in .* can be read, the newest first: ") as caught:
        fit(tmp_path)  # and no warning says that another was taken
    said = str(caught.value)
    places = [said.index(f"{name(epoch)} is not a checkpoint") for epoch in (6, 4, 2)]
    assert places == sorted(places)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"nothing"] * 3


@pytest.mark.parametrize(
    "damage",
    [
        {"engine": "graphs"},
        {"engine": 3},
        {"has_loops": 1},
        {"callbacks": [3]},
        {"generators": {}},
        {"generators": {"numpy": (torch.zeros(3), 0, 0, 0.0), "python": (), "torch": []}},
        {"epoch_began": {"numpy": 3}},
        {"position": {"epoch": 1}},
        {"identity": "{"},
        {"more": 1},
    ],
)
def test_a_checkpoint_whose_training_is_damaged_is_refused_and_nothing_is_filled(tmp_path, damage):
    fit(tmp_path, epochs=2)
    contents, document = opened(tmp_path / name(2))
    builder = Builder(None, contents.tensors("argument."))
    loaded = cn.load(tmp_path / name(2))
    training = builder.arguments(document["training"]) | damage
    parts = {"loss": loaded.loss, "history": loaded.history, "training": training}
    save_training(tmp_path / name(2), loaded.model, loaded.optimizer, **parts)
    with pytest.raises(cn.CheckpointError, match="has a training that is damaged: "):
        fit(tmp_path)


@pytest.mark.parametrize("damage", [{"points": -1}, {"total": 1}, {"is_over": 0}, {"more": 1}, {"epoch": True}])
def test_a_damaged_position_is_refused(damage):
    values = Position(3, points=8).to_dict()
    assert Position.from_dict(values) == Position(3, points=8)
    with pytest.raises(ValueError, match="position"):
        Position.from_dict(values | damage)
