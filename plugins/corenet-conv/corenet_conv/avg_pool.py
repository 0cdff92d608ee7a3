"""The mean of each window, and of each of a given number of parts."""

from __future__ import annotations

from collections.abc import Sequence

import corenet as cn
import torch
from torch import Tensor

from corenet_conv.sizes import Sizes, check_dimensions, is_integer
from corenet_conv.windows import Windowed


class AvgPool2d(Windowed):
    r"""The mean of each window of an image: ``y[i, j] = 1/n Σ x[u, v]`` over the window at ``(s i − p, s j − p)``.

    ``dx[u, v]`` is the sum of ``dy[i, j] / n`` over the windows that ``x[u, v]`` lies in.

    Args:
        kernel_size: height and width of a window, or one for both, as in all that follows.
        stride: by how much it moves on; ``kernel_size`` if None.
        padding: zeros added at each side; half of ``kernel_size`` at most.
        ceil_mode: True keeps last windows that the input does not fill.
        count_include_pad: whether ``n`` counts the zeros added.
        divisor_override: ``n`` for every window, whatever it has in it.

    Shape: ``(N, C, H, W) -> (N, C, H', W')`` with ``H' = ⌊(H + 2p − k) / s⌋ + 1``, or ⌈⌉ with ``ceil_mode``; or both
    without N.

    Raises:
        ConfigError: an argument is no such size, or ``divisor_override`` is 0.
        ShapeError: the input has other dimensions, or is smaller than a window.

    >>> pool = AvgPool2d((1, 2))
    >>> pool(torch.tensor([[[1.0, 5.0], [4.0, 3.0]]]))
    tensor([[[3.0000],
             [3.5000]]])
    >>> pool.backward(torch.tensor([[[10.0], [20.0]]]))
    tensor([[[ 5.,  5.],
             [10., 10.]]])

    Reference: Y. LeCun et al., "Backpropagation applied to handwritten zip code recognition", Neural Comput. 1, 1989.
    """

    dims = 2

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, 1, ceil_mode)
        if divisor_override is not None and not (is_integer(divisor_override, None) and divisor_override):
            raise cn.ConfigError(
                f"AvgPool2d: divisor_override must be an integer other than 0, or None, not {divisor_override!r}",
                name="divisor_override",
                value=divisor_override,
            )
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: windows side by side, overlapping, cut off."""
        overlapping = {"kernel_size": (3, 2), "stride": (2, 1), "padding": 1, "ceil_mode": True}
        return [
            cn.Case({"kernel_size": 2}, (2, 3, 4, 5)),
            cn.Case({**overlapping, "count_include_pad": False}, (2, 6, 5)),
        ]

    def forward(self, input: Tensor) -> Tensor:
        self.save(input)
        output: Tensor = torch.ops.aten.avg_pool2d(input, *self._windows)
        return output

    def backward(self, grad_output: Tensor) -> Tensor:
        (input,) = self.saved()
        grad_input: Tensor = torch.ops.aten.avg_pool2d_backward(grad_output, input, *self._windows)  # Σ dy / n
        return grad_input

    @property
    def _windows(self) -> tuple[object, ...]:
        """What torch's kernels take after the tensors."""
        places = self.kernel_size, self.stride, self.padding, self.ceil_mode
        return *places, self.count_include_pad, self.divisor_override


class AdaptiveAvgPool2d(cn.Module):
    r"""The mean of each of ``h × w`` parts of an image, whatever its size: ``y[i, j] = 1/n Σ x[u, v]`` over a part.

    Part ``(i, j)`` has the rows ``⌊i H / h⌋ ≤ u < ⌈(i + 1) H / h⌉`` and columns likewise: where h does not divide H,
    neighbours share a row. ``dx[u, v]`` is the sum of ``dy[i, j] / n`` over the parts that ``x[u, v]`` lies in.

    Args:
        output_size: ``(h, w)``, or one integer for both; None keeps the input's.

    Shape: ``(N, C, H, W) -> (N, C, h, w)``; or both without N.

    Raises:
        ConfigError: ``output_size`` is no such size.
        ShapeError: the input has other dimensions.

    >>> pool = AdaptiveAvgPool2d((1, 2))
    >>> pool(torch.tensor([[[1.0, 5.0, 2.0], [4.0, 3.0, 8.0]]]))
    tensor([[[3.2500, 4.5000]]])
    >>> pool.backward(torch.tensor([[[4.0, 8.0]]]))
    tensor([[[1., 3., 2.],
             [1., 3., 2.]]])

    Reference: K. He et al., "Spatial pyramid pooling in deep convolutional networks", ECCV 2014.
    """

    def __init__(self, output_size: int | None | Sequence[int | None]) -> None:
        wanted = tuple(output_size) if isinstance(output_size, Sequence) else (output_size,) * 2
        if len(wanted) != 2 or not all(each is None or is_integer(each, 1) for each in wanted):
            raise cn.ConfigError(
                f"AdaptiveAvgPool2d: output_size must be an integer ≥ 1, None, or two of these, not {output_size!r}",
                name="output_size",
                value=output_size,
            )
        self.output_size = wanted

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: parts side by side, overlapping, more than elements."""
        sizes = ((1, (2, 3, 4, 5)), ((2, 3), (2, 3, 5, 7)), ((None, 4), (2, 2, 3)))
        return [cn.Case({"output_size": size}, shape) for size, shape in sizes]

    def forward(self, input: Tensor) -> Tensor:
        self.save(input)
        height, width = (of if to is None else to for to, of in zip(self.output_size, input.shape[-2:], strict=True))
        output: Tensor = torch.ops.aten._adaptive_avg_pool2d(input, (height, width))
        return output

    def backward(self, grad_output: Tensor) -> Tensor:
        (input,) = self.saved()
        grad_input: Tensor = torch.ops.aten._adaptive_avg_pool2d_backward(grad_output, input)  # Σ dy / n
        return grad_input

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        check_dimensions(self, input, 2)
        if 0 in input.shape[-2:]:
            raise cn.ShapeError(repr(self), input.shape, "expected a height and a width of 1 or more")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.output_size})"
