"""Embedding: a row of a table for each index."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.parameter import Parameter
from corenet.grading.textbook import Arguments, Textbook, Worked


class Embedding(Module):
    """The rows of a table that indices pick, yₙ = W[iₙ].

    The indices i are (N,), y is (N, embedding_dim), weight W is (num_embeddings, embedding_dim).
    """

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        self.weight = Parameter(torch.randn(num_embeddings, embedding_dim))

    def forward(self, input: Tensor) -> Tensor:
        """Return y for the indices i, the input."""
        self.save(input)
        return self.weight[input]

    def backward(self, grad_output: Tensor) -> None:
        """Add the gradient of weight to its .grad; indices have none, so return None."""
        (input,) = self.saved()
        self.weight.grad.index_add_(0, input, grad_output)  # a row that is picked twice gets two gradients


def embedding_forward(input: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, Any]:
    """Return yₙ = W[iₙ], and a cache for backward; input i are indices, (N,), weight W is (rows, width)."""
    return weight[input], (input, weight.shape)


def embedding_backward(grad_output: np.ndarray, cache: Any) -> np.ndarray:
    """Return the gradient of weight alone, for that of the output, (N, width)."""
    input, shape = cache
    gradient = np.zeros(shape)
    np.add.at(gradient, input, grad_output)
    return gradient


def _draw(random: np.random.Generator, rows: int) -> Arguments:
    return {"input": random.integers(1, 7, size=rows), "weight": random.normal(size=(8, 4))}


def _written_once(at: Worked) -> np.ndarray:
    gradient = np.zeros_like(at["weight"])
    gradient[at["input"]] += at.upstream
    return gradient


def _first_alone(at: Worked) -> np.ndarray:
    gradient = np.zeros_like(at["weight"])
    gradient[at["input"][::-1]] = at.upstream[::-1]
    return gradient


def _counts(at: Worked) -> np.ndarray:
    return np.bincount(at["input"], minlength=len(at["weight"]))[:, None]


TEXTBOOK = Textbook(
    name="embedding",
    formula="yₙ = W[iₙ], the rows of W that the indices i pick",
    module=Embedding,
    forward=embedding_forward,
    backward=embedding_backward,
    draw=_draw,
    construct=lambda given: given["weight"].shape,
    inputs=("input",),
    parameters=("weight",),
    derived=("weight",),
    mistakes={
        "forward": [
            ("off_by_one", lambda at: at["weight"][at["input"] - 1]),
            ("off_by_one", lambda at: at["weight"][at["input"] + 1]),
        ],
        "weight_gradient": [
            ("repetitions_lost", _written_once),
            ("repetitions_lost", _first_alone),
            ("repetitions_lost", lambda at: at.gradients["weight"] / np.maximum(_counts(at), 1)),
            ("mean_instead_of_sum", lambda at: at.gradients["weight"] / len(at["input"])),
            ("upstream_ignored", lambda at: _counts(at) * np.ones_like(at["weight"])),
            ("upstream_ignored", lambda at: (_counts(at) > 0) * np.ones_like(at["weight"])),
            ("factor_too_many", lambda at: at.gradients["weight"] * at["weight"]),
            ("off_by_one", lambda at: np.roll(at.gradients["weight"], 1, 0)),
            ("off_by_one", lambda at: np.roll(at.gradients["weight"], -1, 0)),
        ],
    },
)
