"""Activations of straight pieces: their derivative is a constant on each."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_activations.settings import check_finite, check_integer


class LeakyReLU(cn.Module):
    r"""Rectifier that leaks, ``y = x`` where x > 0 and ``y = α x`` elsewhere, with ``dx = dy`` and ``dx = α dy`` there.

    The derivative at the kink, x = 0, is taken as α, as PyTorch does.

    Args:
        negative_slope: the slope ``α`` below zero.

    Shape: any, unchanged.

    Raises:
        ConfigError: ``negative_slope`` is not a finite number.
        DTypeError: the input is not a floating-point tensor.

    >>> module = LeakyReLU(0.1)
    >>> module(torch.tensor([-2.0, 0.0, 3.0]))
    tensor([-0.2000,  0.0000,  3.0000])
    >>> module.backward(torch.tensor([1.0, 1.0, 1.0]))
    tensor([0.1000, 0.1000, 1.0000])

    Reference: A. Maas, A. Hannun, A. Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        check_finite("LeakyReLU", "negative_slope", negative_slope)
        self.negative_slope = negative_slope

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: the usual slope, a steep, a falling and no slope."""
        return [cn.Case({"negative_slope": slope}, (5, 3)) for slope in (0.01, 1.7, -0.4, 0.0)]

    def forward(self, input: Tensor) -> Tensor:
        self.save(input)
        return torch.where(input > 0, input, self.negative_slope * input)

    def backward(self, grad_output: Tensor) -> Tensor:
        (input,) = self.saved()
        return torch.where(input > 0, grad_output, self.negative_slope * grad_output)

    def check(self, input: Tensor) -> None:
        self.check_floating(input)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.negative_slope:g})"


class PReLU(cn.Module):
    r"""Rectifier with a learnt leak, ``y = x`` where x > 0 and ``y = w x`` elsewhere.

    There is one ``w``, or one for each channel. With ``dy = ∂L/∂y``, sums over all that shares a ``w``::

        dw = Σ dy min(x, 0)        dx = dy where x > 0, w dy elsewhere

    Args:
        num_parameters: how many slopes ``w`` there are: 1, or as many as the input has channels.
        init: what each begins with.
        device, dtype: where and as what the parameter lives; torch's defaults if None.

    Shape: any, unchanged; channels are dimension 1. ``weight`` is ``(num_parameters,)``.

    Raises:
        ConfigError: ``num_parameters`` is no positive integer, or ``init`` is not finite.
        ShapeError: the input has another number of channels.
        DTypeError, DeviceError: the input does not match the parameter.

    >>> module = PReLU()
    >>> module(torch.tensor([-2.0, 3.0]))
    tensor([-0.5000,  3.0000])
    >>> module.backward(torch.tensor([1.0, 1.0]))
    tensor([0.2500, 1.0000])
    >>> module.weight.grad
    tensor([-2.])

    Reference: K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015.
    """

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        check_integer("PReLU", "num_parameters", num_parameters, least=1)
        check_finite("PReLU", "init", init)
        self.num_parameters, self.init = num_parameters, init
        self.weight = cn.Parameter(torch.full((num_parameters,), float(init), device=device, dtype=dtype))

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: one slope, and one for each channel."""
        shared = [cn.Case(shape=shape) for shape in [(5, 3), (4,)]]
        return shared + [cn.Case({"num_parameters": 3}, shape) for shape in [(5, 3), (2, 3, 4), (2, 3, 2, 2)]]

    def reset_parameters(self) -> None:
        """Let every slope begin anew, with ``init``."""
        self.weight.fill_(self.init)

    def forward(self, input: Tensor) -> Tensor:
        self.save(input)
        return torch.where(input > 0, input, self._slope(input) * input)

    def backward(self, grad_output: Tensor) -> Tensor:
        (input,) = self.saved()
        self.weight.grad += self._over_shared(grad_output * input.clamp(max=0))  # dw = Σ dy min(x, 0)
        return torch.where(input > 0, grad_output, self._slope(input) * grad_output)

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        self.check_matches(input, self.weight)
        slopes = len(self.weight)
        if slopes > 1 and (input.dim() < 2 or input.shape[1] != slopes):
            raise cn.ShapeError(repr(self), input.shape, f"expected {slopes} channels in dimension 1, or use PReLU(1)")

    def _slope(self, input: Tensor) -> Tensor:
        """Return ``weight`` along the channels of ``input``."""
        return self.weight.squeeze(0) if len(self.weight) == 1 else self.weight.reshape(-1, *[1] * (input.dim() - 2))

    def _over_shared(self, values: Tensor) -> Tensor:
        """Return the sum of all ``values`` that share a slope."""
        return values.sum() if len(self.weight) == 1 else values.transpose(0, 1).flatten(1).sum(1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.weight)})"


class Hardtanh(cn.Module):
    r"""Clamp ``y = min(max(x, a), b)``, with ``dx = dy`` where a < x < b and 0 elsewhere.

    Args:
        min_val: the least output ``a``.
        max_val: the largest output ``b``.

    Shape: any, unchanged.

    Raises:
        ConfigError: ``min_val`` is not less than ``max_val``, or one is not a finite number.
        DTypeError: the input is not a floating-point tensor.

    >>> module = Hardtanh()
    >>> module(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    >>> module.backward(torch.tensor([7.0, 7.0, 7.0]))
    tensor([0., 7., 0.])

    Reference: R. Collobert, "Large scale machine learning", PhD thesis, Université Paris VI, 2004.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        check_finite("Hardtanh", "min_val", min_val)
        check_finite("Hardtanh", "max_val", max_val)
        if min_val >= max_val:
            message = f"Hardtanh: min_val must be less than max_val, not {min_val!r} with {max_val!r}"
            raise cn.ConfigError(message, name="min_val", value=min_val)
        self.min_val = min_val
        self.max_val = max_val

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: the usual bounds, and others."""
        return [cn.Case(shape=(5, 3)), cn.Case({"min_val": -0.3, "max_val": 1.4}, (2, 3, 4))]

    def forward(self, input: Tensor) -> Tensor:
        self.save(input)
        return input.clamp(self.min_val, self.max_val)

    def backward(self, grad_output: Tensor) -> Tensor:
        (input,) = self.saved()
        outside = (input <= self.min_val).logical_or(input >= self.max_val)
        return grad_output.masked_fill(outside, 0)

    def check(self, input: Tensor) -> None:
        self.check_floating(input)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.min_val:g}, {self.max_val:g})"
