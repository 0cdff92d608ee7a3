"""A log notes what ran, with the tensors that came of it."""

import copy

import numpy
import pytest
import torch

from corenet.training.engines.recording.lowering import call
from corenet.training.engines.recording.op_log import OpLog
from corenet.training.engines.unsupported import NotRecordable


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


def test_a_kernel_may_leave_out_what_it_was_told_not_to_compute():
    x, weight = torch.randn(2, 3, 5), torch.randn(4, 3, 2)
    again = torch.ops.aten.convolution_backward
    arguments = (torch.randn(2, 4, 4), x, weight, None, [1], [0], [1], False, [0], 1, [False, True, False])
    (operation,), (_, gradient, _) = recorded(lambda: again(*arguments))
    (found,) = operation.results()
    assert found is gradient
    expected = gradient.clone()
    gradient.zero_()
    call(operation)()
    torch.testing.assert_close(gradient, expected)


LOOKS = {
    "item": (lambda x: x.sum().item(), "reads a tensor's values in Python (aten._local_scalar_dense)"),
    "bool": (lambda x: bool((x > 0).all()), "reads a tensor's values in Python (aten._local_scalar_dense)"),
    "float": (lambda x: float(x[0]), "reads a tensor's values in Python (aten._local_scalar_dense)"),
    "equal": (lambda x: torch.equal(x, x), "reads a tensor's values in Python (aten.equal)"),
    "tolist": (lambda x: x.tolist(), "reads a tensor's values in Python (Tensor.tolist)"),
    "numpy": (lambda x: x.numpy().sum(), "reads a tensor's values in Python (Tensor.numpy)"),
    "an array": (lambda x: numpy.asarray(x).sum(), "reads a tensor's values in Python (Tensor.__array__)"),
    "a text": (lambda x: f"{x[0]}", "reads a tensor's values in Python (Tensor.__format__)"),
    "its memory": (lambda x: x.data_ptr(), "reads a tensor's values in Python (Tensor.data_ptr)"),
    "a copy": (copy.deepcopy, "reads a tensor's values in Python (Tensor.__deepcopy__)"),
    "a mask": (lambda x: x[x > 0], "makes a tensor whose shape depends on its numbers (aten.index)"),
    "unique": (lambda x: x.unique(), "makes a tensor whose shape depends on its numbers (aten._unique2)"),
    "resized": (lambda x: x.clone().resize_(1), "changes the memory of a tensor (aten.resize_)"),
}


@pytest.mark.parametrize("name", LOOKS)
def test_what_cannot_be_done_again_goes_on_as_without_a_log_and_is_noted(name):
    look, told = LOOKS[name]
    x = torch.ones(2)
    expected = look(x)
    with OpLog() as log:
        found = look(x)
    assert repr(found) == repr(expected)
    assert log.refusal.text == f"the step {told}"
    with pytest.raises(NotRecordable, match="the step"):
        log.checked()


def test_the_first_of_several_refusals_is_told():
    with OpLog() as log:
        torch.ones(2).tolist(), torch.ones(1).item()
    assert log.refusal.text == "the step reads a tensor's values in Python (Tensor.tolist)"


def test_a_look_at_a_shape_or_a_dtype_is_no_refusal():
    x = torch.ones(2, 3)
    with OpLog() as log:
        y = x * x.shape[0] if x.dtype is torch.float32 and len(x) == 2 and x.is_contiguous() else x
    assert log.refusal is None
    assert [each.name for each in log.checked()] == ["mul"]
    assert y[0, 0] == 2


def test_a_log_that_ends_in_an_error_leaves_torch_as_it_was():
    with pytest.raises(ZeroDivisionError), OpLog() as log:
        _ = torch.ones(2) / (1 // 0)
    count = len(log.operations)
    torch.ones(2).tolist()
    assert (len(log.operations), log.refusal) == (count, None)


def test_nothing_is_noted_outside():
    operations, x = recorded(lambda: torch.tanh(torch.zeros(2)))
    count = len(operations)
    torch.tanh(x)
    assert len(operations) == count
