"""A module or loss of corenet as a layer of PyTorch's, whose gradient is the one that corenet proves."""

from __future__ import annotations

import copy
from typing import Any

import torch
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.parameter import Buffer, Parameter, is_frozen
from corenet.errors import ConfigError
from torch import Tensor
from torch.autograd.function import once_differentiable


def as_function(part: Module | Loss) -> Layer:
    """Return a ``torch.nn.Module`` that runs ``part`` forward and backward, by an autograd.Function.

    It has the parameters and buffers of ``part``, by the same names, and until ``.to`` moves it in the same memory, so
    that an optimizer of PyTorch's trains ``part``. It may be called several times before the backwards, each of which
    runs once; second derivatives are refused.

    Raises:
        ConfigError: ``part`` is neither, or a loss without a reduction, which has the gradient of its sum alone.

    >>> import corenet as cn
    >>> layer, x = as_function(cn.Linear(3, 2)), torch.randn(4, 3, requires_grad=True)
    >>> layer(x).sum().backward()
    >>> tuple(x.grad.shape), list(layer.state_dict())
    ((4, 3), ['weight', 'bias'])
    """
    if not isinstance(part, Module | Loss):
        raise ConfigError(f"as_function takes a module or a loss of corenet, not {part!r:.80}")
    if isinstance(part, Loss) and getattr(part, "reduction", "mean") == "none":
        raise ConfigError(f"{part!r} gives the gradient of its sum alone: use reduction='sum' or 'mean'")
    return Layer(part)


class Layer(torch.nn.Module):
    """What :func:`as_function` returns; ``part`` is the module or loss of corenet."""

    def __init__(self, part: Module | Loss) -> None:
        super().__init__()
        self.__dict__["part"] = part
        for path, tensor in part.named_tensors():
            *folders, name = path.split(".")
            owner: torch.nn.Module = self
            for folder in folders:
                if folder not in dict(owner.named_children()):
                    owner.add_module(folder, torch.nn.Module())
                owner = owner.get_submodule(folder)
            shared = tensor.detach().as_subclass(Tensor)
            if path in dict(part.named_parameters()):
                owner.register_parameter(name, torch.nn.Parameter(shared, requires_grad=not is_frozen(tensor)))
            else:
                owner.register_buffer(name, shared)

    def forward(self, *inputs: Tensor) -> Any:
        """Run ``part`` forward, in a copy whose parameters and buffers are those that this layer has now."""
        part: Module | Loss = self.__dict__["part"]
        if isinstance(part, Module):
            part.forget()
            part.train(self.training)
        own = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        named = dict(part.named_tensors())
        mine = {
            id(each): (Parameter if isinstance(each, Parameter) else Buffer)(own[path].detach())
            for path, each in named.items()
        }
        trained = [own[path] for path, each in named.items() if isinstance(each, Parameter)]
        run: Any = _Run.apply  # which torch does not type
        found = run(copy.deepcopy(part, mine), len(inputs), *inputs, *trained)
        return found[0] if isinstance(found, tuple) and len(found) == 1 else found

    def extra_repr(self) -> str:
        """Show the part."""
        return repr(self.__dict__["part"])


class _Run(torch.autograd.Function):
    """One forward of a module that is used once, and its backward."""

    @staticmethod
    def forward(ctx: Any, part: Module | Loss, count: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        inputs = [each.detach() for each in tensors[:count]]
        ctx.save_for_backward(*tensors)  # for torch to see whether they are changed in place before backward
        found = part(*inputs)
        outputs = found if isinstance(found, tuple) else (found,)
        ctx.part = part
        ctx.mark_non_differentiable(*(each for each in outputs if not each.is_floating_point()))
        return tuple(each.clone() if any(each is other for other in inputs) else each for each in outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        part, count = ctx.part, len(ctx.saved_tensors)
        if part is None:
            raise RuntimeError("a layer of corenet's runs backward once for each forward: run forward again")
        ctx.part = None
        trained = [parameter for _, parameter in part.named_parameters()]
        found = part.backward() * grad_outputs[0] if isinstance(part, Loss) else part.backward(*grad_outputs)
        gradients = found if isinstance(found, tuple) else (found,)
        of_targets = [None] * (count - len(gradients) - len(trained))
        return (None, None, *gradients, *of_targets, *(parameter.grad for parameter in trained))
