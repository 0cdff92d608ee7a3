"""A training that goes on from a file is the training that never stopped."""

import pytest
import torch

import corenet as cn
from corenet.checkpoint.container import packed, read

DATA = cn.data.disk(50, seed=0)
OPTIONS = {"batch_size": 8, "seed": 5, "progress": False, "engine": "plain"}


def parts():
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Dropout(0.3), cn.Linear(6, 1), cn.Sigmoid())
    return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.2, momentum=0.9)


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_what_random_layers_draw_goes_on(tmp_path, stop):
    whole, first, second = parts(), parts(), parts()
    cn.fit(*whole, DATA, epochs=6, **OPTIONS)
    cn.fit(*first, DATA, epochs=stop, **OPTIONS)
    cn.save(tmp_path / "half.safetensors", first[0], first[2])
    torch.rand(5)
    cn.load(tmp_path / "half.safetensors", second[0], second[2])
    cn.fit(*second, DATA, epochs=6, initial_epoch=stop, **OPTIONS)
    torch.testing.assert_close(second[0].state_dict(), whole[0].state_dict(), rtol=0, atol=0)


def test_loading_a_file_without_them_forgets_those_of_before(tmp_path):
    path, fresh, trained = tmp_path / "model.safetensors", parts(), parts()
    cn.save(path, fresh[0], fresh[2])
    cn.fit(*trained, DATA, epochs=2, **OPTIONS)
    cn.load(path, trained[0], trained[2])
    cn.fit(*trained, DATA, epochs=2, **OPTIONS)
    cn.fit(*fresh, DATA, epochs=2, **OPTIONS)
    torch.testing.assert_close(trained[0].state_dict(), fresh[0].state_dict(), rtol=0, atol=0)


def test_a_damaged_place_is_said_and_nothing_is_loaded(tmp_path):
    path, learner = tmp_path / "model.safetensors", parts()
    cn.fit(*learner, DATA, epochs=1, **OPTIONS)
    cn.save(path, learner[0], learner[2])
    contents = read(path)
    document = {name: value for name, value in contents.document.items() if name not in ("format", "sha256")}
    tensors = {name: contents.tensor(name).clone() for name in contents.entries}
    path.write_bytes(packed({**document, "draws": {"seed": 5}}, tensors))
    other = parts()
    before = other[0].state_dict()
    with pytest.raises(cn.CheckpointError, match="its draws has no 'epoch'"):
        cn.load(path, other[0], other[2])
    torch.testing.assert_close(other[0].state_dict(), before, rtol=0, atol=0)
