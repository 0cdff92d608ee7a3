"""A component as a deterministic function of its tensors, and the gradients that its backward gives."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.parameter import Buffer, Parameter, is_frozen
from corenet.contracts.saved import has_saved
from corenet.contracts.sequential import label
from corenet.contracts.several import Tensors, each_of
from corenet.errors import DTypeError, GradientError
from corenet.testing.gradcheck.arguments import Arguments
from corenet.testing.gradcheck.outputs import Outputs, run
from corenet.testing.gradcheck.untouched import Untouched


class Deterministic:
    """A float64 copy of a component with its inputs; random numbers and buffers are reset before each call.

    Several outputs are one tensor, and so is a penalty with them. ``previous`` is the gradient of each parameter
    before a backward, which must add to it.
    """

    def __init__(self, subject: Module | Loss, inputs: Sequence[Tensors], seed: int) -> None:
        self.subject = copy.deepcopy(subject)
        self.arguments = Arguments(subject, inputs)
        self.seed = seed
        self.previous = 0.0
        self.subject.to(dtype=torch.float64)
        if isinstance(self.subject, Module):
            self.subject.forget()
            self.subject.train()
        found = (tensor for _, tensor in self.subject.named_tensors() if isinstance(tensor, Buffer))
        self.buffers = [(buffer, buffer.clone()) for buffer in found]

    def __call__(self) -> Tensor:
        """Return the output in float64; nothing stays saved and no running statistic changes."""
        return self.outputs().joined().to(torch.float64, copy=True)

    def outputs(self) -> Outputs:
        """Return each output; nothing stays saved and no running statistic changes."""
        self._reset_generators()
        outputs = run(self.subject, self.arguments.given)
        self.forget()
        return outputs

    def first_outputs(self) -> Outputs:
        """Return each output; raise if forward changes a tensor that it is given, or gives integers alone."""
        untouched = self._untouched()
        outputs = self.outputs()
        untouched.refuse_changes("forward")
        try:
            outputs.joined()
        except DTypeError as error:
            raise GradientError(f"{self.subject!r}: {error}") from error
        return outputs

    def forget(self) -> None:
        """Drop what the last forward saved and restore the buffers."""
        if isinstance(self.subject, Module):
            self.subject.forget()
        self._restore_buffers()

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors that have a gradient, by name: each input, and each parameter that is not frozen."""
        return {**self.arguments.differentiable, **dict(self._parameters)}

    def is_input(self, name: str) -> bool:
        """Tell whether ``name`` is that of an input, not of a parameter."""
        return name in self.arguments.tensors

    def gradients(self, upstream: Tensor) -> dict[str, Tensor]:
        """Return the hand-written gradient of each of :meth:`tensors`; of a loss, which has no upstream, of its sum."""
        if isinstance(self.subject, Loss):
            loss = self.subject
            found = self._by_name(self._run(lambda *_: loss.backward(), upstream))
        else:
            found = self._by_name(self._run(self.subject.backward, upstream))
            _refuse_leftovers(self.subject)
        found |= self._added()
        return {name: gradient.to(torch.float64, copy=True) for name, gradient in found.items()}

    def half_gradients(self, upstream: Tensor) -> dict[str, Tensor]:
        """Return the gradients of the parameters as ``backward_parameters`` gives them."""
        if isinstance(self.subject, Loss):
            return {}
        self._run(self.subject.backward_parameters, upstream)
        return self._added()

    def _run(self, backward: Callable[..., Any], upstream: Tensor) -> Any:
        """Return what ``backward`` gives after a forward."""
        self._reset_generators()
        for _, parameter in self._parameters:
            parameter.grad.fill_(self.previous)
        untouched = self._untouched()
        outputs = run(self.subject, self.arguments.given)
        untouched.refuse_changes("forward")
        given, wanted = outputs.parted(upstream), outputs.parted(upstream)
        result = _called(self.subject, backward, given)
        untouched.refuse_changes("backward")
        if not all(a is None or b is None or torch.equal(a, b) for a, b in zip(given, wanted, strict=True)):
            raise GradientError(f"{self.subject!r}: backward changes grad_output in place; other modules may need it")
        self._restore_buffers()
        return result

    def _by_name(self, result: object) -> dict[str, Tensor]:
        """Return the gradients that backward returned, by the name of the input; of integers there is none."""
        gradients = result if isinstance(result, tuple) else (result,)
        if len(gradients) != len(self.arguments.asked):
            raise GradientError(
                f"{self.subject!r}: backward returns {len(gradients)} gradients for {len(self.arguments.asked)} inputs"
            )
        found = {}
        for name, gradient in zip(self.arguments.asked, gradients, strict=True):
            if name not in self.arguments.differentiable:
                continue
            if not isinstance(gradient, Tensor):
                which = "its input" if name == "input" else name
                raise GradientError(f"{self.subject!r}: backward returns {gradient!r:.80}, not the gradient of {which}")
            found[name] = gradient.clone()
        return found

    def _untouched(self) -> Untouched:
        given = {f"its {name}": tensor for name, tensor in self.arguments.tensors.items()}
        return Untouched(self.subject, given | dict(self._parameters))

    def _reset_generators(self) -> None:
        # Unlike torch.manual_seed, the generator's own method does not format its caller's stack: a millisecond.
        torch.default_generator.manual_seed(self.seed)
        if any(each_of(each)[0].is_cuda for each in self.arguments.given):
            torch.cuda.manual_seed_all(self.seed)

    def _restore_buffers(self) -> None:
        for buffer, before in self.buffers:
            buffer.copy_(before)

    def _added(self) -> dict[str, Tensor]:
        return {name: parameter.grad - self.previous for name, parameter in self._parameters}

    @cached_property
    def _parameters(self) -> list[tuple[str, Parameter]]:
        return [(name, each) for name, each in self.subject.named_parameters() if not is_frozen(each)]


def _called(subject: Module | Loss, backward: Callable[..., Any], upstreams: Sequence[Tensor | None]) -> Any:
    try:
        return backward(*upstreams)
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
