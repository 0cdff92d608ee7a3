"""PyTorch's own reference settings of each optimizer give PyTorch's trajectory, and what it refuses is refused."""

import pytest
import torch

import corenet as cn

HOW = {"foreach", "fused", "capturable", "differentiable"}  # PyTorch computes it
SHAPES = (3, 2), (5,), (1, 3), ()
each = pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])


@pytest.fixture(scope="module")
def optim_db():
    pytest.importorskip("expecttest", reason="torch's reference settings import it")
    found = pytest.importorskip("torch.testing._internal.common_optimizers", reason="private to torch")
    return {info.optim_cls.__name__: info for info in found.optim_db}


def ours_takes(options):
    """Tell whether options are numbers: torch's tell the others how to compute, or are tensors."""
    return not (set(options) & HOW or any(isinstance(value, torch.Tensor) for value in options.values()))


def trajectory(kind, weights, options, steps=50):
    """Return the weights after each step, by gradients from one fixed stream, some of them large and some 0."""
    generator, optimizer, found = torch.Generator().manual_seed(1), kind(weights, **options), []
    for step in range(steps):
        for weight in weights:
            drawn = torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
            weight.grad = drawn * (drawn.abs() > 0.1) * (0.05 if step % 3 else 5.0)
        optimizer.step()
        found.append(torch.cat([weight.detach().reshape(-1) for weight in weights]))
    return torch.stack(found)


@each
@pytest.mark.filterwarnings("ignore")  # of what torch's own tests import
def test_each_reference_setting_gives_what_torch_gives(optim_db, name):
    values = [torch.randn(shape, dtype=torch.float64) for shape in SHAPES]
    tried = [{"lr": 1e-3} | each.kwargs for each in optim_db[name].optim_inputs_func("cpu", torch.float64)]
    tried = [options for options in tried if ours_takes(options)]
    for options in tried:
        ours = trajectory(getattr(cn, name), [cn.Parameter(value) for value in values], options)
        leaves = [torch.nn.Parameter(value.clone()) for value in values]
        theirs = trajectory(getattr(torch.optim, name), leaves, options)
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    assert len(tried) >= 5


@each
@pytest.mark.filterwarnings("ignore")
def test_each_setting_that_torch_refuses_is_refused(optim_db, name):
    wrong = optim_db[name].optim_error_inputs_func("cpu", torch.float64)
    refused = [each.optimizer_error_input.kwargs for each in wrong]
    refused = [options for options in refused if options and ours_takes(options)]
    for options in refused:
        with pytest.raises(cn.ConfigError):
            getattr(cn, name)([cn.Parameter(torch.ones(2, 3))], **options)
    assert refused
