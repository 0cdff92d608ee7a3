"""A component held still: a function of its tensors alone, and what its backward gives for it."""

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
from corenet.errors import GradientError

T = TypeVar("T")


class Frozen:
    """A float64 copy of a component with its inputs, its random numbers and its buffers held still."""

    def __init__(self, subject: Module | Loss, inputs: list[Tensor], seed: int) -> None:
        self.subject = copy.deepcopy(subject)
        self.inputs = [as_double(tensor) for tensor in inputs]
        self.seed = seed
        self.buffers: list[tuple[Tensor, Tensor]] = []
        if isinstance(self.subject, Module):
            self.subject.forget()
            self.subject.to(dtype=torch.float64).train()
            held = (tensor for _, tensor in self.subject.named_tensors() if isinstance(tensor, Buffer))
            self.buffers = [(buffer, buffer.clone()) for buffer in held]

    def __call__(self) -> Tensor:
        """Return the output, with nothing saved and no running statistic moved."""
        self._rewind_draws()
        output = self.subject(*self.inputs).clone()
        self.forget()
        return output

    def forget(self) -> None:
        """Drop what the last forward saved, and put the running statistics back."""
        if isinstance(self.subject, Module):
            self.subject.forget()
        self._restore_buffers()

    def tensors(self) -> dict[str, Tensor]:
        """Return what has a gradient, by name: the input and each parameter."""
        return {"input": self.inputs[0], **dict(self._parameters())}

    def gradients(self, upstream: Tensor) -> dict[str, Tensor]:
        """Return the gradient by hand of each of :meth:`tensors`; of a loss, which has no upstream, of its sum."""
        if isinstance(self.subject, Loss):
            self._rewind_draws()
            self.subject(*self.inputs)
            found = {"input": self.subject.backward()}
        else:
            found = {"input": self._run(self.subject.backward, upstream), **self._added()}
        self._refuse_leftovers()
        if not isinstance(found["input"], Tensor):
            raise GradientError(
                f"{self.subject!r}: backward returns {found['input']!r:.80}, not the gradient of its input"
            )
        return {name: gradient.clone() for name, gradient in found.items()}

    def half_gradients(self, upstream: Tensor) -> dict[str, Tensor]:
        """Return the gradients of the parameters as ``backward_parameters`` has them."""
        if isinstance(self.subject, Loss):
            return {}
        self._run(self.subject.backward_parameters, upstream)
        return self._added()

    def _run(self, backward: Callable[[Tensor], T], upstream: Tensor) -> T:
        """Return what ``backward`` gives after a forward, with a gradient of 1 in every parameter before it."""
        self._rewind_draws()
        for _, parameter in self._parameters():
            parameter.grad.fill_(1)  # what is there before: backward must add to it
        before_forward = self.inputs[0].clone()
        self.subject(*self.inputs)
        if not torch.allclose(self.inputs[0], before_forward, rtol=0, atol=0, equal_nan=True):
            raise GradientError(f"{self.subject!r}: forward changes its input in place; other modules may need it")
        given = upstream.clone()
        result = self._fitting(backward, given)
        if not torch.equal(given, upstream):
            raise GradientError(f"{self.subject!r}: backward changes grad_output in place; other modules may need it")
        self._restore_buffers()
        return result

    def _rewind_draws(self) -> None:
        """Do what torch.manual_seed does, which writes down its caller's stack each time: a millisecond."""
        torch.default_generator.manual_seed(self.seed)
        if self.inputs[0].is_cuda:
            torch.cuda.manual_seed_all(self.seed)

    def _fitting(self, backward: Callable[[Tensor], T], upstream: Tensor) -> T:
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
                if module._saved is not None:
                    place = f" of {path}, {label(module)}," if path else ""
                    raise GradientError(
                        f"{self.subject!r}: backward{place} never used what forward saved: was it called?"
                    )

    def _restore_buffers(self) -> None:
        for buffer, before in self.buffers:
            buffer.copy_(before)

    def _added(self) -> dict[str, Tensor]:
        return {name: parameter.grad - 1 for name, parameter in self._parameters()}

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
