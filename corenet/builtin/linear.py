"""The affine layer."""

from __future__ import annotations

from numbers import Integral

import torch
from torch import Tensor

from corenet.contracts.case import Case
from corenet.contracts.initializer import Init, initialize
from corenet.contracts.module import Module
from corenet.contracts.parameter import Parameter
from corenet.errors import ConfigError, ShapeError


class Linear(Module):
    r"""Affine map ``y = x Wᵀ + b``.

    With ``dy = ∂L/∂y`` and N the product of the leading dimensions::

        dW = dyᵀ x        db = Σₙ dyₙ        dx = dy W

    Args:
        in_features: width of the input.
        out_features: width of the output.
        bias: False leaves ``b`` out, and ``bias`` None.
        init: how ``W`` is drawn, from torch's generator: ``"uniform"`` on
            ±1/√in_features (PyTorch's default; ``b`` likewise), ``"xavier_uniform"``,
            ``"xavier_normal"``, ``"he_uniform"``, ``"he_normal"``, ``"normal"`` or
            ``"zeros"`` (``b`` zero); the name of any other initializer that is installed, or
            a function that fills a tensor in place.
        device, dtype: where and as what the parameters live; torch's defaults if None.

    Shape: ``(*, in_features) -> (*, out_features)``; ``*`` is any leading dimensions, none included.
    ``weight`` is ``(out_features, in_features)``, ``bias`` is ``(out_features,)``.

    Raises:
        ConfigError: a width is no positive integer, or ``init`` neither a name nor a function.
        UnknownComponentError: no initializer is called ``init``.
        ShapeError: the input's last dimension is not ``in_features``.
        DTypeError, DeviceError: the input does not match the parameters.

    >>> linear = Linear(2, 1, init="zeros")
    >>> _ = linear.bias.fill_(3)
    >>> linear(torch.tensor([[1.0, 2.0]]))
    tensor([[3.]])
    >>> linear.backward(torch.tensor([[1.0]]))
    tensor([[0., 0.]])
    >>> linear.weight.grad
    tensor([[1., 2.]])

    Reference: I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 6.5.6.
    """

    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        init: Init = "uniform",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        for name, value in (("in_features", in_features), ("out_features", out_features)):
            if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"Linear: {name} must be an integer ≥ 1, not {value!r}", name=name, value=value)
        self.in_features = in_features
        self.out_features = out_features
        self.init = init
        self.weight = Parameter(torch.empty(out_features, in_features, dtype=dtype))
        self.bias = Parameter(torch.empty(out_features, dtype=dtype)) if bias else None
        self.to(device=device)  # before the draw, which is that device's
        self.reset_parameters()

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that the gradient is verified on: with and without a bias, other leading dimensions."""
        sizes = {"in_features": 3, "out_features": 2}
        shapes = [(5, 3), (1, 3), (3,), (2, 2, 3)]
        return [Case(sizes, shape) for shape in shapes] + [Case({**sizes, "bias": False}, shape) for shape in shapes]

    def reset_parameters(self) -> None:
        """Draw ``weight`` and ``bias`` anew, as ``init`` says."""
        initialize(self.init, self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        self.save(input)
        if self.bias is None:
            return input @ self.weight.T
        if input.dim() == 2:
            return torch.addmm(self.bias, input, self.weight.T)
        return input @ self.weight.T + self.bias

    def backward(self, grad_output: Tensor) -> Tensor:
        self.backward_parameters(grad_output)
        return grad_output @ self.weight  # dx = dy W

    def backward_parameters(self, grad_output: Tensor) -> None:
        (input,) = self.saved()
        if self.frozen:
            return
        grad_output, input = _as_rows(grad_output), _as_rows(input)
        self.weight.grad += grad_output.T @ input  # dW = dyᵀ x
        if self.bias is not None:
            self.bias.grad += grad_output.sum(0)  # db = Σₙ dyₙ

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        self.check_matches(input, self.weight)
        if input.dim() == 0 or input.shape[-1] != self.in_features:
            raise ShapeError(repr(self), input.shape, f"expected last dimension {self.in_features}")

    def __repr__(self) -> str:
        without = "" if self.bias is not None else ", bias=False"
        return f"{type(self).__name__}({self.in_features} → {self.out_features}{without})"


def _as_rows(tensor: Tensor) -> Tensor:
    """Return ``tensor`` with all leading dimensions in one, (N, features)."""
    return tensor if tensor.dim() == 2 else tensor.reshape(-1, tensor.shape[-1])
