"""A tape notes what ran, with the tensors that came of it."""

import pytest
import torch

from corenet.training.engines.recording.op_log import OpLog


def recorded(function):
    with OpLog() as log:
        result = function()
    return log.operations, result


def test_operations_are_noted_in_order_with_their_results():
    x = torch.randn(3, 4)
    operations, y = recorded(lambda: torch.tanh(x.permute(1, 0) @ x).add_(1))
    assert [operation.name for operation in operations] == ["permute", "mm", "tanh", "add_"]
    assert operations[-1].result is y
    assert [operation.is_view for operation in operations] == [True, False, False, False]
    assert [operation.writes for operation in operations] == [False, False, False, True]


def test_a_copy_is_no_view_and_tensors_in_lists_are_arguments():
    x = torch.randn(3)
    (copy, joined), _ = recorded(lambda: torch.cat([x.clone(), x]))
    assert not copy.is_view
    assert [tensor.shape for tensor in joined.tensors()] == [(3,), (3,)]
    assert joined.tensors()[1] is x


@pytest.mark.parametrize("look", [lambda x: x.sum().item(), lambda x: bool((x > 0).all()), lambda x: float(x[0])])
def test_a_look_at_a_number_cannot_be_recorded(look):
    with pytest.raises(NotRecordable), OpLog():
        look(torch.ones(2))


def test_nothing_is_noted_outside():
    operations, x = recorded(lambda: torch.tanh(torch.zeros(2)))
    count = len(operations)
    torch.tanh(x)
    assert len(operations) == count
