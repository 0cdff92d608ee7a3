"""Values and gradients beside PyTorch's."""

from collections.abc import Callable, Sequence
from typing import Any

import corenet as cn
import torch
from torch import Tensor, nn


def drawn(*shapes: tuple[int, ...]) -> list[Tensor]:
    return [torch.randn(shape, dtype=torch.float64) for shape in shapes]


def with_weights_of(theirs: nn.Module, ours: cn.Module) -> cn.Module:
    """Return ours in float64, with random numbers for the parameters of both."""
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    state = {
        name: 0.5 + 0.7 * torch.randn(value.shape, dtype=torch.float64) for name, value in theirs.named_parameters()
    }
    theirs.double().load_state_dict(state, strict=False)
    ours.to(torch.float64).load_state_dict(state)
    return ours


def flat(values: Any) -> list[Any]:
    """Return the tensors of nested tuples."""
    return [leaf for value in values for leaf in flat(value)] if isinstance(values, tuple) else [values]


def assert_alike(
    ours: cn.Module, theirs: nn.Module, call: Callable[..., Any], inputs: Sequence[Tensor | None], seed: int = 0
) -> None:
    """Compare outputs and the gradients of inputs and parameters; ``call`` hands the inputs to theirs.

    Both begin with the same random numbers, for what they drop.
    """
    torch.manual_seed(seed)
    found = flat(ours(*inputs))
    leaves = [each.clone().requires_grad_() if _is_float(each) else each for each in inputs]  # type: ignore[union-attr]
    torch.manual_seed(seed)
    expected = flat(call(theirs, *leaves))
    close(found, [each.detach() for each in expected])
    upstream = drawn(*[tuple(each.shape) for each in found])
    torch.autograd.backward(expected, upstream)
    for _ in range(2):  # gradients are added to those that are there
        close(flat(ours.backward(*upstream)), [leaf.grad if _is_float(leaf) else None for leaf in leaves])
        torch.manual_seed(seed)
        ours(*inputs)
    ours.forget()
    close([each.grad / 2 for each in ours.parameters()], [each.grad for each in theirs.parameters()])


def close(found: Sequence[Any], expected: Sequence[Any]) -> None:
    assert [each is None for each in found] == [each is None for each in expected]
    pairs = [pair for pair in zip(found, expected, strict=True) if pair[0] is not None]
    for mine, other in pairs:
        torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-10)


def _is_float(value: object) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()
