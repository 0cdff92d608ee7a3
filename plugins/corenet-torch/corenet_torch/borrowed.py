"""A function of torch's as a module of corenet, so that the kit takes it like any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter as Argument
from inspect import Signature
from types import FunctionType, MethodType
from typing import Any

import torch
from corenet.contracts.module import Module
from corenet.contracts.parameter import Parameter, gradient
from torch import Tensor

from corenet_torch.call import Call
from corenet_torch.passes import Pass


class _Backward:
    """``backward`` of a borrowed module: of the class, what its author wrote; of an instance, what runs it.

    The kit reads the source of the first, and to diagnose a fault it sets an edited one on an instance: that is
    run in the place of the author's.
    """

    def __init__(self, source: Callable[..., Any] | None) -> None:
        self.source = source

    def __get__(self, module: Borrowed | None, _: type) -> Any:
        return self.source if module is None else module.run_backward

    def __set__(self, module: Borrowed, edited: MethodType) -> None:
        module.__dict__["_edited"] = edited.__func__

    def __delete__(self, module: Borrowed) -> None:
        del module.__dict__["_edited"]


class Borrowed(Module):
    """A module whose forward is that of a :class:`~corenet_torch.call.Call`, and whose backward is what autograd runs.

    The parameters of a ``torch.nn.Module`` are parameters here, by the same names.
    """

    _call: Call
    _pass: Pass | None = None
    _edited: FunctionType | None = None

    def forward(self, *inputs: Tensor) -> Any:
        """Run forward, and keep what autograd records."""
        found = self._call.run(inputs, dict(self.named_parameters()))
        self.__dict__["_pass"] = found
        outputs = tuple(each.detach() for each in found.outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def run_backward(self, *upstreams: Tensor | None) -> Any:
        """Run backward, add the gradients of the parameters to theirs, and return those of the inputs."""
        assert self._pass is not None
        found = self._pass.gradients(upstreams, self._edited)
        leaves = self._pass.leaves
        gradients = [
            torch.zeros_like(leaf) if each is None else each.detach() for leaf, each in zip(leaves, found, strict=True)
        ]
        count = len(self._call.places)
        for parameter, each in zip(self.parameters(), gradients[count:], strict=True):
            gradient(parameter).add_(each)
        return gradients[0] if count == 1 else tuple(gradients[:count])

    def forget(self) -> None:
        """Let go of what autograd has recorded."""
        self.__dict__["_pass"] = None
        super().forget()

    def __repr__(self) -> str:
        return self._call.name

    def __deepcopy__(self, _: object) -> Borrowed:
        return borrowed(self._call, dict(self.named_parameters()))


def borrowed(call: Call, parameters: Mapping[str, Tensor] | None = None) -> Borrowed:
    """Return a module of its own class, with the name, the arguments and the source of what it borrows.

    ``parameters`` are copied; without any, those of the call.
    """
    takes = [Argument("self", Argument.POSITIONAL_ONLY)]
    takes += [Argument(name, Argument.POSITIONAL_OR_KEYWORD) for name in call.names]

    def forward(self: Borrowed, *inputs: Tensor) -> Any:
        return Borrowed.forward(self, *inputs)

    forward.__signature__ = Signature(takes)  # type: ignore[attr-defined]
    cls: Any = type(call.name, (Borrowed,), {"forward": forward})
    cls.__module__ = call.owner.__module__
    cls.backward = _Backward(call.backward)  # past the guard that a class puts around its backward
    module: Borrowed = cls()
    module.__dict__["_call"] = call
    for name, tensor in (call.parameters if parameters is None else parameters).items():
        module.__dict__[name] = Parameter(tensor.detach().clone())
    return module
