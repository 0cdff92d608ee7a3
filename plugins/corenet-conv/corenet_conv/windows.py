"""Where the windows of a pooling layer lie, and how many there are."""

from __future__ import annotations

from typing import ClassVar

import corenet as cn
from torch import Tensor

from corenet_conv.sizes import Sizes, check_dimensions, refuse_span, sizes, spans_of, times


class Windowed(cn.Module):
    """A module with an output for each window of its input, along ``dims`` dimensions, as PyTorch places them."""

    dims: ClassVar[int]

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None, padding: Sizes, dilation: Sizes, ceil_mode: bool
    ) -> None:
        self.kernel_size = self._sizes("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else self._sizes("stride", stride)
        self.padding = self._sizes("padding", padding, least=0)
        self.dilation = self._sizes("dilation", dilation)
        self.ceil_mode = ceil_mode
        halves = [size // 2 for size in self.kernel_size]
        if any(before > half for before, half in zip(self.padding, halves, strict=True)):
            raise cn.ConfigError(
                f"{type(self).__name__}: padding must be half of kernel_size at most, {times(halves)}, not {padding!r}",
                name="padding",
                value=padding,
            )

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        check_dimensions(self, input, self.dims)
        self.count_of_windows(input)

    def count_of_windows(self, input: Tensor) -> list[int]:
        """Return how many windows there are in each dimension.

        Raises:
            ShapeError: there is none, or one has nothing of the input in it.
        """
        spans = spans_of(self.kernel_size, self.dilation)
        places = list(zip(input.shape[-self.dims :], spans, self.stride, self.padding, strict=True))
        counts = [self._count(*each) for each in places]
        if min(counts) < 1:
            refuse_span(self, input, spans, [size + 2 * before for size, _, _, before in places])
        if max(self.padding) and max(self.dilation) > 1:
            self._refuse_empty(input, counts)
        return counts

    def _count(self, size: int, span: int, stride: int, padding: int) -> int:
        room = size + 2 * padding - span
        if not self.ceil_mode:
            return room // stride + 1
        count = -(-room // stride) + 1
        return count - 1 if (count - 1) * stride >= size + padding else count  # none starts in the padding after

    def _refuse_empty(self, input: Tensor, counts: list[int]) -> None:
        for dim, (size, count) in enumerate(zip(input.shape[-self.dims :], counts, strict=True)):
            for start in range(-self.padding[dim], count * self.stride[dim] - self.padding[dim], self.stride[dim]):
                window = range(start, start + self.kernel_size[dim] * self.dilation[dim], self.dilation[dim])
                if not any(0 <= place < size for place in window):
                    raise cn.ShapeError(
                        repr(self), input.shape, "a window would have nothing but padding in it: pad or dilate less"
                    )

    def _sizes(self, name: str, value: Sizes, least: int = 1) -> tuple[int, ...]:
        return sizes(type(self).__name__, name, value, self.dims, least)

    def __repr__(self) -> str:
        usual = {"stride": self.kernel_size, "padding": (0,) * self.dims, "dilation": (1,) * self.dims}
        changed = [f", {name}={vars(self)[name]}" for name, each in usual.items() if vars(self)[name] != each]
        ceil_mode = ", ceil_mode=True" if self.ceil_mode else ""
        return f"{type(self).__name__}(kernel_size={self.kernel_size}{''.join(changed)}{ceil_mode})"
