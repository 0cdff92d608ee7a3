"""Attention of one head: ``softmax(q kᵀ / √d) v``."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.grading.textbook import Arguments, Textbook, Worked


class Attention(Module):
    """The attention of one head, y = a v with a = softmax(q kᵀ / √d), row by row.

    The queries q are (N, d), the keys k (M, d), the values v (M, e), and y is (N, e).
    """

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return y for q, k and v."""
        scores = query @ key.T / query.shape[1] ** 0.5
        powers = torch.exp(scores - scores.amax(1, keepdim=True))
        weights = powers / powers.sum(1, keepdim=True)
        self.save(query, key, value, weights)
        return weights @ value

    def backward(self, grad_output: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of q, k and v."""
        query, key, value, weights = self.saved()
        grad_weights = grad_output @ value.T
        grad_scores = weights * (grad_weights - (grad_weights * weights).sum(1, keepdim=True))
        grad_product = grad_scores / query.shape[1] ** 0.5
        return grad_product @ key, grad_product.T @ query, weights.T @ grad_output


def attention_forward(query: np.ndarray, key: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, Any]:
    """Return y = a v with a = softmax(q kᵀ / √d), row by row, and a cache for backward.

    query q is (N, d), key k is (M, d), value v is (M, e), and y is (N, e).
    """
    scores = query @ key.T / query.shape[1] ** 0.5
    powers = np.exp(scores - scores.max(1, keepdims=True))
    weights = powers / powers.sum(1, keepdims=True)
    return weights @ value, (query, key, value, weights)


def attention_backward(grad_output: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gradients of query, key and value, for that of the output, (N, e)."""
    query, key, value, weights = cache
    grad_weights = grad_output @ value.T
    grad_scores = weights * (grad_weights - (grad_weights * weights).sum(1, keepdims=True))
    grad_product = grad_scores / query.shape[1] ** 0.5
    return grad_product @ key, grad_product.T @ query, weights.T @ grad_output


def _draw(random: np.random.Generator, rows: int) -> Arguments:
    return {
        "query": random.normal(0.3, 1.0, (rows, 6)),
        "key": random.normal(0.3, 1.0, (rows + 2, 6)),
        "value": random.normal(0.3, 1.0, (rows + 2, 4)),
    }


def _scores(at: Worked, *, diagonal: bool = False, unsummed: bool = False, softmax: bool = True) -> np.ndarray:
    """Return the gradient of q kᵀ with one mistake in it."""
    query, _, value, weights = at.cache
    gradient = at.upstream @ value.T
    if diagonal:
        gradient = gradient * weights * (1 - weights)
    elif unsummed:
        gradient = gradient * weights
    elif softmax:
        gradient = weights * (gradient - (gradient * weights).sum(1, keepdims=True))
    return np.asarray(gradient / query.shape[1] ** 0.5)


TEXTBOOK = Textbook(
    name="attention",
    formula="y = softmax(q kᵀ / √d) v, the softmax row by row",
    module=Attention,
    forward=attention_forward,
    backward=attention_backward,
    draw=_draw,
    construct=lambda given: (),
    inputs=("query", "key", "value"),
    derived=("query", "key", "value"),
    mistakes={
        "forward": [
            ("scale_forgotten", lambda at: attention_forward(at["query"] * 6**0.5, at["key"], at["value"])[0]),
            ("root_forgotten", lambda at: attention_forward(at["query"] / 6**0.5, at["key"], at["value"])[0]),
            ("softmax_forgotten", lambda at: at["query"] @ at["key"].T / 6**0.5 @ at["value"]),
        ],
        "query_gradient": [
            ("scale_forgotten", lambda at: at.gradients["query"] * 6**0.5),
            ("root_forgotten", lambda at: at.gradients["query"] / 6**0.5),
            ("only_diagonal", lambda at: _scores(at, diagonal=True) @ at["key"]),
            ("term_forgotten", lambda at: _scores(at, unsummed=True) @ at["key"]),
            ("softmax_forgotten", lambda at: _scores(at, softmax=False) @ at["key"]),
        ],
        "key_gradient": [
            ("scale_forgotten", lambda at: at.gradients["key"] * 6**0.5),
            ("root_forgotten", lambda at: at.gradients["key"] / 6**0.5),
            ("only_diagonal", lambda at: _scores(at, diagonal=True).T @ at["query"]),
            ("term_forgotten", lambda at: _scores(at, unsummed=True).T @ at["query"]),
            ("softmax_forgotten", lambda at: _scores(at, softmax=False).T @ at["query"]),
        ],
        "value_gradient": [
            ("mean_instead_of_sum", lambda at: at.gradients["value"] / len(at["query"])),
        ],
    },
)
