"""A table whose rows are picked by integers."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_sequence.arguments import refuse_no_size


class Embedding(cn.Module):
    r"""The rows of a table that integers pick: ``yₙ = W[xₙ]``.

    A row that is picked several times gets the sum of the gradients; with ``dy = ∂L/∂y``::

        dW[v] = Σₙ dyₙ over all n with xₙ = v, but 0 for v = padding_idx

    The integers have no gradient.

    Args:
        num_embeddings: how many rows the table has.
        embedding_dim: how wide they are.
        padding_idx: a row that is zero at the start and gets no gradient, for places that hold nothing; negative ones
            count from the last.
        device, dtype: where and as what the table lives; torch's defaults if None.

    Shape: ``(*) -> (*, embedding_dim)``, of integers (int32 or int64) to numbers; ``weight`` is
    ``(num_embeddings, embedding_dim)``, drawn from N(0, 1).

    Raises:
        ConfigError: a size is no positive integer, or there is no row ``padding_idx``.
        DTypeError: the input is not of integers.
        RangeError: an integer picks no row.

    >>> embedding = Embedding(3, 2)
    >>> _ = embedding.weight.copy_(torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]))
    >>> embedding(torch.tensor([2, 0, 2]))
    tensor([[4., 5.],
            [0., 1.],
            [4., 5.]])
    >>> embedding.backward(torch.ones(3, 2))
    >>> embedding.weight.grad
    tensor([[1., 1.],
            [0., 0.],
            [2., 2.]])

    Reference: Y. Bengio, R. Ducharme, P. Vincent, C. Jauvin, "A neural probabilistic language model", JMLR 3, 2003.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        refuse_no_size("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = _row(padding_idx, num_embeddings)
        self.weight = cn.Parameter(torch.empty(num_embeddings, embedding_dim, dtype=dtype))
        self.to(device=device)
        self.reset_parameters()

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: rows picked again, and a padding that is not picked."""
        return [
            cn.Case(args=(7, 3), inputs=lambda generator: torch.randint(7, (5, 4), generator=generator)),
            cn.Case(args=(2, 3), inputs=lambda generator: torch.randint(2, (6,), generator=generator)),
            cn.Case(args=(7, 3, 0), inputs=lambda generator: torch.randint(1, 7, (5, 4), generator=generator)),
        ]

    def reset_parameters(self) -> None:
        """Draw the table anew from N(0, 1); the row of the padding is zero."""
        self.weight.normal_()
        if self.padding_idx is not None:
            self.weight[self.padding_idx].zero_()

    def forward(self, input: Tensor) -> Tensor:
        self.save(input)
        return self.weight.index_select(0, input.flatten()).view(*input.shape, self.embedding_dim)

    def backward(self, grad_output: Tensor) -> None:
        (input,) = self.saved()
        if self.frozen:
            return
        rows, picked = grad_output.reshape(-1, self.embedding_dim), input.flatten()
        if self.padding_idx is not None:
            rows = rows * (picked != self.padding_idx)[:, None]
        self.weight.grad.index_add_(0, picked, rows)  # dW[xₙ] += dyₙ, also where xₙ comes again

    def check(self, input: Tensor) -> None:
        if not isinstance(input, Tensor) or input.dtype not in (torch.int64, torch.int32):
            kind = input.dtype if isinstance(input, Tensor) else type(input).__name__
            raise cn.DTypeError(f"{self!r} takes a tensor of integers, int64 or int32, got {kind}; use input.long()")
        if input.device != self.weight.device:
            raise cn.DeviceError(f"{self!r} is on {self.weight.device} and got input on {input.device}")

    def check_values(self, input: Tensor) -> None:
        if input.numel() == 0:
            return
        low, high = input.aminmax()
        if low < 0 or high >= self.num_embeddings:
            wrong = int(low if low < 0 else high)
            raise cn.RangeError(f"{self!r} got index {wrong}; expected integers from 0 to {self.num_embeddings - 1}")

    def __repr__(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"Embedding({self.num_embeddings} × {self.embedding_dim}{padding})"


def _row(padding_idx: int | None, count: int) -> int | None:
    """Return the row that holds the padding, counted from 0."""
    if padding_idx is None:
        return None
    if isinstance(padding_idx, bool) or padding_idx not in range(-count, count):
        raise cn.ConfigError(
            f"Embedding: padding_idx must be an integer from {-count} to {count - 1}, not {padding_idx!r}",
            name="padding_idx",
            value=padding_idx,
        )
    return padding_idx % count
