"""The gradient check: hand-written derivatives against central differences in float64."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.parameter import Buffer, Parameter
from corenet.contracts.sequential import label
from corenet.errors import ConfigError, GradientError, ShapeError
from corenet.testing.report import GradientReport, TensorReport

T = TypeVar("T")
STEP = 1e-5
KINK = 1e-3
MOST_ELEMENTS = 2000


def gradcheck(
    subject: Module | Loss,
    *inputs: Tensor,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    seed: int = 0,
) -> GradientReport:
    r"""Prove a hand-written gradient against central differences, or raise.

    For a random upstream gradient ``u`` and each element θ of the input and of every
    parameter, ``∂(u · f)/∂θ`` as ``backward`` has it is compared with::

        u · (f(θ + h) − f(θ − h)) / 2h,    h = 1e−5 · max(1, |θ|)

    and must agree within ``atol + rtol · |numeric|``. The check runs on a float64 copy;
    neither the component nor its inputs are changed, strided inputs stay strided.
    Random layers draw the same numbers in each evaluation. Where the slopes on the two
    sides of θ differ, as at the kink of a ReLU, there is no derivative: such elements
    are left out and counted. Of more than 2000 elements in a tensor, 2000 are drawn.

    Args:
        subject: a module (one input) or a loss (input and target).
        inputs: floating-point tensors of any dtype.
        rtol, atol: relative and absolute tolerance.
        seed: governs ``u``, what random layers draw, and the choice of elements.

    Returns:
        A report of each tensor; ``error`` is the worst relative error.

    Raises:
        GradientError: an element disagrees, or none could be compared; the message
            has the worst one, ours against numeric.

    >>> import corenet as cn
    >>> report = gradcheck(cn.Linear(3, 2), torch.randn(4, 3))
    >>> [tensor.name for tensor in report.tensors], report.error < 1e-6
    (['input', 'weight', 'bias'], True)

    Reference: W. Press et al., "Numerical Recipes", 3rd edition, section 5.7.
    """
    report = examine(subject, *inputs, rtol=rtol, atol=atol, seed=seed)
    report.raise_if_wrong()
    return report


def examine(
    subject: Module | Loss, *inputs: Tensor, rtol: float = 1e-6, atol: float = 1e-8, seed: int = 0
) -> GradientReport:
    """Do what :func:`gradcheck` does, and return the report also when a gradient is wrong."""
    if not isinstance(subject, (Module, Loss)):
        hint = f"; write {subject.__name__}(...)" if isinstance(subject, type) else ""
        raise ConfigError(f"gradcheck takes a module or a loss, not {subject!r:.80}{hint}")
    if not (rtol > 0 and atol >= 0):
        raise ConfigError(f"gradcheck needs rtol > 0 and atol ≥ 0, not {rtol!r} and {atol!r}")
    wanted = 1 if isinstance(subject, Module) else 2
    if len(inputs) != wanted:
        raise ConfigError(f"gradcheck of {subject!r} takes {wanted} tensors, got {len(inputs)}")
    if not all(isinstance(tensor, Tensor) for tensor in inputs):
        raise ConfigError(f"gradcheck of {subject!r} takes torch.Tensors, got {inputs!r:.80}")
    if not all(tensor.isfinite().all() for tensor in inputs):
        raise ConfigError(f"gradcheck of {subject!r} needs finite inputs; an infinity or NaN has no neighbours")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        function = _Frozen(copy.deepcopy(subject), [_as_double(tensor) for tensor in inputs], seed)
        upstream = torch.randn_like(function())
        if isinstance(subject, Loss):
            upstream = torch.ones_like(upstream)  # a loss has no upstream: its gradient is that of the sum
        gradients = function.gradients(upstream)
        tensors = tuple(
            _compare(name, function, upstream, tensor, gradient, rtol, atol) for name, tensor, gradient in gradients
        )
    return GradientReport(label(subject), tensors)


class _Frozen:
    """A component with its inputs and its random numbers held still: a function of its tensors alone."""

    def __init__(self, subject: Module | Loss, inputs: list[Tensor], seed: int) -> None:
        self.subject = subject
        self.inputs = inputs
        self.seed = seed
        if isinstance(subject, Module):
            subject.forget()
            subject.to(dtype=torch.float64).train()
        self.buffers = [(tensor, tensor.clone()) for tensor in _buffers(subject)]

    def __call__(self) -> Tensor:
        """Return the output, with nothing saved and no running statistic moved."""
        torch.manual_seed(self.seed)
        output = self.subject(*self.inputs).clone()
        if isinstance(self.subject, Module):
            self.subject.forget()
        self._restore_buffers()
        return output

    def gradients(self, upstream: Tensor) -> list[tuple[str, Tensor, Tensor]]:
        """Return ``(name, tensor, its gradient by hand)`` for the input and each parameter."""
        if isinstance(self.subject, Loss):
            torch.manual_seed(self.seed)
            self.subject(*self.inputs)
            found = [("input", self.inputs[0], self.subject.backward())]
        else:
            found = [("input", self.inputs[0], self._run(self.subject.backward, upstream))]
            found += self._added()
            self._run(self.subject.backward_parameters, upstream)
            for (name, tensor, half), (_, _, whole) in zip(self._added(), found[1:], strict=True):
                if not torch.allclose(half, whole, rtol=0, atol=0, equal_nan=True):
                    found.append((f"{name} by backward_parameters", tensor, half))
        for name, tensor, gradient in found:
            if gradient.shape != tensor.shape:
                raise ShapeError(
                    f"{self.subject!r}: the gradient of {name}", gradient.shape, f"expected {tuple(tensor.shape)}"
                )
        return [(name, tensor, gradient.clone()) for name, tensor, gradient in found]

    def _run(self, backward: Callable[[Tensor], T], upstream: Tensor) -> T:
        """Return what ``backward`` gives after a forward, with a gradient of 1 in every parameter before it."""
        torch.manual_seed(self.seed)
        for _, parameter in self._parameters():
            parameter.grad.fill_(1)  # what is there before: backward must add to it
        before_forward = self.inputs[0].clone()
        self.subject(*self.inputs)
        if not torch.allclose(self.inputs[0], before_forward, rtol=0, atol=0, equal_nan=True):
            raise GradientError(f"{self.subject!r}: forward changes its input in place; other modules may need it")
        given = upstream.clone()
        result = backward(given)
        if not torch.equal(given, upstream):
            raise GradientError(f"{self.subject!r}: backward changes grad_output in place; other modules may need it")
        self._restore_buffers()
        return result

    def _restore_buffers(self) -> None:
        for buffer, before in self.buffers:
            buffer.copy_(before)

    def _added(self) -> list[tuple[str, Tensor, Tensor]]:
        return [(name, parameter, parameter.grad - 1) for name, parameter in self._parameters()]

    def _parameters(self) -> list[tuple[str, Parameter]]:
        return list(self.subject.named_parameters()) if isinstance(self.subject, Module) else []


def _compare(
    name: str,
    function: Callable[[], Tensor],
    upstream: Tensor,
    tensor: Tensor,
    gradient: Tensor,
    rtol: float,
    atol: float,
) -> TensorReport:
    centre = function()
    worst = TensorReport(name, tuple(tensor.shape), 0, 0, 0.0, rtol)
    checked = kinks = 0
    for index in _chosen(tensor):
        before, after, step = _around(function, tensor, index)
        right = ((after - centre) * upstream).sum().item() / step
        left = ((centre - before) * upstream).sum().item() / step
        numeric, ours = (left + right) / 2, gradient[index].item()
        if abs(right - left) > KINK * max(1.0, abs(left), abs(right)):
            kinks += 1
            continue
        checked += 1
        error = abs(ours - numeric) / (atol / rtol + abs(numeric))
        if not error <= worst.error:  # true for NaN too
            worst = TensorReport(
                name, worst.shape, 0, 0, error if error == error else float("inf"), rtol, index, ours, numeric
            )
    return TensorReport(name, worst.shape, checked, kinks, worst.error, rtol, worst.index, worst.ours, worst.numeric)


def _around(function: Callable[[], Tensor], tensor: Tensor, index: tuple[int, ...]) -> tuple[Tensor, Tensor, float]:
    """Return the function a step before and a step after one element, and the length of the step."""
    value = tensor[index].item()
    step = STEP * max(1.0, abs(value))
    try:
        tensor[index] = value - step
        before = function()
        tensor[index] = value + step
        after = function()
    finally:
        tensor[index] = value
    return before, after, step


def _chosen(tensor: Tensor) -> list[tuple[int, ...]]:
    flat = torch.arange(tensor.numel())
    if tensor.numel() > MOST_ELEMENTS:
        flat = torch.randperm(tensor.numel())[:MOST_ELEMENTS]
    places = torch.unravel_index(flat, tensor.shape) if tensor.dim() else ()
    if not places:
        return [()]
    return [tuple(place) for place in torch.stack(places, 1).tolist()]


def _as_double(tensor: Tensor) -> Tensor:
    """Return a float64 copy with the same strides, so that a strided input is checked as one."""
    if not tensor.is_floating_point():
        return tensor.clone()
    if _overlaps(tensor):  # its elements share memory and cannot be moved one by one
        return tensor.double().contiguous()
    copy_ = torch.empty_strided(tensor.shape, tensor.stride(), dtype=torch.float64, device=tensor.device)
    return copy_.copy_(tensor)


def _overlaps(tensor: Tensor) -> bool:
    """Tell whether the tensor has more elements than places in memory, as expanded and unfolded ones do."""
    reach = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return tensor.numel() > reach + 1


def _buffers(subject: Module | Loss) -> list[Tensor]:
    if isinstance(subject, Loss):
        return []
    return [
        value for _, module in subject.named_modules() for value in vars(module).values() if isinstance(value, Buffer)
    ]
