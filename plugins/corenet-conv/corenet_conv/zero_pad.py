"""An image with zeros around it."""

from __future__ import annotations

import corenet as cn
from torch import Tensor

from corenet_conv.padding import Amounts, pad, pad_backward
from corenet_conv.sizes import Sizes, check_dimensions, sizes, times


class ZeroPad2d(cn.Module):
    r"""An image with zeros around it, ``y[u + top, v + left] = x[u, v]``; ``dx[u, v] = dy[u + top, v + left]``.

    Args:
        padding: left, right, top and bottom, or one integer for all; a negative one takes so much away.

    Shape: ``(N, C, H, W) -> (N, C, H + top + bottom, W + left + right)``; or both without N.

    Raises:
        ConfigError: ``padding`` is neither an integer nor four.
        ShapeError: the input has other dimensions, or nothing is left of it.

    >>> import torch
    >>> around = ZeroPad2d((1, 0, 0, 1))
    >>> around(torch.tensor([[[5.0, 6.0]]]))
    tensor([[[0., 5., 6.],
             [0., 0., 0.]]])
    >>> around.backward(torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]))
    tensor([[[2., 3.]]])

    Reference: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285, 2016.
    """

    def __init__(self, padding: Sizes) -> None:
        self.padding = sizes("ZeroPad2d", "padding", padding, 4, least=None)

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: alike at all sides, different, and taken away."""
        shapes = ((2, (2, 3, 4, 5)), ((1, 0, 2, 3), (3, 2, 4)), ((-1, 2, 0, -2), (2, 3, 4, 5)))
        return [cn.Case({"padding": padding}, shape) for padding, shape in shapes]

    def forward(self, input: Tensor) -> Tensor:
        self.save()
        return pad(input, self._amounts, "zeros")

    def backward(self, grad_output: Tensor) -> Tensor:
        self.saved()
        return pad_backward(grad_output, self._amounts, "zeros")

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        check_dimensions(self, input, 2)
        left = [size + sum(amounts) for size, amounts in zip(input.shape[-2:], self._amounts, strict=True)]
        if min(left) < 1:
            raise cn.ShapeError(repr(self), input.shape, f"padding leaves an output of {times(left)}: take less away")

    @property
    def _amounts(self) -> Amounts:
        left, right, top, bottom = self.padding
        return (top, bottom), (left, right)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.padding})"
