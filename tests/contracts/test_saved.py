import pytest
import torch

import corenet as cn
from corenet.contracts.saved import Saved


def test_unchanged_tensors_are_handed_out():
    tensors = (torch.ones(2), torch.zeros(3))
    handed = Saved(tensors).unchanged("somebody")
    assert all(a is b for a, b in zip(handed, tensors, strict=True))


def test_a_change_in_place_is_told_with_its_owner():
    tensor = torch.ones(2)
    saved = Saved((tensor,))
    tensor.add_(1)
    with pytest.raises(cn.BackwardError, match="'somebody' saved for backward was changed in place"):
        saved.unchanged("somebody")


def test_a_changed_input_of_linear_is_refused():
    linear, x = cn.Linear(2, 1), torch.ones(3, 2)
    linear(x)
    x.mul_(100)
    with pytest.raises(cn.BackwardError, match="changed in place"):
        linear.backward(torch.ones(3, 1))


@pytest.mark.parametrize("activation", [cn.ReLU, cn.Tanh, cn.Sigmoid])
def test_a_changed_output_of_an_activation_is_refused(activation):
    module = activation()
    module(torch.ones(3)).sub_(5)
    with pytest.raises(cn.BackwardError, match="changed in place"):
        module.backward(torch.ones(3))


def test_a_changed_input_of_a_loss_is_refused():
    loss, x = cn.MSELoss(), torch.ones(2)
    loss(x, torch.zeros(2))
    x.mul_(10)
    with pytest.raises(cn.BackwardError, match="changed in place"):
        loss.backward()


def test_a_change_of_a_tensor_is_seen_beside_what_is_none():
    tensor = torch.ones(2)
    saved = Saved((3, "word", tensor, None))
    assert saved.unchanged("somebody")[:2] == (3, "word")
    tensor.add_(1)
    with pytest.raises(cn.BackwardError, match="'somebody' saved"):
        saved.unchanged("somebody")


def test_no_changes_are_counted_while_tracing_or_in_inference_mode(monkeypatch):
    with torch.inference_mode():
        tensor = torch.ones(2)
    saved = Saved((tensor,))
    assert (saved.versions, saved.unchanged("somebody")) == ([], (tensor,))
    assert len(Saved((torch.ones(2), torch.ones(3))).versions) == 2
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert Saved((torch.ones(2), torch.ones(3))).versions == []
