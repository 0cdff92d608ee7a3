"""PyTorch's own reference settings of each optimizer give PyTorch's trajectory, and what it refuses is refused."""

import corenet as cn
import pytest
import torch

import corenet_optim

pytest.importorskip("expecttest", reason="torch's reference settings import it")
common_optimizers = pytest.importorskip("torch.testing._internal.common_optimizers", reason="private to torch")

KINDS = [getattr(corenet_optim, name) for name in dir(corenet_optim)]
KINDS = [kind for kind in KINDS if issubclass(kind, cn.Optimizer) and hasattr(torch.optim, kind.__name__)]
INFOS = {info.optim_cls.__name__: info for info in common_optimizers.optim_db}
HOW = ("foreach", "fused", "capturable", "differentiable")  # PyTorch computes it
MATRICES = (3, 2), (2, 5), (4, 4), (7, 1)
each = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def test_every_optimizer_that_pytorch_has_is_among_them():
    assert {"Adadelta", "Adagrad", "Adamax", "NAdam", "RAdam", "RMSprop"} <= {kind.__name__ for kind in KINDS}


@each
def test_each_reference_setting_gives_what_torch_gives(agrees, kind):
    if kind.__name__ not in INFOS:
        pytest.skip(f"this torch has no reference settings of {kind.__name__}")
    shapes = {"shapes": MATRICES} if kind.__name__ == "Muon" else {}
    samples = INFOS[kind.__name__].optim_inputs_func(device="cpu", dtype=torch.float64)
    tried = [each.kwargs for each in samples if not isinstance(each.kwargs.get("lr"), torch.Tensor)]
    for options in tried:
        agrees(kind, tolerance=1e-10, **shapes, **{name: value for name, value in options.items() if name not in HOW})
    assert tried


@each
def test_each_setting_that_torch_refuses_is_refused(kind):
    if kind.__name__ not in INFOS:
        pytest.skip(f"this torch has no reference settings of {kind.__name__}")
    wrong = INFOS[kind.__name__].optim_error_inputs_func("cpu", torch.float64)
    refused = [each.optimizer_error_input.kwargs for each in wrong]
    refused = [each for each in refused if each and not set(each) & set(HOW)]
    numbers = [each for each in refused if not isinstance(each.get("lr"), torch.Tensor)]
    for options in numbers:
        with pytest.raises(cn.ConfigError):
            kind([cn.Parameter(torch.ones(2, 3, dtype=torch.float64))], **options)
    assert numbers
