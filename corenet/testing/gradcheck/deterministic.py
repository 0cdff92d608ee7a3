"""A component as a deterministic function of its tensors, and the gradients that its backward gives."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.parameter import Buffer, Parameter
from corenet.contracts.saved import has_saved
from corenet.contracts.sequential import label
from corenet.errors import GradientError
from corenet.testing.gradcheck.untouched import Untouched

T = TypeVar("T")


class Deterministic:
    """A float64 copy of a component with its inputs; random numbers and buffers are reset before each call.

    ``previous`` is the gradient of each parameter before a backward, which must add to it.
    """

    def __init__(self, subject: Module | Loss, inputs: list[Tensor], seed: int) -> None:
        self.subject = copy.deepcopy(subject)
        self.inputs = [as_double(tensor.detach()) for tensor in inputs]
        self.seed = seed
        self.previous = 0.0
        self.buffers: list[tuple[Tensor, Tensor]] = []
        if isinstance(self.subject, Module):
            self.subject.forget()
            self.subject.to(dtype=torch.float64).train()
            found = (tensor for _, tensor in self.subject.named_tensors() if isinstance(tensor, Buffer))
            self.buffers = [(buffer, buffer.clone()) for buffer in found]

    def __call__(self) -> Tensor:
        """Return the output in float64; nothing stays saved and no running statistic changes."""
        self._reset_generators()
        output = self.subject(*self.inputs)
        if not output.is_floating_point():
            raise GradientError(f"{self.subject!r}: forward returns {output.dtype}, which has no gradient")
        output = output.to(torch.float64, copy=True)
        self.forget()
        return output

    def first_output(self) -> Tensor:
        """Return the output; raise if forward changes a tensor that it is given."""
        untouched = self._untouched()
        output = self()
        untouched.refuse_changes("forward")
        return output

    def forget(self) -> None:
        """Drop what the last forward saved and restore the buffers."""
        if isinstance(self.subject, Module):
            self.subject.forget()
        self._restore_buffers()

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors that have a gradient, by name: the input and each parameter."""
        return {"input": self.inputs[0], **dict(self._parameters)}

    def gradients(self, upstream: Tensor) -> dict[str, Tensor]:
        """Return the hand-written gradient of each of :meth:`tensors`; of a loss, which has no upstream, of its sum."""
        if isinstance(self.subject, Loss):
            loss = self.subject
            found = {"input": self._run(lambda _: loss.backward(), upstream)}
        else:
            found = {"input": self._run(self.subject.backward, upstream), **self._added()}
            _refuse_leftovers(self.subject)
        if not isinstance(found["input"], Tensor):
            raise GradientError(
                f"{self.subject!r}: backward returns {found['input']!r:.80}, not the gradient of its input"
            )
        return {name: gradient.to(torch.float64, copy=True) for name, gradient in found.items()}

    def half_gradients(self, upstream: Tensor) -> dict[str, Tensor]:
        """Return the gradients of the parameters as ``backward_parameters`` gives them."""
        if isinstance(self.subject, Loss):
            return {}
        self._run(self.subject.backward_parameters, upstream)
        return self._added()

    def _run(self, backward: Callable[[Tensor], T], upstream: Tensor) -> T:
        """Return what ``backward`` gives after a forward."""
        self._reset_generators()
        for _, parameter in self._parameters:
            parameter.grad.fill_(self.previous)
        untouched = self._untouched()
        output = self.subject(*self.inputs)
        untouched.refuse_changes("forward")
        wanted = upstream.to(output.dtype)
        given = wanted.clone()
        result = _called(self.subject, backward, given)
        untouched.refuse_changes("backward")
        if not torch.equal(given, wanted):
            raise GradientError(f"{self.subject!r}: backward changes grad_output in place; other modules may need it")
        self._restore_buffers()
        return result.clone() if isinstance(result, Tensor) else result  # type: ignore[return-value] # a Tensor is a T

    def _untouched(self) -> Untouched:
        names = ["its input", "its target"][: len(self.inputs)]
        return Untouched(self.subject, dict(zip(names, self.inputs, strict=True)) | dict(self._parameters))

    def _reset_generators(self) -> None:
        # Unlike torch.manual_seed, the generator's own method does not format its caller's stack: a millisecond.
        torch.default_generator.manual_seed(self.seed)
        if self.inputs[0].is_cuda:
            torch.cuda.manual_seed_all(self.seed)

    def _restore_buffers(self) -> None:
        for buffer, before in self.buffers:
            buffer.copy_(before)

    def _added(self) -> dict[str, Tensor]:
        return {name: parameter.grad - self.previous for name, parameter in self._parameters}

    @cached_property
    def _parameters(self) -> list[tuple[str, Parameter]]:
        return list(self.subject.named_parameters()) if isinstance(self.subject, Module) else []


def _called(subject: Module | Loss, backward: Callable[[Tensor], T], upstream: Tensor) -> T:
    try:
        return backward(upstream)
    except RuntimeError as error:
        if "broadcast shape" not in str(error):  # torch's words for += of something larger
            raise
        hint = "not summed: sum over the dimensions that forward broadcasts"
        raise GradientError(f"{subject!r}: what backward adds does not fit, {error}; {hint}") from error


def _refuse_leftovers(subject: Module) -> None:
    """Raise if something that forward saved is still there after ``backward``, which then skipped a part."""
    for path, module in subject.named_modules():
        if has_saved(module):
            place = f" of {path}, {label(module)}," if path else ""
            raise GradientError(f"{subject!r}: backward{place} never used what forward saved: was it called?")


def as_double(tensor: Tensor) -> Tensor:
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
