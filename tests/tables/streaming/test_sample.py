"""A streamed table of which memory holds a sample alone: what looks at the data knows that there is more."""

import pytest
import torch

import corenet as cn
from corenet.tables.streaming import dividing
from corenet.tables.streaming import table as streaming
from corenet.training.going_on.identity import fingerprint

OPTIONS = {"batch_size": 50, "seed": 0, "progress": False}


@pytest.fixture(autouse=True)
def _small_sample(monkeypatch):
    monkeypatch.setattr(dividing, "SAMPLE", 40)


def streamed(path):
    streaming.LAST.clear()  # as a new process would have it
    return cn.stream_table(path, "vote", columns={"id": "drop"}, valid=0.2, test=0.1, seed=0)


def fitted(data, loss=None, **more):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(data.inputs.shape[1], 5), cn.Tanh(), cn.Linear(5, 2))
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    return model, cn.fit(model, loss or cn.CrossEntropyLoss(), optimizer, data, **OPTIONS, **more)


def test_pieces_of_a_batch_take_the_step_of_the_batch(written):
    data = streamed(written("csv")).train
    assert len(data.targets) < len(data)
    (one, whole), (other, pieces) = fitted(data, epochs=2), fitted(data, epochs=2, micro_batch_size=16)
    torch.testing.assert_close(other.state_dict(), one.state_dict(), rtol=1e-4, atol=1e-6)
    assert pieces[-1].loss == pytest.approx(whole[-1].loss, rel=1e-5)
    weighted = cn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0]))
    with pytest.raises(cn.ConfigError, match=r"micro_batch_size: .* does not weigh all points alike"):
        fitted(data, weighted, epochs=2, micro_batch_size=16)


def flipped(path, data):
    """Change the vote of one training row that is not of the sample, and nothing else that is seen from outside."""
    before = path.read_text(encoding="utf-8")
    for number in torch.cat([block.rows for block in data.blocks(50)]).tolist():
        lines = before.splitlines()
        line = lines[number + 1]
        lines[number + 1] = line.replace(",yes", ",no ") if ",yes" in line else line.replace(",no", ",yes")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        found = streamed(path).train
        if torch.equal(found.targets, data.targets) and torch.equal(found.inputs, data.inputs):
            return found
    raise AssertionError("every row is of the sample")


def test_no_training_goes_on_once_a_row_outside_the_sample_is_another(written, tmp_path):
    path, folder = written("csv"), tmp_path / "run"
    data, before = streamed(path).train, path.read_text(encoding="utf-8")
    assert fingerprint(streamed(path).train) == fingerprint(data)
    fitted(data, epochs=2, checkpoint=folder)
    other = flipped(path, data)
    assert len(other) == len(data)
    with pytest.raises(cn.ConfigError, match="is of another training: train is "):
        fitted(other, epochs=4, checkpoint=folder)
    path.write_text(before, encoding="utf-8")  # put back, at another time
    _, history = fitted(streamed(path).train, epochs=4, checkpoint=folder)
    assert len(history) == 4
