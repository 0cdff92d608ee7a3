"""An image at more points, or at fewer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor, inf
from typing import cast

import corenet as cn
import torch
from torch import Tensor

from corenet_conv.interpolation import Points, between, interpolate, interpolate_backward, nearest
from corenet_conv.sizes import Sizes, sizes

MODES = ("nearest", "bilinear")


class Upsample(cn.Module):
    r"""An image at more points: each is one of the input's, or a mean of the two beside it, along each dimension.

    Along one dimension, with ``r = size / new size``, output ``t`` lies at ``u = r t`` of the input (``nearest``) or at
    ``u = max(r (t + ½) − ½, 0)`` (``bilinear``), and ``i = ⌊u⌋``, ``f = u − i``::

        nearest     y[t] = x[i]                         dx[i] += dy[t]
        bilinear    y[t] = (1 − f) x[i] + f x[i + 1]    dx[i] += (1 − f) dy[t]        dx[i + 1] += f dy[t]

    Where the new size is the same, or for ``nearest`` twice as large, ``r`` is taken from the sizes, as PyTorch does.

    Args:
        size: the new height and width, or one for both; or give ``scale_factor``.
        scale_factor: by how much height and width grow, or one for both; then ``r = 1 / scale_factor``.
        mode: ``"nearest"`` or ``"bilinear"``.
        align_corners: True lets the first and last points of input and output lie at each other: ``u = t (size − 1) /
            (new size − 1)``; ``bilinear`` only.
        recompute_scale_factor: True takes ``r`` from the sizes where ``scale_factor`` gives them, too.

    Shape: ``(N, C, H, W) -> (N, C, H', W')`` with ``H'`` as in ``size``, or ``⌊scale_factor · H⌋``.

    Raises:
        ConfigError: neither or both of ``size`` and ``scale_factor`` are given, one is no such number, ``mode`` is
            unknown, or it does not take ``align_corners``.
        ShapeError: the input has other dimensions, or the output would have no elements.

    >>> upsample = Upsample(scale_factor=(1, 2), mode="bilinear")
    >>> upsample(torch.tensor([[[[0.0, 4.0]]]]))
    tensor([[[[0., 1., 3., 4.]]]])
    >>> upsample.backward(torch.tensor([[[[1.0, 4.0, 8.0, 2.0]]]]))
    tensor([[[[6., 9.]]]])

    Reference: R. Szeliski, "Computer Vision: Algorithms and Applications", Springer 2010, section 3.5.1.
    """

    def __init__(
        self,
        size: Sizes | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        if (size is None) == (scale_factor is None):
            self._refuse("size and scale_factor", (size, scale_factor), "must be one number or pair, and one None")
        if mode not in MODES:
            self._refuse("mode", mode, f"must be one of {', '.join(MODES)}")
        if mode == "nearest" and align_corners is not None:
            self._refuse("align_corners", align_corners, "is for mode='bilinear' only")
        if size is not None and recompute_scale_factor:
            self._refuse("recompute_scale_factor", recompute_scale_factor, "needs a scale_factor")
        self.size = None if size is None else sizes("Upsample", "size", size, 2)
        self.scale_factor = None if scale_factor is None else self._factors(scale_factor)
        self.mode, self.align_corners, self.recompute_scale_factor = mode, align_corners, recompute_scale_factor

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: more and fewer points, in both modes, aligned or not."""
        bilinear = {"mode": "bilinear"}
        return [
            cn.Case({"scale_factor": 2}, (2, 3, 3, 4)),
            cn.Case({"scale_factor": (2.5, 1.3), **bilinear}, (2, 3, 3, 4)),
            cn.Case({"size": (5, 3), "align_corners": True, **bilinear}, (2, 2, 3, 7)),
        ]

    def forward(self, input: Tensor) -> Tensor:
        self.save(input.shape)
        output = input.to(_wide(input.dtype))
        for dim, points in self._points(input.shape, output):
            output = interpolate(output, dim, points)
        return output.to(input.dtype)

    def backward(self, grad_output: Tensor) -> Tensor:
        (shape,) = cast(tuple[torch.Size], self.saved())
        grad_input = grad_output.to(_wide(grad_output.dtype))
        for dim, points in self._points(shape, grad_input):
            grad_input = interpolate_backward(grad_input, dim, points, shape[dim])
        return grad_input.to(grad_output.dtype)

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        if input.dim() != 4:
            raise cn.ShapeError(repr(self), input.shape, "expected (N, C, H, W)")
        if 0 in input.shape[-2:] or 0 in self._new_size(input.shape):
            raise cn.ShapeError(repr(self), input.shape, "expected one element or more, in the output too")

    def _points(self, shape: Sequence[int], like: Tensor) -> Iterator[tuple[int, Points]]:
        """Yield each dimension with the points along it that the output has."""
        for dim, count in zip((-2, -1), self._new_size(shape), strict=True):
            ratio = self._ratio(dim, shape[dim], count)
            if self.mode == "nearest":
                yield dim, nearest(ratio, shape[dim], count, like)
            else:
                yield dim, between(ratio, shape[dim], count, bool(self.align_corners), like)

    def _ratio(self, dim: int, size: int, count: int) -> float:
        """Return how far apart the points lie."""
        if self.align_corners:
            return (size - 1) / (count - 1) if count > 1 else 0.0
        repeats = count == size or (self.mode == "nearest" and count == 2 * size)  # whatever the factor, for PyTorch
        if self.scale_factor is None or self.recompute_scale_factor or repeats:
            return size / count
        return 1 / self.scale_factor[dim]

    def _new_size(self, shape: Sequence[int]) -> tuple[int, ...]:
        if self.scale_factor is None:
            return self.size or ()
        return tuple(floor(size * factor) for size, factor in zip(shape[-2:], self.scale_factor, strict=True))

    def _factors(self, value: float | Sequence[float]) -> tuple[float, ...]:
        factors = tuple(value) if isinstance(value, Sequence) else (value, value)
        if len(factors) != 2 or not all(isinstance(each, (int, float)) and 0 < each < inf for each in factors):
            self._refuse("scale_factor", value, "must be a positive number or two of them")
        return factors

    def _refuse(self, name: str, value: object, rule: str) -> None:
        raise cn.ConfigError(f"Upsample: {name} {rule}, not {value!r}", name=name, value=value)

    def __repr__(self) -> str:
        wanted = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        aligned = ", align_corners=True" if self.align_corners else ""
        return f"Upsample({wanted}, mode={self.mode!r}{aligned})"


def _wide(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype that is computed in, as half precision does not tell points of a large image apart."""
    return dtype if dtype.itemsize > 2 else torch.float32
