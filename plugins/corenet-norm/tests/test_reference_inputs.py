"""PyTorch's own reference inputs of its modules, where this version of PyTorch ships them."""

import pytest
import torch

import corenet_norm

database = pytest.importorskip("torch.testing._internal.common_modules", exc_type=ImportError)


def reference_inputs():
    """Yield each component with the arguments and shapes that PyTorch tests it on."""
    for info in database.module_db:
        name = info.module_cls.__name__
        if name in corenet_norm.__all__:
            chosen = {"device": "cpu", "dtype": torch.float64, "requires_grad": False, "training": True}
            for place, each in enumerate(info.module_inputs_func(info, **chosen)):
                made = each.constructor_input
                shape = tuple(each.forward_input.args[0].shape)
                yield pytest.param(name, made.args, made.kwargs, shape, id=f"{name}-{place}")


@pytest.mark.parametrize(("name", "arguments", "options", "shape"), [*reference_inputs()])
def test_values_and_gradients_are_pytorchs(agrees, name, arguments, options, shape):
    ours, theirs = (getattr(each, name)(*arguments, **options) for each in (corenet_norm, torch.nn))
    agrees(ours, theirs, *shape)
