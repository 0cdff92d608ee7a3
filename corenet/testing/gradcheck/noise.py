"""How well numbers are known: rounding in an output, and in a gradient computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from corenet.errors import CorenetError

if TYPE_CHECKING:
    from corenet.testing.gradcheck.deterministic import Deterministic

EPS = torch.finfo(torch.float64).eps
REPEATED = 1e-9  # of the largest number: threads may add in another order at the second call, and no more
TENSORS, LINEAR = 2.0**-30, 2.0**-8  # relative changes, of tensors and of the upstream gradient
EXCESS = 1e4  # as many times the rounding of float64 may be a cancellation, or the rounding of float32
MIN_DISTINCT = 6


def same(first: Tensor, second: Tensor) -> bool:
    """Tell whether two results of one computation are the same, up to the order of its sums.

    >>> same(torch.tensor([1.0, torch.nan]), torch.tensor([1.0, torch.nan])), same(torch.ones(1), torch.zeros(1))
    (True, False)
    """
    if first.shape != second.shape:
        return False
    finite = first[first.isfinite()].abs()
    largest = finite.max().item() if finite.numel() else 0.0
    return torch.allclose(first, second, rtol=0, atol=REPEATED * largest, equal_nan=True)


def gradient_noise(
    function: Deterministic,
    upstream: Tensor,
    gradient: dict[str, Tensor],
    straight: dict[str, Tensor],
    samples: int = 1,
) -> dict[str, Tensor]:
    """Return how exactly backward computes each element of its ``gradient`` for ``upstream``.

    ``|g(· + δ) − 2 g + g(· − δ)|`` has no first derivative of ``g``, and its second goes with ``δ²``: for a relative
    ``δ`` of 2⁻³⁰ of every tensor, and no more than is ``straight`` for all that is known, what is left is rounding.
    ``g`` is linear in ``upstream``, of which ``δ`` may be 2⁻⁸, enough to have other digits cancel. One sample may be
    small by chance: the largest counts.
    """
    found = {name: 4 * EPS * each.abs().nan_to_num(0, 0, 0) for name, each in gradient.items()}
    generator = torch.Generator().manual_seed(0)  # of its own: the function resets torch's
    for _ in range(samples):
        still = {name: torch.zeros_like(tensor) for name, tensor in function.tensors().items()}
        turned = {
            name: _part(tensor, TENSORS, generator).clamp(-straight[name], straight[name])
            for name, tensor in function.tensors().items()
        }
        for turn, directions in ((_part(upstream, LINEAR, generator), still), (torch.zeros_like(upstream), turned)):
            seen = _second_difference(function, upstream, gradient, turn, directions)
            found = {name: torch.maximum(each, seen.get(name, each)) for name, each in found.items()}
    return found


def precision(computation: Callable[[], object], outputs: Tensor) -> torch.dtype:
    """Return the type of the fewest digits in which a computation on float64 works: float64, if it is right.

    Either an operation on float64 gives a type of fewer digits, or all ``outputs``, of at least six different
    numbers for inputs that have float64's digits, have just those of a float32.

    >>> x = torch.rand(8, dtype=torch.float64)
    >>> precision(lambda: x * x, x * x), precision(lambda: x.half(), x)
    (torch.float64, torch.float16)
    >>> precision(lambda: None, x.float().double()), precision(lambda: None, 1000 * torch.arange(8.0))
    (torch.float32, torch.float64)
    """
    seen = _Precision()
    with seen:
        computation()
    return torch.float32 if seen.coarsest == torch.float64 and _is_single(outputs) else seen.coarsest


def loses_digits(computation: Callable[[], object]) -> bool:
    """Tell whether an operation takes float64 and gives floating-point numbers of fewer digits.

    >>> x = torch.ones(2, dtype=torch.float64)
    >>> loses_digits(lambda: x * x), loses_digits(lambda: x.half())
    (False, True)
    """
    return precision(computation, torch.empty(0)) != torch.float64


def _is_single(tensor: Tensor) -> bool:
    """Tell whether numbers have all digits of a float32 and no more; whole numbers have fewer."""
    finite = tensor[tensor.isfinite()].unique()
    mantissa, _ = torch.frexp(finite)
    many, few = (bool((mantissa * 2**digits == (mantissa * 2**digits).round()).all()) for digits in (24, 22))
    return len(finite) >= MIN_DISTINCT and many and not few


class _Precision(TorchDispatchMode):
    """Looks for operations that take float64 and give a floating-point number of fewer digits."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.coarsest = torch.float64

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would import its compiler for that, which takes a second

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        took = any(isinstance(each, Tensor) and each.dtype == torch.float64 for each in args)
        if took and isinstance(result, Tensor) and result.is_floating_point():
            self.coarsest = max(self.coarsest, result.dtype, key=lambda dtype: torch.finfo(dtype).eps)
        return result


def _part(tensor: Tensor, size: float, generator: torch.Generator) -> Tensor:
    """Return a random part of each number, of at most ``size``."""
    drawn = torch.rand(tensor.shape, generator=generator, dtype=tensor.dtype).to(tensor.device)
    return tensor * (2 * drawn - 1) * size


def _second_difference(
    function: Deterministic,
    upstream: Tensor,
    gradient: dict[str, Tensor],
    turn: Tensor,
    directions: dict[str, Tensor],
) -> dict[str, Tensor]:
    """Return ``|g(· + δ) − 2 g + g(· − δ)|`` by name, nothing where ``δ`` leads out of the domain."""
    try:
        above, below = (_gradients_at(function, upstream + sign * turn, directions, sign) for sign in (1, -1))
    except (CorenetError, ValueError, ArithmeticError):
        return {}
    return {
        name: (above[name] - 2 * each + below[name]).abs().nan_to_num(0, 0, 0)
        for name, each in gradient.items()
        if above[name].shape == each.shape == below[name].shape
    }


def _gradients_at(
    function: Deterministic, upstream: Tensor, directions: dict[str, Tensor], sign: int
) -> dict[str, Tensor]:
    """Return the gradients with each tensor moved by ``sign`` times its direction."""
    tensors = function.tensors()
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    try:
        for name, tensor in tensors.items():
            tensor += sign * directions[name]
        return function.gradients(upstream)
    finally:
        for name, tensor in tensors.items():
            tensor.copy_(before[name])
