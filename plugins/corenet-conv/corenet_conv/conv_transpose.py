"""Transposed convolution along height and width."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_conv.convolution import Convolution
from corenet_conv.sizes import Sizes, times


class ConvTranspose2d(Convolution):
    r"""Transposed convolution: each input is spread over the image, times the kernel.

    With ``s`` the stride, ``d`` the dilation, ``p`` the padding, one for each dimension::

        y[n, o, u, v] = b[o] + Σ_c Σ_k Σ_l W[c, o, k, l] x[n, c, i, j]   where s i + d k − p = u, s j + d l − p = v

        dW[c, o, k, l] = Σ_n Σ_i Σ_j x[n, c, i, j] dy[n, o, s i + d k − p, s j + d l − p]
        db[o] = Σ_n Σ_u Σ_v dy[n, o, u, v]
        dx[n, c, i, j] = Σ_o Σ_k Σ_l W[c, o, k, l] dy[n, o, s i + d k − p, s j + d l − p]

    It is to :class:`Conv2d` as a matrix is to its transpose: the ``y`` of one is the ``dx`` of the other.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: height and width of the kernel, or one for both, as in all that follows.
        stride: by how much the kernel moves on in the output for each element of the input.
        padding: elements taken away from the output at each side.
        output_padding: elements added to the output's end, for of several sizes a convolution with this stride makes
            one; less than the stride or the dilation.
        groups: the channels are split into so many groups, each convolved by itself.
        bias: False leaves ``b`` out, and ``bias`` None.
        dilation: distance between the elements that the kernel spreads to.
        padding_mode: ``"zeros"``, as for PyTorch.
        device, dtype: where and as what the parameters live; torch's defaults if None.

    Shape: ``(N, in_channels, H, W) -> (N, out_channels, H', W')`` with
    ``H' = (H − 1) s − 2p + d (k − 1) + output_padding + 1``; or both without N.
    ``weight`` is ``(in_channels, out_channels / groups, k, l)``, ``bias`` is ``(out_channels,)``.

    Raises:
        ConfigError: an argument is no such size, ``groups`` does not divide the channels, or ``output_padding`` is
            neither less than the stride nor less than the dilation.
        ShapeError: the input has other channels or dimensions, or the padding leaves no output.
        DTypeError, DeviceError: the input does not match the parameters.

    >>> conv = ConvTranspose2d(1, 1, (1, 2), stride=(1, 3), bias=False)
    >>> _ = conv.weight.copy_(torch.tensor([[[[1.0, -1.0]]]]))
    >>> conv(torch.tensor([[[2.0, 5.0]]]))
    tensor([[[ 2., -2.,  0.,  5., -5.]]])
    >>> conv.backward(torch.tensor([[[1.0, 10.0, 100.0, 20.0, 3.0]]]))
    tensor([[[-9., 17.]]])
    >>> conv.weight.grad
    tensor([[[[102.,  35.]]]])

    Reference: M. Zeiler et al., "Deconvolutional networks", CVPR 2010.
    """

    dims = 2
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if padding_mode != "zeros":
            self._refuse("padding_mode", padding_mode, "must be zeros")
        if isinstance(padding, str):
            self._refuse("padding", padding, "must be integers")
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            output_padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )
        most = [max(s, d) for s, d in zip(self.stride, self.dilation, strict=True)]
        if any(each >= limit for each, limit in zip(self.output_padding, most, strict=True)):
            self._refuse("output_padding", output_padding, "must be less than the stride or the dilation")

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: strides, gaps, groups, and output that is padded."""
        sizes = {"in_channels": 2, "out_channels": 4, "kernel_size": (3, 2)}
        settings = {"stride": (2, 3), "padding": (1, 0), "output_padding": (1, 2), "dilation": (1, 2), "groups": 2}
        return [cn.Case(sizes, (2, 2, 3, 4)), cn.Case({**sizes, **settings, "bias": False}, (2, 2, 3))]

    def check_fits(self, input: Tensor) -> None:
        output = [
            (size - 1) * s - 2 * before + d * (k - 1) + extra + 1
            for size, s, (before, _), d, k, extra in zip(
                *(input.shape[-self.dims :], self.stride, self._amounts),
                *(self.dilation, self.kernel_size, self.output_padding),
                strict=True,
            )
        ]
        if any(size < 1 for size in output):
            raise cn.ShapeError(repr(self), input.shape, f"padding leaves an output of {times(output)}: pad less")
