"""A layer of a transformer's encoder."""

from __future__ import annotations

from typing import Any

import corenet as cn
import torch
from torch import Tensor

from corenet_sequence.arguments import refuse_no_choice, refuse_no_probability, refuse_no_size
from corenet_sequence.attention.dot_product import dropout_of
from corenet_sequence.attention.multihead import MultiheadAttention
from corenet_sequence.drawing import normal
from corenet_sequence.transformer.gelu import GELU
from corenet_sequence.transformer.layer_norm import LayerNorm


class TransformerEncoderLayer(cn.Module):
    r"""Self-attention, then a network for each place, each with a way around it and a layer normalization.

    With ``F(x) = dropout(W₂ dropout(f(W₁ x + b₁)) + b₂)`` and ``A(x) = dropout(attention(x))``::

        x₁ = norm₁(x + A(x))        y = norm₂(x₁ + F(x₁))
        x₁ = x + A(norm₁(x))        y = x₁ + F(norm₂(x₁))        if norm_first

    Backward runs the parts in reverse order, and of each way around a part adds the gradient to the part's.
    The inputs are ``src`` and, as one likes, ``src_mask`` and ``src_key_padding_mask``, as of
    :class:`~corenet_sequence.MultiheadAttention`; None holds a place.

    Args:
        d_model: width E of the input.
        nhead: how many heads the attention has; it divides E.
        dim_feedforward: width between ``W₁`` and ``W₂``.
        dropout: with which probability each dropout sets an element to zero, in training.
        activation: f, ``"relu"`` or ``"gelu"``.
        layer_norm_eps: ε of both normalizations.
        batch_first: whether sequences are ``(N, L, E)``, not ``(L, N, E)``.
        norm_first: whether to normalize before each part, not after the sum.
        bias: False leaves all biases out.
        is_causal: whether each place sees those up to itself only.
        device, dtype: where and as what the parameters live; torch's defaults if None.

    Shape: ``(L, N, E)`` or, of one sequence, ``(L, E)``, unchanged; ``src_mask`` ``(L, L)`` or ``(N · nhead, L, L)``,
    ``src_key_padding_mask`` ``(N, L)``. Parameters are called as PyTorch calls them.

    Raises:
        ConfigError: a size is no positive integer, ``nhead`` does not divide E, ``dropout`` is not in [0, 1], or there
            is no such activation.
        ShapeError, RangeError, DTypeError, DeviceError: as of the attention.

    >>> layer = TransformerEncoderLayer(4, 2, dim_feedforward=8, dropout=0.0)
    >>> layer(torch.randn(5, 3, 4)).shape
    torch.Size([5, 3, 4])
    >>> layer.backward(torch.randn(5, 3, 4)).shape
    torch.Size([5, 3, 4])

    Reference: A. Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.1; R. Xiong et al., "On layer
    normalization in the transformer architecture", ICML 2020, for ``norm_first``.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        is_causal: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        name = "TransformerEncoderLayer"
        refuse_no_size(name, d_model=d_model, nhead=nhead, dim_feedforward=dim_feedforward)
        refuse_no_probability(name, "dropout", dropout)
        refuse_no_choice(name, "activation", activation, ("relu", "gelu"))
        self.d_model, self.nhead, self.dim_feedforward, self.bias = d_model, nhead, dim_feedforward, bias
        self.layer_norm_eps, self.batch_first, self.norm_first = layer_norm_eps, batch_first, norm_first
        self._dropout, self._activation, self.is_causal = dropout, activation, is_causal
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, need_weights=False, is_causal=is_causal, dtype=dtype
        )
        self.linear1 = cn.Linear(d_model, dim_feedforward, bias, dtype=dtype)
        self.linear2 = cn.Linear(dim_feedforward, d_model, bias, dtype=dtype)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias, dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias, dtype)
        self.activation = cn.ReLU() if activation == "relu" else GELU()
        self.dropout, self.dropout1, self.dropout2 = (dropout_of(dropout) for _ in range(3))
        if device is not None:
            self.to(device=device)
            self.reset_parameters()  # by the draws of that device

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: the norm before and after, both activations, a mask."""
        sizes = {"d_model": 4, "nhead": 2, "dim_feedforward": 5}
        return [
            cn.Case({**sizes, "dropout": 0.0, "activation": "gelu"}, (5, 3, 4)),
            cn.Case({**sizes, "dropout": 0.2, "norm_first": True, "batch_first": True}, (3, 5, 4)),
            cn.Case({**sizes, "dropout": 0.0, "norm_first": True}, inputs=normal((5, 3, 4), (5, 5))),
        ]

    def forward(self, *inputs: Any) -> Tensor:
        self.save(len(inputs))
        src, *masks = inputs
        if self.norm_first:
            between: Tensor = src + self._attend(self.norm1(src), masks)
            return between + self._feed(self.norm2(between))
        between = self.norm1(src + self._attend(src, masks))
        output: Tensor = self.norm2(between + self._feed(between))
        return output

    def backward(self, grad_output: Tensor) -> Any:
        (count,) = self.saved()
        if self.norm_first:
            grad = grad_output + self.norm2.backward(self._feed_back(grad_output))
            grad_normal, *grad_masks = self._attend_back(grad)
            grad = grad + self.norm1.backward(grad_normal)
        else:
            grad = self.norm2.backward(grad_output)
            grad = self.norm1.backward(grad + self._feed_back(grad))
            through, *grad_masks = self._attend_back(grad)
            grad = grad + through
        return (grad, *grad_masks)[:count] if count > 1 else grad

    def check(self, src: Tensor, src_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None) -> None:
        self.self_attn.check(src, None, None, src_key_padding_mask, src_mask)

    def _attend(self, input: Tensor, masks: list[Any]) -> Tensor:
        mask, padding = [*masks, None, None][:2]
        output: Tensor = self.dropout1(self.self_attn(input, None, None, padding, mask))
        return output

    def _attend_back(self, grad_output: Tensor) -> tuple[Any, Any, Any]:
        """Return the gradients of the input, of ``src_mask`` and of ``src_key_padding_mask``."""
        grad, _, _, padding, mask = self.self_attn.backward(self.dropout1.backward(grad_output))
        return grad, mask, padding

    def _feed(self, input: Tensor) -> Tensor:
        output: Tensor = self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(input)))))
        return output

    def _feed_back(self, grad_output: Tensor) -> Tensor:
        grad = self.dropout.backward(self.linear2.backward(self.dropout2.backward(grad_output)))
        grad_input: Tensor = self.linear1.backward(self.activation.backward(grad))
        return grad_input

    def __repr__(self) -> str:
        return f"TransformerEncoderLayer({self.d_model}, {self.nhead} heads)"
