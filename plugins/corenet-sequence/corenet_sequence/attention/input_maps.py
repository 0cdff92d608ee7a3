"""The linear maps that make queries, keys and values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Any

import corenet as cn
import torch
from torch import Tensor


class InputMaps(cn.Module):
    r"""``Q = X_q W_qᵀ + b_q``, and K and V likewise, with ``dW_q = dQᵀ X_q`` and ``dX_q = dQ W_q``.

    If all widths are the same, the three weights lie in one tensor. Then there may be fewer sources than maps, and the
    last source goes through all maps that are left, in one product.

    Shape: one to three sources ``(N, ·, width)`` -> ``(N, L, E)``, ``(N, S, E)``, ``(N, S, E)``.
    """

    in_proj_bias: cn.Parameter | None

    def __init__(self, embed_dim: int, kdim: int, vdim: int, bias: bool, dtype: torch.dtype | None) -> None:
        self.embed_dim = embed_dim
        self.is_packed = embed_dim == kdim == vdim
        if self.is_packed:
            self.in_proj_weight = cn.Parameter(torch.empty(3 * embed_dim, embed_dim, dtype=dtype))
        else:
            self.q_proj_weight = cn.Parameter(torch.empty(embed_dim, embed_dim, dtype=dtype))
            self.k_proj_weight = cn.Parameter(torch.empty(embed_dim, kdim, dtype=dtype))
            self.v_proj_weight = cn.Parameter(torch.empty(embed_dim, vdim, dtype=dtype))
        self.in_proj_bias = cn.Parameter(torch.empty(3 * embed_dim, dtype=dtype)) if bias else None

    def reset_parameters(self) -> None:
        """Draw the weights anew, from U(±√(6 / (fan_in + fan_out))); biases are zero."""
        for weight in self._weights():
            bound = sqrt(6 / sum(weight.shape))
            weight.uniform_(-bound, bound)
        if self.in_proj_bias is not None:
            self.in_proj_bias.zero_()

    def forward(self, *sources: Tensor) -> tuple[Tensor, ...]:
        self.save(*sources)
        weights, biases = self._of_each(self._weights(), len(sources)), self._biases(self.in_proj_bias, len(sources))
        mapped = (_affine(*each) for each in zip(sources, weights, biases, strict=True))
        return tuple([part for each in mapped for part in each.split(self.embed_dim, -1)])

    def backward(self, *grad_outputs: Tensor) -> Any:
        sources = self.saved()
        found = tuple(self._back_to_each(sources, grad_outputs))
        return found if len(sources) > 1 else found[0]

    def _back_to_each(self, sources: tuple[Tensor, ...], grad_outputs: tuple[Tensor, ...]) -> Iterator[Tensor]:
        count = len(sources)
        weights, grads = (self._of_each(each, count) for each in (self._weights(), [w.grad for w in self._weights()]))
        bias_grads = self._biases(None if self.in_proj_bias is None else self.in_proj_bias.grad, count)
        for place, source in enumerate(sources):
            own = grad_outputs[place : place + 1] if place < count - 1 else grad_outputs[place:]
            rows, bias_grad = torch.cat(own, -1).flatten(0, 1), bias_grads[place]
            if not self.frozen:
                grads[place].add_(rows.T @ source.flatten(0, 1))  # dW = dQᵀ X
                if bias_grad is not None:
                    bias_grad.add_(rows.sum(0))
            yield (rows @ weights[place]).view(source.shape)  # dX = dQ W

    def _weights(self) -> list[cn.Parameter]:
        return [self.in_proj_weight] if self.is_packed else [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]

    def _of_each(self, tensors: Sequence[Tensor], count: int) -> Sequence[Tensor]:
        """Return what belongs to each source of one tensor for all maps; where each map has its own, these."""
        sizes = [self.embed_dim] * (count - 1) + [self.embed_dim * (4 - count)]
        return tensors[0].split(sizes) if len(tensors) == 1 else tensors

    def _biases(self, bias: Tensor | None, count: int) -> Sequence[Tensor | None]:
        return [None] * count if bias is None else self._of_each([bias], count)


def _affine(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    rows = input.flatten(0, 1)
    found = rows @ weight.T if bias is None else torch.addmm(bias, rows, weight.T)
    return found.view(*input.shape[:-1], len(weight))
