"""Attention itself: each query reads the values, by how much it is like their keys."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import corenet as cn
from torch import Tensor


class DotProductAttention(cn.Module):
    r"""``Y = softmax(Q Kᵀ / √d + M) V``, with as many heads beside each other as one likes.

    With ``P`` the softmax, ``A`` what dropout leaves of it, and ``dS = P ∘ (dP − rowsum(dP ∘ P))``::

        dV = Aᵀ dY        dA = dY Vᵀ        dQ = dS K / √d        dK = dSᵀ Q / √d        dM = dS

    Shape: ``(N, h, L, d)``, ``(N, h, S, d)``, ``(N, h, S, e)`` and masks that broadcast to ``(N, h, L, S)`` ->
    ``(N, h, L, e)``, and ``A`` if it is needed. A mask of numbers is added; one of truth values hides where it is true.
    """

    def __init__(self, dropout: float, need_weights: bool) -> None:
        self.dropout = dropout_of(dropout)
        self.need_weights = need_weights

    def forward(self, query: Tensor, key: Tensor, value: Tensor, *masks: Tensor) -> Any:
        scores = query / sqrt(query.shape[-1]) @ key.transpose(-2, -1)
        for mask in masks:
            scores = scores + mask if mask.is_floating_point() else scores.masked_fill(mask, -inf)
        weights = scores.softmax(-1)
        kept = self.dropout(weights)
        self.save(query, key, value, weights, kept, *masks)
        return (kept @ value, kept) if self.need_weights else kept @ value

    def backward(self, grad_output: Tensor, *grad_kepts: Tensor) -> tuple[Any, ...]:
        query, key, value, weights, kept, *masks = self.saved()
        grad_value = kept.transpose(-2, -1) @ grad_output  # dV = Aᵀ dY
        grad_kept = sum(grad_kepts, start=grad_output @ value.transpose(-2, -1))  # dA = dY Vᵀ
        grad_weights: Tensor = self.dropout.backward(grad_kept)
        mean = (grad_weights * weights).sum(-1, keepdim=True)
        grad_scores = weights * (grad_weights - mean)  # dS = P ∘ (dP − rowsum(dP ∘ P))
        grad_masks = [grad_scores.sum_to_size(mask.shape) if mask.is_floating_point() else None for mask in masks]
        scaled = grad_scores / sqrt(query.shape[-1])
        return scaled @ key, scaled.transpose(-2, -1) @ query, grad_value, *grad_masks


def dropout_of(p: float) -> cn.Module:
    """Return a dropout, or the identity where it would drop nothing, which then draws no random numbers either."""
    return cn.Dropout(p) if p else cn.Sequential()
