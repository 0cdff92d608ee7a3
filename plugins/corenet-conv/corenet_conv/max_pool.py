"""The largest element of each window."""

from __future__ import annotations

from typing import Any, cast

import corenet as cn
import torch
from torch import Tensor

from corenet_conv.sizes import Sizes
from corenet_conv.windows import Windowed

MANY = 8  # channels from which on torch's kernel for the CPU is faster, reordering included, with the channels last


class MaxPool(Windowed):
    """The largest element of each window; see :class:`MaxPool2d`."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, dilation, ceil_mode)
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        output, places = self.largest(input)
        self.save(places, input.shape)
        return (output, places) if self.return_indices else output

    def backward(self, grad_output: Tensor, grad_places: None = None) -> Tensor:
        places, shape = cast(tuple[Tensor, torch.Size], self.saved())
        grad_input = grad_output.new_zeros(shape).flatten(-self.dims)
        grad_input.scatter_add_(-1, places.flatten(-self.dims), grad_output.flatten(-self.dims))  # dx[argmax] += dy
        return grad_input.view(shape)

    def largest(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """Return the largest of each window, and its place."""
        raise NotImplementedError


class MaxPool1d(MaxPool):
    r"""The largest of each window of a sequence: ``y[t] = max x[i]`` over the window's ``i = s t + d k − p``.

    ``dx[i]`` is the sum of ``dy[t]`` over the windows t whose largest is ``x[i]``, of equal ones the first.

    Args:
        kernel_size: length of a window.
        stride: by how much it moves on; ``kernel_size`` if None.
        padding: elements added at both ends, none of which is ever the largest; half of ``kernel_size`` at most.
        dilation: distance between the elements of a window.
        return_indices: True returns the places of the largest, too, as a second output.
        ceil_mode: True keeps a last window that the input does not fill.

    Shape: ``(N, C, L) -> (N, C, L')`` with ``L' = ⌊(L + 2p − d(k − 1) − 1) / s⌋ + 1``, or ⌈⌉ with ``ceil_mode``;
    or both without N.

    Raises:
        ConfigError: an argument is no such size.
        ShapeError: the input has other dimensions, or is smaller than a window.

    >>> pool = MaxPool1d(2)
    >>> pool(torch.tensor([[1.0, 5.0, 4.0, 3.0]]))
    tensor([[5., 4.]])
    >>> pool.backward(torch.tensor([[10.0, 20.0]]))
    tensor([[ 0., 10., 20.,  0.]])

    Reference: M. Ranzato et al., "Unsupervised learning of invariant feature hierarchies", CVPR 2007.
    """

    dims = 1

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: windows side by side, overlapping, with gaps, cut off."""
        overlapping = {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2, "ceil_mode": True}
        return [cn.Case({"kernel_size": 2}, (2, 3, 7)), cn.Case(overlapping, (2, 8))]

    def largest(self, input: Tensor) -> tuple[Tensor, Tensor]:
        windows = ((1, *self.kernel_size), (1, *self.stride), (0, *self.padding), (1, *self.dilation))
        output, places = torch.ops.aten.max_pool2d_with_indices(input.unsqueeze(-2), *windows, self.ceil_mode)
        return output.squeeze(-2), places.squeeze(-2)  # a sequence is an image of height 1


class MaxPool2d(MaxPool):
    r"""The largest of each window of an image: ``y[i, j] = max x[u, v]`` over the window at ``(s i − p, s j − p)``.

    With ``d`` the dilation, a window has the rows ``u = s i + d k − p`` and the columns ``v = s j + d l − p``.
    ``dx[u, v]`` is the sum of ``dy[i, j]`` over the windows whose largest is ``x[u, v]``, of equal ones the first.

    Args:
        kernel_size: height and width of a window, or one for both, as in all that follows.
        stride: by how much it moves on; ``kernel_size`` if None.
        padding: elements added at each side, none of which is ever the largest; half of ``kernel_size`` at most.
        dilation: distance between the elements of a window.
        return_indices: True returns the places of the largest, too, counted by rows, as a second output.
        ceil_mode: True keeps last windows that the input does not fill.

    Shape: ``(N, C, H, W) -> (N, C, H', W')`` with ``H' = ⌊(H + 2p − d(k − 1) − 1) / s⌋ + 1``, or ⌈⌉ with ``ceil_mode``;
    or both without N.

    Raises:
        ConfigError: an argument is no such size.
        ShapeError: the input has other dimensions, or is smaller than a window.

    >>> pool = MaxPool2d((1, 2))
    >>> pool(torch.tensor([[[1.0, 5.0], [4.0, 3.0]]]))
    tensor([[[5.],
             [4.]]])
    >>> pool.backward(torch.tensor([[[10.0], [20.0]]]))
    tensor([[[ 0., 10.],
             [20.,  0.]]])

    Reference: M. Ranzato et al., "Unsupervised learning of invariant feature hierarchies", CVPR 2007.
    """

    dims = 2

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: windows side by side, overlapping, with gaps, cut off."""
        overlapping = {"kernel_size": (3, 2), "stride": (2, 1), "padding": 1, "dilation": (1, 2), "ceil_mode": True}
        return [cn.Case({"kernel_size": 2}, (2, 3, 4, 5)), cn.Case(overlapping, (2, 6, 5))]

    def largest(self, input: Tensor) -> tuple[Tensor, Tensor]:
        windows = self.kernel_size, self.stride, self.padding, self.dilation
        if input.dim() == 4 and input.shape[1] >= MANY and input.device.type == "cpu":
            input = input.contiguous(memory_format=torch.channels_last)
        output, places = torch.ops.aten.max_pool2d_with_indices(input, *windows, self.ceil_mode)
        return output.contiguous(), places.contiguous()
