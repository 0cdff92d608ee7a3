"""A component as a deterministic function of its tensors, and the gradients that its backward gives."""

from __future__ import annotations

import copy
import math
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
from corenet.testing.gradcheck.noise import same

T = TypeVar("T")


class Deterministic:
    """A float64 copy of a component with its inputs; random numbers and buffers are reset before each call."""

    def __init__(self, subject: Module | Loss, inputs: list[Tensor], seed: int) -> None:
        self.subject = copy.deepcopy(subject)
        self.inputs = [as_double(tensor.detach()) for tensor in inputs]
        self.seed = seed
        self.previous = 0.0  # the gradient of each parameter before a backward, which must add to it
        self.buffers: list[tuple[Tensor, Tensor]] = []
        if isinstance(self.subject, Module):
            self.subject.forget()
            self.subject.to(dtype=torch.float64).train()
            found = (tensor for _, tensor in self.subject.named_tensors() if isinstance(tensor, Buffer))
            self.buffers = [(buffer, buffer.clone()) for buffer in found]

    def __call__(self) -> Tensor:
        """Return the output; nothing stays saved and no running statistic changes."""
        self._reset_generators()
        output = self.subject(*self.inputs).clone()
        self.forget()
        return output

    def first_output(self) -> Tensor:
        """Return the output; raise if forward changes a tensor that it is given."""
        before = self._snapshot()
        output = self()
        self._refuse_changes("forward", before)
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
        self._refuse_leftovers()
        if not isinstance(found["input"], Tensor):
            raise GradientError(
                f"{self.subject!r}: backward returns {found['input']!r:.80}, not the gradient of its input"
            )
        return {name: gradient.clone() for name, gradient in found.items()}

    def half_gradients(self, upstream: Tensor) -> dict[str, Tensor]:
        """Return the gradients of the parameters as ``backward_parameters`` gives them."""
        if isinstance(self.subject, Loss):
            return {}
        self._run(self.subject.backward_parameters, upstream)
        return self._added()

    def refill(self, upstream: Tensor) -> None:
        """Put a gradient before each, of about the size of what backward adds, if backward loses or changes it.

        What is wrong with such a backward then shows in its gradients; of a right one they keep all digits.
        """
        alone = self.gradients(upstream)
        sizes = [alone[name].abs().max().item() for name, each in self._parameters if each.numel()]
        largest = max((size for size in sizes if math.isfinite(size)), default=0.0)
        self.previous = 2.0 ** math.frexp(largest)[1] if largest else 1.0
        added = self.gradients(upstream)
        near = 1e-12 * self.previous
        if all(
            torch.allclose(added[name], alone[name], rtol=0, atol=near, equal_nan=True) for name, _ in self._parameters
        ):
            self.previous = 0.0

    def refuse_unrepeatable(self, upstream: Tensor) -> None:
        """Raise unless a second call, with the same seed and tensors, gives the same output and gradients."""
        if not same(self(), self()):
            raise GradientError(
                f"{self.subject!r}: not repeatable: forward of the same input gives other numbers at the second call, "
                "with torch's generator reset; draw random numbers from torch and keep no state between calls"
            )
        first, second = self.gradients(upstream), self.gradients(upstream)
        for name in first:
            if first[name].shape == second[name].shape and not same(first[name], second[name]):
                raise GradientError(
                    f"{self.subject!r}: not repeatable: backward gives another gradient of {name} at the second call, "
                    "of the same input and grad_output"
                )

    def _run(self, backward: Callable[[Tensor], T], upstream: Tensor) -> T:
        """Return what ``backward`` gives after a forward."""
        self._reset_generators()
        for _, parameter in self._parameters:
            parameter.grad.fill_(self.previous)
        before = self._snapshot()
        self.subject(*self.inputs)
        self._refuse_changes("forward", before)
        given = upstream.clone()
        result = self._called(backward, given)
        self._refuse_changes("backward", before)
        if not torch.equal(given, upstream):
            raise GradientError(f"{self.subject!r}: backward changes grad_output in place; other modules may need it")
        self._restore_buffers()
        return result.clone() if isinstance(result, Tensor) else result  # type: ignore[return-value] # a Tensor is a T

    def _snapshot(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self._watched().items()}

    def _watched(self) -> dict[str, Tensor]:
        """Return what neither forward nor backward may change in place."""
        names = ["its input", "its target"][: len(self.inputs)]
        return dict(zip(names, self.inputs, strict=True)) | dict(self._parameters)

    def _refuse_changes(self, method: str, before: dict[str, Tensor]) -> None:
        for (name, old), new in zip(before.items(), self._watched().values(), strict=True):
            if not torch.equal(old, new) and not torch.allclose(old, new, rtol=0, atol=0, equal_nan=True):
                raise GradientError(f"{self.subject!r}: {method} changes {name} in place; work on a copy")

    def _reset_generators(self) -> None:
        # Unlike torch.manual_seed, the generator's own method does not format its caller's stack: a millisecond.
        torch.default_generator.manual_seed(self.seed)
        if self.inputs[0].is_cuda:
            torch.cuda.manual_seed_all(self.seed)

    def _called(self, backward: Callable[[Tensor], T], upstream: Tensor) -> T:
        try:
            return backward(upstream)
        except RuntimeError as error:
            if "broadcast shape" not in str(error):  # torch's words for += of something larger
                raise
            hint = "not summed: sum over the dimensions that forward broadcasts"
            raise GradientError(f"{self.subject!r}: what backward adds does not fit, {error}; {hint}") from error

    def _refuse_leftovers(self) -> None:
        """Raise if something that forward saved is still there after ``backward``, which then skipped a part."""
        if isinstance(self.subject, Module):
            for path, module in self.subject.named_modules():
                if has_saved(module):
                    place = f" of {path}, {label(module)}," if path else ""
                    raise GradientError(
                        f"{self.subject!r}: backward{place} never used what forward saved: was it called?"
                    )

    def _restore_buffers(self) -> None:
        for buffer, before in self.buffers:
            buffer.copy_(before)

    def _added(self) -> dict[str, Tensor]:
        return {name: parameter.grad - self.previous for name, parameter in self._parameters}

    @cached_property
    def _parameters(self) -> list[tuple[str, Parameter]]:
        return list(self.subject.named_parameters()) if isinstance(self.subject, Module) else []


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
