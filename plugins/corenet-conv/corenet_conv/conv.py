"""Convolution along one dimension and along two."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_conv.convolution import Convolution
from corenet_conv.sizes import Sizes, refuse_span, spans_of


class Conv(Convolution):
    """A convolution: an output for each place of the kernel in the padded input."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: str | Sizes = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if isinstance(padding, str) and padding not in ("same", "valid"):
            self._refuse("padding", padding, "must be integers, 'same' or 'valid'")
        if padding == "same" and any(each != 1 for each in self._sizes("stride", stride)):
            self._refuse("stride", stride, "must be 1 with padding='same'")
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            0,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def check_fits(self, input: Tensor) -> None:
        padded = []
        for size, amounts in zip(input.shape[-self.dims :], self._amounts, strict=True):
            least = {"reflect": max(amounts) + 1, "circular": max(amounts)}.get(self.padding_mode, 1)
            if size < least:
                rule = (
                    f"expected {least} elements or more in each dimension, to pad {max(amounts)} ({self.padding_mode})"
                )
                raise cn.ShapeError(repr(self), input.shape, rule)
            padded.append(size + sum(amounts))
        spans = spans_of(self.kernel_size, self.dilation)
        if any(span > each for span, each in zip(spans, padded, strict=True)):
            refuse_span(self, input, spans, padded)


class Conv1d(Conv):
    r"""Convolution along one dimension: a kernel that moves along a sequence.

    With ``s`` the stride, ``d`` the dilation, ``p`` the padding and ``x`` zero outside::

        y[n, o, t] = b[o] + Σ_c Σ_k W[o, c, k] x[n, c, s t + d k − p]

        dW[o, c, k] = Σ_n Σ_t dy[n, o, t] x[n, c, s t + d k − p]        db[o] = Σ_n Σ_t dy[n, o, t]
        dx[n, c, i] = Σ_o Σ_k W[o, c, k] dy[n, o, t]   over the t for which s t + d k − p = i

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: length of the kernel.
        stride: by how much it moves from one output to the next.
        padding: elements added at both ends; ``"same"`` keeps the length, ``"valid"`` adds none.
        dilation: distance between the elements that the kernel looks at.
        groups: the channels are split into so many groups, each convolved by itself.
        bias: False leaves ``b`` out, and ``bias`` None.
        padding_mode: what is added: ``"zeros"``, or ``"reflect"``, ``"replicate"``, ``"circular"``: elements of the
            input, mirrored at its ends, of its ends, from its other end.
        device, dtype: where and as what the parameters live; torch's defaults if None.

    Shape: ``(N, in_channels, L) -> (N, out_channels, ⌊(L + 2p − d(k − 1) − 1) / s⌋ + 1)``; or both without N.
    ``weight`` is ``(out_channels, in_channels / groups, k)``, ``bias`` is ``(out_channels,)``.

    Raises:
        ConfigError: an argument is no such size, ``groups`` does not divide the channels, or ``"same"`` has a stride.
        ShapeError: the input has other channels or dimensions, or is smaller than the kernel.
        DTypeError, DeviceError: the input does not match the parameters.

    >>> conv = Conv1d(1, 1, 2, bias=False)
    >>> _ = conv.weight.copy_(torch.tensor([[[-1.0, 1.0]]]))
    >>> conv(torch.tensor([[1.0, 4.0, 9.0]]))
    tensor([[3., 5.]])
    >>> conv.backward(torch.tensor([[1.0, 10.0]]))
    tensor([[-1., -9., 10.]])
    >>> conv.weight.grad
    tensor([[[41., 94.]]])

    Reference: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285, 2016.
    """

    dims = 1

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: strides, gaps, groups and all ways to pad."""
        sizes = {"in_channels": 2, "out_channels": 4, "kernel_size": 3}
        return [
            cn.Case(sizes, (3, 2, 7)),
            cn.Case({**sizes, "stride": 2, "padding": 1, "dilation": 2, "groups": 2}, (2, 2, 9)),
            cn.Case({**sizes, "padding": "same", "padding_mode": "circular", "bias": False}, (2, 5)),
        ]


class Conv2d(Conv):
    r"""Convolution along height and width: a kernel that moves over an image.

    With ``s`` the stride, ``d`` the dilation, ``p`` the padding, one for each dimension, and ``x`` zero outside::

        y[n, o, i, j] = b[o] + Σ_c Σ_k Σ_l W[o, c, k, l] x[n, c, s i + d k − p, s j + d l − p]

        dW[o, c, k, l] = Σ_n Σ_i Σ_j dy[n, o, i, j] x[n, c, s i + d k − p, s j + d l − p]
        db[o] = Σ_n Σ_i Σ_j dy[n, o, i, j]
        dx[n, c, u, v] = Σ_o Σ_k Σ_l W[o, c, k, l] dy[n, o, i, j]   where s i + d k − p = u, s j + d l − p = v

    ``dx`` is the transposed convolution of ``dy``: see :class:`ConvTranspose2d`. With groups, ``c`` runs over the
    channels of the group of ``o`` only.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: height and width of the kernel, or one for both, as in all that follows.
        stride: by how much it moves from one output to the next.
        padding: elements added at each side; ``"same"`` keeps the size, ``"valid"`` adds none.
        dilation: distance between the elements that the kernel looks at.
        groups: the channels are split into so many groups, each convolved by itself.
        bias: False leaves ``b`` out, and ``bias`` None.
        padding_mode: what is added: ``"zeros"``, or ``"reflect"``, ``"replicate"``, ``"circular"``: elements of the
            input, mirrored at its edges, of its edges, from its opposite side.
        device, dtype: where and as what the parameters live; torch's defaults if None.

    Shape: ``(N, in_channels, H, W) -> (N, out_channels, H', W')`` with ``H' = ⌊(H + 2p − d(k − 1) − 1) / s⌋ + 1``; or
    both without N. ``weight`` is ``(out_channels, in_channels / groups, k, l)``, ``bias`` is ``(out_channels,)``.

    Raises:
        ConfigError: an argument is no such size, ``groups`` does not divide the channels, or ``"same"`` has a stride.
        ShapeError: the input has other channels or dimensions, or is smaller than the kernel.
        DTypeError, DeviceError: the input does not match the parameters.

    >>> conv = Conv2d(1, 1, 2, bias=False)
    >>> _ = conv.weight.copy_(torch.tensor([[[[1.0, 0.0], [0.0, -1.0]]]]))
    >>> conv(torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]]]))
    tensor([[[-4., -5.]]])
    >>> conv.backward(torch.tensor([[[1.0, 10.0]]]))
    tensor([[[  1.,  10.,   0.],
             [  0.,  -1., -10.]]])
    >>> conv.weight.grad
    tensor([[[[21., 32.],
              [54., 75.]]]])

    Reference: Y. LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 86, 1998.
    """

    dims = 2

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: strides, gaps, groups and all ways to pad."""
        sizes = {"in_channels": 2, "out_channels": 4, "kernel_size": (3, 2)}
        return [
            cn.Case(sizes, (2, 2, 5, 4)),
            cn.Case({**sizes, "stride": (2, 1), "padding": (1, 2), "dilation": (1, 3), "groups": 2}, (3, 2, 6, 5)),
            cn.Case({**sizes, "padding": "same", "bias": False}, (2, 4, 5)),
            cn.Case({**sizes, "padding": 2, "padding_mode": "reflect"}, (2, 2, 3, 4)),
        ]
