"""One step of an optimizer: its rule, applied to each slot with the values of its group, by clipped gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from corenet.contracts.groups import having

if TYPE_CHECKING:
    from corenet.contracts.optimizer import Optimizer

_HALF = (torch.float16, torch.bfloat16)


class Applied(Protocol):
    """What one call of ``update`` is about: three tensors or dicts of them, and the values of its group."""

    @property
    def param(self) -> Tensor: ...
    @property
    def grad(self) -> Tensor: ...
    @property
    def state(self) -> dict[str, Tensor]: ...
    @property
    def own(self) -> Mapping[str, Any]: ...


def apply(optimizer: Optimizer, slots: Sequence[Applied]) -> None:
    """Change the parameters of all ``slots`` by their gradients, which stay as they are."""
    if optimizer._schedule is not None:
        _ = optimizer.current_lr  # one that is wrong is refused before anything is written
    gradients = [slot.grad for slot in slots]
    if optimizer._max_grad_norm is not None:
        gradients = clipped(gradients, optimizer._max_grad_norm)
    for slot, grad in zip(slots, gradients, strict=True):
        if own := slot.own:
            with having(optimizer, own):
                optimizer.update(slot.param, grad, slot.state)
        else:
            optimizer.update(slot.param, grad, slot.state)


def clipped(gradients: Sequence[Tensor], max_norm: float) -> list[Tensor]:
    """Return ``g · min(1, max_norm / (|g| + 10⁻⁶))`` with the norm |g| of all together, as PyTorch clips.

    >>> clipped([torch.tensor([3.0]), torch.tensor([-4.0])], max_norm=1)
    [tensor([0.6000]), tensor([-0.8000])]
    """
    if not gradients:
        return []
    scale = (max_norm / (global_norm(gradients) + 1e-6)).clamp(max=1.0)
    return [grad * scale.to(grad.device) for grad in gradients]


def global_norm(gradients: Sequence[Tensor]) -> Tensor:
    """Return ``√Σ gᵢ²`` over all numbers of all ``gradients``.

    >>> global_norm([torch.tensor([[2.0, 4.0]]), torch.tensor([-4.0])])
    tensor(6.)
    """
    first, *others = map(_norm, gradients)
    if not others:
        return first
    squares = first.square()
    for other in others:
        squares = squares + other.to(first.device).square()
    return squares.sqrt()


def _norm(gradient: Tensor) -> Tensor:
    return torch.linalg.vector_norm(gradient, dtype=torch.float32 if gradient.dtype in _HALF else None)  # type: ignore[no-any-return]
