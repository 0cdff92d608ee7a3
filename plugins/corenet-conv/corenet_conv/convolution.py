"""What all convolutions share: the sum of the products of a kernel and what lies under it, and its derivatives."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any, ClassVar

import corenet as cn
import torch
from torch import Tensor

from corenet_conv.padding import MODES, Amounts, pad, pad_backward
from corenet_conv.sizes import Sizes, check_dimensions, is_integer, sizes

OF_INPUT, OF_WEIGHT = (True, False, False), (False, True, False)  # which gradients torch's kernel is to compute


class Convolution(cn.Module):
    """A kernel that moves along ``dims`` dimensions; see :class:`Conv2d` for the formulas."""

    dims: ClassVar[int]
    transposed: ClassVar[bool] = False
    bias: cn.Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: str | Sizes,
        output_padding: Sizes,
        dilation: Sizes,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
    ) -> None:
        for name, value in (("in_channels", in_channels), ("out_channels", out_channels), ("groups", groups)):
            if not is_integer(value, 1):
                self._refuse(name, value, "must be an integer ≥ 1")
        if in_channels % groups or out_channels % groups:
            self._refuse("groups", groups, f"must divide in_channels={in_channels} and out_channels={out_channels}")
        if padding_mode not in MODES:
            self._refuse("padding_mode", padding_mode, f"must be one of {', '.join(MODES)}")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = self._sizes("kernel_size", kernel_size)
        self.stride = self._sizes("stride", stride)
        self.dilation = self._sizes("dilation", dilation)
        self.padding = padding if isinstance(padding, str) else self._sizes("padding", padding, least=0)
        self.output_padding = self._sizes("output_padding", output_padding, least=0)
        self.padding_mode = padding_mode
        rows, columns = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = cn.Parameter(torch.empty(rows, columns // groups, *self.kernel_size, dtype=dtype))
        self.bias = cn.Parameter(torch.empty(out_channels, dtype=dtype)) if bias else None
        self.to(device=device)  # before the draw, which is that device's
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw ``weight`` and ``bias`` anew, uniformly on ±1/√n for n products in an output, as PyTorch does."""
        bound = 1 / sqrt(self.weight[0].numel())
        self.weight.uniform_(-bound, bound)
        if self.bias is not None:
            self.bias.uniform_(-bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        padded = self._batch(input)
        if self._pads_first:
            padded = pad(padded, self._amounts, self.padding_mode)
        self.save(padded)
        output = torch.convolution(padded, self.weight, self.bias, *self._geometry)
        return output if self._is_batch(input) else output[0]

    def backward(self, grad_output: Tensor) -> Tensor:
        (padded,) = self.saved()
        self._add_gradients(padded, grad_output)
        grad_input = self._gradient(OF_INPUT, padded, grad_output)  # dx = W ⋆ᵀ dy
        if self._pads_first:
            grad_input = pad_backward(grad_input, self._amounts, self.padding_mode)
        return grad_input if self._is_batch(grad_output) else grad_input[0]

    def backward_parameters(self, grad_output: Tensor) -> None:
        (padded,) = self.saved()
        self._add_gradients(padded, grad_output)

    def _add_gradients(self, padded: Tensor, grad_output: Tensor) -> None:
        if self.frozen:
            return
        self.weight.grad += self._gradient(OF_WEIGHT, padded, grad_output)  # dW = x ⋆ dy
        if self.bias is not None:
            self.bias.grad += self._batch(grad_output).flatten(2).sum((0, 2))  # db = Σ dy

    def _gradient(self, which: tuple[bool, bool, bool], padded: Tensor, grad_output: Tensor) -> Tensor:
        """Return the gradient of the padded input or of the weight, by torch's kernels for these sums."""
        grad_output = self._batch(grad_output)
        gradients = torch.ops.aten.convolution_backward(
            grad_output, padded, self.weight, None, *self._geometry, output_mask=which
        )
        gradient: Tensor = gradients[which.index(True)]
        return gradient

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        self.check_matches(input, self.weight)
        check_dimensions(self, input, self.dims, self.in_channels)
        self.check_fits(input)

    def check_fits(self, input: Tensor) -> None:
        """Raise :class:`~corenet.ShapeError` if there is no output for an input of this height and width."""
        raise NotImplementedError

    # Where the kernel moves.

    @property
    def _geometry(self) -> tuple[Any, ...]:
        """What torch's kernels take after the tensors."""
        padding = [0 if self._pads_first else before for before, _ in self._amounts]
        return self.stride, padding, self.dilation, self.transposed, self.output_padding, self.groups

    @property
    def _amounts(self) -> Amounts:
        """How much is padded before and after, for each dimension."""
        if self.padding == "valid":
            return [(0, 0)] * self.dims
        if self.padding == "same":
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return [(total // 2, total - total // 2) for total in totals]
        return [(each, each) for each in self.padding if isinstance(each, int)]

    @property
    def _pads_first(self) -> bool:
        """Whether the input is padded before the kernel runs, which pads with as many zeros on both sides only."""
        return self.padding_mode != "zeros" or any(before != after for before, after in self._amounts)

    def _is_batch(self, tensor: Tensor) -> bool:
        return tensor.dim() == self.dims + 2

    def _batch(self, tensor: Tensor) -> Tensor:
        """Return ``tensor`` as a batch, (N, C, …), of one sample if it is one."""
        return tensor if self._is_batch(tensor) else tensor[None]

    # What is said.

    def _sizes(self, name: str, value: Sizes, least: int = 1) -> tuple[int, ...]:
        return sizes(type(self).__name__, name, value, self.dims, least)

    def _refuse(self, name: str, value: object, rule: str) -> None:
        raise cn.ConfigError(f"{type(self).__name__}: {name} {rule}, not {value!r}", name=name, value=value)

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self._settings())
        return f"{type(self).__name__}({self.in_channels} → {self.out_channels}, {settings})"

    def _settings(self) -> Iterable[tuple[str, object]]:
        """Yield what is not as it is by default."""
        usual = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1}
        yield "kernel_size", self.kernel_size
        yield from ((name, vars(self)[name]) for name, each in usual.items() if vars(self)[name] != (each,) * self.dims)
        if self.groups > 1:
            yield "groups", self.groups
        if self.bias is None:
            yield "bias", False
        if self.padding_mode != "zeros":
            yield "padding_mode", self.padding_mode
