"""Attention of several heads, between linear maps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import corenet as cn
import torch
from torch import Tensor

from corenet_sequence.arguments import refuse_no_probability, refuse_no_size
from corenet_sequence.attention.dot_product import DotProductAttention
from corenet_sequence.attention.input_maps import InputMaps
from corenet_sequence.attention.masks import Sizes, laid_out, later_keys, refuse_blind, refuse_misfit
from corenet_sequence.drawing import hidden, normal


class MultiheadAttention(cn.Module):
    r"""Attention of h heads: ``Y = [H₁, …, H_h] W_oᵀ + b_o`` with ``Hᵢ = softmax(Qᵢ Kᵢᵀ / √d + M) Vᵢ``.

    ``[Q₁, …, Q_h] = X_q W_qᵀ + b_q``, and K and V likewise, are linear maps of the three inputs, cut into heads of
    width d. With P the softmax, the derivative of each head is::

        dP = dHᵢ Vᵢᵀ        dS = P ∘ (dP − rowsum(dP ∘ P))        dM = dS
        dQᵢ = dS Kᵢ / √d    dKᵢ = dSᵀ Qᵢ / √d                     dVᵢ = Pᵀ dHᵢ

    The inputs are the query, and then, each as one likes, the key (the query if there is none), the value (the key),
    ``key_padding_mask`` and ``attn_mask``. One input alone is self-attention; None holds a place. A mask is of truth
    values, True for what is hidden, or of numbers that are added and have a gradient.

    Args:
        embed_dim: width E of the query and of the output.
        num_heads: h, which divides E.
        dropout: with which probability an element of P is set to zero, in training.
        bias: False leaves all biases out.
        kdim, vdim: widths of key and value; E if None.
        batch_first: whether sequences are ``(N, L, E)``, not ``(L, N, E)``.
        need_weights: whether P, in the mean of the heads and after dropout, is a second output.
        is_causal: whether a query sees the keys up to its own place only.
        device, dtype: where and as what the parameters live; torch's defaults if None.

    Shape: query ``(L, N, E)``, key ``(S, N, kdim)``, value ``(S, N, vdim)``, or all of them without N;
    ``key_padding_mask`` ``(N, S)``, ``attn_mask`` ``(L, S)`` or ``(N · h, L, S)``; output ``(L, N, E)`` and P
    ``(N, L, S)``. Parameters are called as PyTorch calls them.

    Raises:
        ConfigError: a size is no positive integer, h does not divide E, or ``dropout`` is not in [0, 1].
        ShapeError: an input or a mask does not fit.
        StructureError: with ``kdim`` or ``vdim``, key or value is missing.
        RangeError: the masks hide every key from a query.
        DTypeError, DeviceError: an input does not match the parameters, or a mask is of integers.

    >>> attention = MultiheadAttention(2, 1, need_weights=False)
    >>> _ = [parameter.fill_(1.0) for parameter in attention.parameters()]
    >>> attention(torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
    tensor([[6.8884, 6.8884],
            [6.9717, 6.9717]])
    >>> attention.backward(torch.ones(2, 2))
    tensor([[-0.2552, -0.2552],
            [ 8.6323,  8.6323]])

    Reference: A. Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.2.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        *,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        need_weights: bool = True,
        is_causal: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        sizes = {"embed_dim": embed_dim, "num_heads": num_heads, "kdim": self.kdim, "vdim": self.vdim}
        refuse_no_size("MultiheadAttention", **sizes)
        refuse_no_probability("MultiheadAttention", "dropout", dropout)
        if embed_dim % num_heads:
            raise cn.ConfigError(
                f"MultiheadAttention: num_heads must divide embed_dim {embed_dim}, {num_heads} does not",
                name="num_heads",
                value=num_heads,
            )
        self.embed_dim, self.num_heads, self.dropout, self.bias = embed_dim, num_heads, dropout, bias
        self.batch_first, self.need_weights, self.is_causal = batch_first, need_weights, is_causal
        self.maps = InputMaps(embed_dim, self.kdim, self.vdim, bias, dtype)
        self.attention = DotProductAttention(dropout, need_weights)
        self.out_proj = cn.Linear(embed_dim, embed_dim, bias=bias, dtype=dtype)
        self.to(device=device)
        self.reset_parameters()

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: self and cross, with and without masks and weights."""
        first, other = {"batch_first": True}, {"kdim": 3, "vdim": 5, "dropout": 0.3}
        three = normal((3, 2, 4), (3, 5, 4), (3, 5, 4))
        return [
            cn.Case({**first, "need_weights": False}, args=(4, 2), inputs=normal((3, 5, 4))),
            cn.Case({"is_causal": True}, args=(4, 2), inputs=normal((5, 3, 4))),
            cn.Case({"bias": False}, args=(4, 2), inputs=normal((2, 3, 4), (5, 3, 4))),
            cn.Case(other, args=(4, 2), inputs=normal((2, 3, 4), (5, 3, 3), (5, 3, 5))),
            cn.Case(first, args=(4, 2), inputs=lambda generator: (*three(generator), hidden((3, 5), generator))),
            cn.Case(first, args=(4, 2), inputs=normal((3, 2, 4), (3, 5, 4), (3, 5, 4), (3, 5), (2, 5))),
        ]

    def reset_parameters(self) -> None:
        """Draw the weights anew; biases are zero."""
        super().reset_parameters()
        if self.out_proj.bias is not None:
            self.out_proj.bias.zero_()

    def named_members(self) -> Iterator[tuple[str, object]]:
        """Yield the parameters of the inputs' maps under PyTorch's names, and then all else."""
        yield from self.maps.named_parameters()
        yield from super().named_members()

    def forward(self, *inputs: Any) -> Any:
        query, key, value, padding, mask = filled(inputs)
        is_single = query.dim() == 2
        sources = [self._batch_first(each, is_single) for each in (query, key, value) if each is not None]
        self.save(len(inputs), len(sources), is_single, _shape(padding), _shape(mask))
        heads = [part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in self.maps(*sources)]
        attended = self.attention(*heads, *self._masks(query, key, padding, mask))
        context, *weights = attended if self.need_weights else (attended,)
        output = self._as_given(self.out_proj(context.transpose(1, 2).flatten(2)), is_single)
        means = [each.mean(1).squeeze(0) if is_single else each.mean(1) for each in weights]
        return (output, *means) if means else output

    def backward(self, grad_output: Tensor, *grad_means: Tensor) -> Any:
        count, given, is_single, *mask_shapes = cast(tuple[Any, ...], self.saved())
        grad_context = self.out_proj.backward(self._batch_first(grad_output, is_single))
        grad_heads = grad_context.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        grad_weights = [self._to_each_head(each, is_single) for each in grad_means]
        grad_q, grad_k, grad_v, *grads = self.attention.backward(grad_heads, *grad_weights)
        grad_sources = self.maps.backward(*[each.transpose(1, 2).flatten(2) for each in (grad_q, grad_k, grad_v)])
        each_source = grad_sources if given > 1 else (grad_sources,)
        grad_masks = [None if shape is None else _viewed(grads.pop(0), shape) for shape in mask_shapes]
        found = [self._as_given(each, is_single) for each in each_source] + [None] * (3 - given) + grad_masks
        return tuple(found[:count]) if count > 1 else found[0]

    def check(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        attn_mask: Tensor | None = None,
    ) -> None:
        if (key is None and value is not None) or (value is None and not self.maps.is_packed):
            raise cn.StructureError(f"{self!r} needs the key and the value here, beside the query")
        widths = {"query": self.embed_dim, "key": self.kdim, "value": self.vdim}
        for (name, width), each in zip(widths.items(), (query, key, value), strict=True):
            if each is not None:
                self._check_sequence(f"{self!r}: its {name}", each, width, query)
        if value is not None and key is not None and value.shape[:-1] != key.shape[:-1]:
            raise cn.ShapeError(f"{self!r}: its value", value.shape, f"expected {tuple(key.shape[:-1])} as of the key")
        batch, heads, queries, keys = self._sizes(query, key)
        if key_padding_mask is not None:
            shape = (keys,) if query.dim() == 2 else (batch, keys)
            refuse_misfit(f"{self!r}: its key_padding_mask", key_padding_mask, query, shape)
        if attn_mask is not None:
            shapes = (queries, keys), (batch * heads, queries, keys)
            refuse_misfit(f"{self!r}: its attn_mask", attn_mask, query, *shapes)

    def check_values(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        attn_mask: Tensor | None = None,
    ) -> None:
        if key_padding_mask is not None or attn_mask is not None:
            masks = self._masks(query, key, key_padding_mask, attn_mask)
            refuse_blind(repr(self), self._sizes(query, key), masks)

    def _check_sequence(self, name: str, sequence: Tensor, width: int, query: Tensor) -> None:
        self.check_floating(sequence)
        self.check_matches(sequence, self.out_proj.weight)
        if sequence.dim() not in (2, 3) or sequence.dim() != query.dim() or sequence.shape[-1] != width:
            order = "(N, L, {0}) or (L, {0})" if self.batch_first else "(L, N, {0}) or (L, {0})"
            raise cn.ShapeError(name, sequence.shape, f"expected {order.format(width)}, of all inputs alike")
        batch = 0 if self.batch_first else 1
        if sequence.dim() == 3 and sequence.shape[batch] != query.shape[batch]:
            raise cn.ShapeError(name, sequence.shape, f"expected {query.shape[batch]} sequences, as of the query")

    def _sizes(self, query: Tensor, key: Tensor | None) -> Sizes:
        """Return how many sequences, heads, queries and keys there are."""
        key = query if key is None else key
        if query.dim() == 2:
            return 1, self.num_heads, len(query), len(key)
        steps = 1 if self.batch_first else 0
        return query.shape[1 - steps], self.num_heads, query.shape[steps], key.shape[steps]

    def _masks(self, query: Tensor, key: Tensor | None, padding: Tensor | None, mask: Tensor | None) -> list[Tensor]:
        """Return the masks that there are, laid out over the scores."""
        sizes = self._sizes(query, key)
        causal = later_keys(*sizes[2:], query.device) if self.is_causal else None
        return list(laid_out(sizes, padding, mask, causal))

    def _batch_first(self, tensor: Tensor, is_single: bool) -> Tensor:
        """Return a sequence, or a batch of them, as ``(N, L, ·)``."""
        if is_single:
            return tensor.unsqueeze(0)
        return tensor if self.batch_first else tensor.transpose(0, 1)

    def _as_given(self, tensor: Tensor, is_single: bool) -> Tensor:
        """Return ``(N, L, ·)`` in the order of the input."""
        if is_single:
            return tensor.squeeze(0)
        return tensor if self.batch_first else tensor.transpose(0, 1)

    def _to_each_head(self, grad_mean: Tensor, is_single: bool) -> Tensor:
        """Return the gradient of the weights of all heads from that of their mean."""
        each = (grad_mean.unsqueeze(0) if is_single else grad_mean) / self.num_heads
        return each.unsqueeze(1).expand(-1, self.num_heads, -1, -1)

    def __repr__(self) -> str:
        return f"MultiheadAttention({self.embed_dim}, {self.num_heads} heads{', causal' if self.is_causal else ''})"


def filled(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return inputs with None for each that is left out."""
    return (*inputs, *[None] * (5 - len(inputs)))


def _shape(mask: Tensor | None) -> torch.Size | None:
    return None if mask is None else mask.shape


def _viewed(gradient: Tensor | None, shape: torch.Size) -> Tensor | None:
    return None if gradient is None else gradient.view(shape)
