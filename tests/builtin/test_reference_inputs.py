"""PyTorch's own reference inputs of its modules and operations give PyTorch's values and gradients."""

from functools import partial

import pytest
import torch
from torch import nn

import corenet as cn

MODULES = ("Linear", "ReLU", "Tanh", "Sigmoid", "Softmax", "LogSoftmax")
LOSSES = {name: name for name in ("MSELoss", "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss")} | {
    "L1Loss": "MAELoss"
}
SETTINGS = {"device": "cpu", "dtype": torch.float64, "requires_grad": False}
private = pytest.mark.filterwarnings("ignore")  # of what torch's own tests import, and of options that they combine


@pytest.fixture(scope="module")
def module_db():
    pytest.importorskip("expecttest", reason="torch's reference inputs import it")
    found = pytest.importorskip("torch.testing._internal.common_modules", reason="private to torch")
    return {info.module_cls.__name__: info for info in found.module_db}


@pytest.fixture(scope="module")
def op_db():
    pytest.importorskip("expecttest", reason="torch's reference inputs import it")
    found = pytest.importorskip("torch.testing._internal.common_methods_invocations", reason="private to torch")
    return {info.name: info for info in found.op_db if not info.variant_test_name}


def samples_of(module_db, name):
    """Return the arguments of the constructor, and of a call, of each reference input of a module."""
    found = [
        (each.constructor_input.args, each.constructor_input.kwargs, each.forward_input.args)
        for each in module_db[name].module_inputs_func(module_db[name], training=True, **SETTINGS)
        if each.forward_input is not None
    ]
    return [each for each in found if each[2]]


def assert_alike(ours, theirs, input, *given, parameters=()):
    """Compare value and gradients of a module, by a random gradient from above, or of a loss.

    ``theirs`` is called with all that is given, a module of ours with the input, a loss with its target too.
    """
    leaf, is_loss = input.detach().clone().requires_grad_(), isinstance(ours, cn.Loss)
    expected = theirs(leaf, *given)
    arguments = (input, *given) if is_loss else (input,)
    if is_loss and expected.isnan().any():  # the mean over nothing
        with pytest.raises((cn.RangeError, cn.ShapeError)):
            ours(*arguments)
        return
    upstream = torch.ones_like(expected) if is_loss else torch.randn_like(expected)
    expected.backward(upstream)
    close = {"rtol": 1e-10, "atol": 1e-10, "equal_nan": True}
    torch.testing.assert_close(ours(*arguments), expected.detach(), **close)
    found = ours.backward() if is_loss else ours.backward(upstream)
    numbers = ~input.isnan()  # where there is a gradient
    torch.testing.assert_close(found[numbers], leaf.grad[numbers], **close)
    for mine, other in zip(ours.parameters() if parameters else (), parameters, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, **close)


@private
@pytest.mark.parametrize("name", MODULES)
def test_modules_on_the_inputs_of_torchs_modules(module_db, name):
    samples = samples_of(module_db, name)
    for args, kwargs, (input,) in samples:
        ours, theirs = getattr(cn, name)(*args, **kwargs), getattr(nn, name)(*args, **kwargs).double()
        ours.to(dtype=torch.float64).load_state_dict({key: each.detach() for key, each in theirs.state_dict().items()})
        assert_alike(ours, theirs, input, parameters=tuple(theirs.parameters()))
    assert len(samples) >= 2


@private
@pytest.mark.parametrize("name", LOSSES)
def test_losses_on_the_inputs_of_torchs_modules(module_db, name):
    samples = samples_of(module_db, name)
    for args, kwargs, (input, target) in samples:
        assert_alike(getattr(cn, LOSSES[name])(*args, **kwargs), getattr(nn, name)(*args, **kwargs), input, target)
    assert len(samples) >= 5


OPS = {
    "nn.functional.relu": cn.ReLU,
    "tanh": cn.Tanh,
    "sigmoid": cn.Sigmoid,
    "softmax": cn.Softmax,
    "log_softmax": cn.LogSoftmax,
    "flatten": lambda start_dim=0, end_dim=-1: cn.Flatten(start_dim, end_dim),
}
LOSS_OPS = {
    "nn.functional.mse_loss": cn.MSELoss,
    "nn.functional.l1_loss": cn.MAELoss,
    "nn.functional.binary_cross_entropy": cn.BCELoss,
    "nn.functional.binary_cross_entropy_with_logits": cn.BCEWithLogitsLoss,
    "nn.functional.cross_entropy": cn.CrossEntropyLoss,
}


@private
@pytest.mark.parametrize("name", OPS)
def test_modules_on_the_inputs_of_torchs_operations(op_db, name):
    samples = [each for each in op_db[name].reference_inputs(**SETTINGS) if each.input.numel() < 20_000]
    if name == "flatten":  # which has no dimension to take there
        samples = [each for each in samples if each.input.dim()]
    for each in samples:
        theirs = partial(op_db[name].op, **each.kwargs)
        assert_alike(OPS[name](*each.args, **each.kwargs), theirs, each.input, *each.args)
    assert len(samples) >= 7


@private
def test_linear_on_the_inputs_of_torchs_operation(op_db):
    samples = list(op_db["nn.functional.linear"].sample_inputs(**SETTINGS))
    matrices = [each for each in samples if each.args[0].dim() == 2]  # else one weight for each input, and one output
    for each in matrices:
        out_features, in_features = each.args[0].shape
        ours = cn.Linear(in_features, out_features, bias=len(each.args) == 2, dtype=torch.float64)
        own = [tensor.detach().clone().requires_grad_() for tensor in each.args]
        for mine, other in zip(ours.parameters(), own, strict=True):
            mine.copy_(other.detach())
        assert_alike(ours, nn.functional.linear, each.input, *own, parameters=own)
    assert len(matrices) >= 8


@private
@pytest.mark.parametrize("name", LOSS_OPS)
def test_losses_on_the_inputs_of_torchs_operations(op_db, name):
    samples = list(op_db[name].sample_inputs(**SETTINGS))
    for each in samples:
        theirs = partial(op_db[name].op, **each.kwargs)
        assert_alike(LOSS_OPS[name](**each.kwargs), theirs, each.input, *each.args)
    assert len(samples) >= 6


@private
def test_dropout_on_the_inputs_of_torchs_operation(op_db):
    samples = list(op_db["nn.functional.dropout"].sample_inputs(**SETTINGS))
    for each in samples:
        ours, p = cn.Dropout(each.kwargs.get("p", 0.5)), each.kwargs.get("p", 0.5)
        ours.train() if each.kwargs.get("training", True) else ours.eval()
        if ours.training and 0 < p < 1:  # where torch's draw is another
            output, upstream = ours(each.input), torch.randn_like(each.input)
            mask = (output != 0) / (1 - p)
            assert torch.equal(output, each.input * mask)
            assert torch.equal(ours.backward(upstream), upstream * mask)
        elif ours.training:
            assert_alike(ours, partial(nn.functional.dropout, **each.kwargs), each.input)
        else:
            assert torch.equal(ours(each.input), each.input)
    assert len(samples) >= 12
