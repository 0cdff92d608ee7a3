"""The contract of a loss that is made of one value for each element."""

from __future__ import annotations

from torch import Tensor

from corenet.contracts.loss import Loss, Reduction, at_least_float32, check_reduction
from corenet.contracts.several import refuse_several
from corenet.errors import ConfigError, DeviceError, DTypeError, ShapeError


class ElementwiseLoss(Loss):
    r"""A loss ``L = reduce(ℓ(inputᵢ, targetᵢ))`` made of one value for each element.

    A subclass writes ``elements(input, target)``, the values ``ℓ``, and
    ``derivative(input, target)``, the values ``∂ℓ/∂input``; this class checks that
    the shapes are equal, reduces, and scales the derivative to match. A ``check`` or
    ``check_values`` that a subclass adds must judge each element alone, since it may be given several batches at once.

    ``reduction`` is ``"mean"`` (over all elements), ``"sum"`` or ``"none"``; unreduced,
    ``backward`` is the gradient of the sum. Half-precision inputs are reduced in
    float32 and give a float32 loss; the gradient has the input's dtype.

    Raises:
        ConfigError: ``reduction`` is none of the three.
        ShapeError: input and target differ in shape (nothing is broadcast), or the
            mean of an empty batch is asked for.
        DTypeError, DeviceError: input and target do not match, or are not floating-point tensors.
    """

    checks_points_alone = True

    def __init__(self, reduction: Reduction = "mean") -> None:
        check_reduction(reduction)
        self.reduction = reduction

    def elements(self, input: Tensor, target: Tensor) -> Tensor:
        """Return ``ℓ(inputᵢ, targetᵢ)`` for each element."""
        raise NotImplementedError(f"{type(self).__name__} must define elements(self, input, target)")

    def derivative(self, input: Tensor, target: Tensor) -> Tensor:
        """Return ``∂ℓ(inputᵢ, targetᵢ)/∂inputᵢ`` for each element."""
        raise NotImplementedError(f"{type(self).__name__} must define derivative(self, input, target)")

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        self.save(input, target)
        elements = self.elements(at_least_float32(input), at_least_float32(target))
        if self.reduction == "mean":
            return elements.mean()
        return elements.sum() if self.reduction == "sum" else elements

    def backward(self) -> Tensor:
        input, target = self.saved()
        derivative = self.derivative(at_least_float32(input), at_least_float32(target))
        if self.reduction == "mean":
            derivative = derivative / input.numel()
        return derivative.to(input.dtype)

    def check(self, input: Tensor, target: Tensor) -> None:
        for name, tensor in (("input", input), ("target", target)):
            refuse_several(self, name, tensor)
            if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
                found = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
                raise DTypeError(f"{self!r} takes floating-point tensors, got {found} as {name}; use {name}.float()")
        if input.requires_grad:
            raise ConfigError(f"{self!r} got input that requires grad; corenet derives by hand: use input.detach()")
        if input.dtype != target.dtype:
            raise DTypeError(f"{self!r} got {input.dtype} input and {target.dtype} target; convert one with .to()")
        if input.device != target.device:
            raise DeviceError(f"{self!r} got input on {input.device} and target on {target.device}")
        if input.shape != target.shape:
            raise ShapeError(f"{self!r}", input.shape, f"expected the target's shape {tuple(target.shape)}")
        if self.reduction == "mean" and input.numel() == 0:
            raise ShapeError(f"{self!r}", input.shape, "the mean of an empty batch is undefined")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.reduction == 'mean' else repr(self.reduction)})"
