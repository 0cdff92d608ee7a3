"""Where in a sequence an element is, as waves of many lengths."""

from __future__ import annotations

from math import log

import corenet as cn
import torch
from torch import Tensor

from corenet_sequence.arguments import refuse_no_probability, refuse_no_size
from corenet_sequence.attention.dot_product import dropout_of


class PositionalEncoding(cn.Module):
    r"""Add the place in the sequence: ``y = dropout(x + E)``, ``E[t, 2i] = sin(t ωᵢ)``, ``E[t, 2i + 1] = cos(t ωᵢ)``.

    The frequencies are ``ωᵢ = 10000^(−2i / d)``. ``E`` is a constant, so that ``dx`` is the dropout's ``dy``.

    Args:
        d_model: width d of the input, odd or even.
        dropout: with which probability an element is set to zero, in training.
        max_len: the longest sequence.
        batch_first: whether sequences are ``(N, L, d)``, not ``(L, N, d)``.
        device, dtype: where and as what the buffer ``pe`` lives; torch's defaults if None.

    Shape: ``(L, N, d)`` or, of one sequence, ``(L, d)``, unchanged.

    Raises:
        ConfigError: a size is no positive integer, or ``dropout`` is not in [0, 1].
        ShapeError: the last dimension is not d, or the sequence is longer than ``max_len``.
        DTypeError, DeviceError: the input does not match the buffer.

    >>> encoding = PositionalEncoding(2, dropout=0.0)
    >>> encoding(torch.tensor([[10.0, 10.0], [10.0, 10.0]]))
    tensor([[10.0000, 11.0000],
            [10.8415, 10.5403]])
    >>> encoding.backward(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[1., 2.],
            [3., 4.]])

    Reference: A. Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.5.
    """

    def __init__(
        self,
        d_model: int,
        dropout: float = 0.1,
        max_len: int = 5000,
        batch_first: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        refuse_no_size("PositionalEncoding", d_model=d_model, max_len=max_len)
        refuse_no_probability("PositionalEncoding", "dropout", dropout)
        self.d_model, self.max_len, self.batch_first = d_model, max_len, batch_first
        self._dropout = dropout
        self.dropout = dropout_of(dropout)
        self.pe = cn.Buffer(torch.empty(max_len, d_model, dtype=dtype).copy_(waves(max_len, d_model)))
        self.to(device=device)

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: one sequence, and batches in both orders."""
        sizes = {"d_model": 3, "dropout": 0.0, "max_len": 7}
        first = {**sizes, "batch_first": True}
        return [cn.Case(sizes, (5, 3)), cn.Case(sizes, (5, 2, 3)), cn.Case({**first, "dropout": 0.3}, (2, 5, 3))]

    def forward(self, input: Tensor) -> Tensor:
        steps = self.pe[: input.shape[self._steps(input)]]
        output: Tensor = self.dropout(input + (steps.unsqueeze(1) if self._steps(input) < input.dim() - 2 else steps))
        return output

    def backward(self, grad_output: Tensor) -> Tensor:
        grad_input: Tensor = self.dropout.backward(grad_output)
        return grad_input

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        self.check_matches(input, self.pe)
        most = len(self.pe)
        if input.dim() not in (2, 3) or input.shape[-1] != self.d_model or input.shape[self._steps(input)] > most:
            order = "(N, L, {0}) or (L, {0})" if self.batch_first else "(L, N, {0}) or (L, {0})"
            raise cn.ShapeError(repr(self), input.shape, f"expected {order.format(self.d_model)} with L ≤ {most}")

    def _steps(self, input: Tensor) -> int:
        """Return the dimension of the places."""
        return 1 if self.batch_first and input.dim() == 3 else 0

    def __repr__(self) -> str:
        return f"PositionalEncoding({self.d_model})"


def waves(length: int, width: int) -> Tensor:
    """Return ``E``, ``(length, width)``, in float64.

    >>> waves(2, 3)[:, 2]
    tensor([0.0000, 0.0022], dtype=torch.float64)
    """
    frequencies = torch.exp(torch.arange(0, width, 2, dtype=torch.float64) * (-log(10000) / width))
    angles = torch.arange(length, dtype=torch.float64)[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[:, :width]
