"""The optimizer of another model is neither saved with this one nor filled from its file."""

import pytest
import torch

import corenet as cn


def test_the_optimizer_of_another_model_is_refused(tmp_path):
    model, other = cn.Linear(2, 1), cn.Linear(2, 1)
    path = tmp_path / "model.safetensors"
    foreign = cn.SGD(other.parameters(), lr=0.1, momentum=0.9)
    with pytest.raises(cn.StructureError, match=r"has no parameter of this model; make it with model\.parameters\(\)"):
        cn.save(path, model, foreign)
    assert not path.exists()
    cn.save(path, model, cn.SGD(model.parameters(), lr=0.2, momentum=0.9))
    before = model.weight.clone().fill_(7.0)
    model.weight.copy_(before)
    with pytest.raises(cn.StructureError, match="has no parameter of this model"):
        cn.load(path, model, foreign)
    assert torch.equal(model.weight, before)
    assert foreign.lr == 0.1


def test_the_state_of_another_rule_is_named_in_a_line(tmp_path):
    model = cn.Linear(2, 1)
    path = tmp_path / "model.safetensors"
    cn.save(path, model, cn.SGD(model.parameters(), lr=0.2, momentum=0.9))
    with pytest.raises(cn.StructureError, match=r"state 0 is \['velocity'\], expected \['mean', 'mean_square'\]"):
        cn.load(path, model, cn.Adam(model.parameters()))
