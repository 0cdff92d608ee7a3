"""Many tensors, one memory: parameters become views into a single flat tensor.

An elementwise rule then runs once over everything instead of once a parameter,
and clearing all gradients is one operation. Every tensor stays the same Python
object with the same values; only the memory under it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter, is_
from typing import Self

import torch
from torch import Tensor

from corenet.contracts.parameter import gradient

_GRAD = attrgetter("grad")


class Flat:
    """Parameters that lie side by side, with their gradients beside each other too.

    ``param`` and ``grad`` are one-dimensional views over all of them.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters = tuple(parameters)
        self.gradients = tuple(gradient(parameter) for parameter in parameters)
        self._tensors = (*self.parameters, *self.gradients)
        self.addresses = [tensor.data_ptr() for tensor in self._tensors]
        self.param = _spanning(self.parameters)
        self.grad = _spanning(self.gradients)

    def is_current(self) -> bool:
        """Tell whether every parameter has the gradient, and both the memory, that this object found."""
        return (
            all(map(is_, map(_GRAD, self.parameters), self.gradients))
            and list(map(Tensor.data_ptr, self._tensors)) == self.addresses
            and all(map(Tensor.is_contiguous, self.parameters))
        )

    def take_back_gradients(self) -> None:
        """Copy each gradient that was replaced by another of its kind into the old one, and put that back."""
        for parameter, grad in zip(self.parameters, self.gradients, strict=True):
            new = gradient(parameter)
            if new is not grad and (new.dtype, new.device, new.shape) == (grad.dtype, grad.device, grad.shape):
                grad.copy_(new)
                parameter.grad = grad

    def shaped(self) -> Self:
        """Give ``param`` and ``grad`` the shape of the only parameter, for a rule that looks at more than elements."""
        (parameter,) = self.parameters
        self.param, self.grad = self.param.view_as(parameter), self.grad.view_as(parameter)
        return self

    def split(self, flat: Tensor) -> list[Tensor]:
        """Return ``flat`` (of the shape of ``param``) in pieces shaped as the parameters."""
        if len(self.parameters) == 1:
            return [flat.view_as(self.parameters[0])]
        pieces = flat.split([parameter.numel() for parameter in self.parameters])
        return [piece.view_as(parameter) for piece, parameter in zip(pieces, self.parameters, strict=True)]


def flatten(parameters: Sequence[Tensor]) -> list[Flat]:
    """Lay ``parameters`` side by side, one :class:`Flat` for each dtype and device.

    Those that already lie side by side, because an earlier call put them there, are
    used where they are: two optimizers may share a model, or halve it between them.

    >>> from corenet.contracts.parameter import Parameter
    >>> a, b = Parameter(torch.ones(2)), Parameter(torch.zeros(2, 2))
    >>> (flat,) = flatten([a, b])
    >>> flat.param
    tensor([1., 1., 0., 0., 0., 0.])
    >>> a.add_(1) is a and flat.param[0].item() == 2
    True
    """

    def kind(parameter: Tensor) -> tuple[str, str]:
        return str(parameter.dtype), str(parameter.device)

    flats: list[Flat] = []
    for _, same in groupby(sorted(parameters, key=kind), kind):
        group = list(same)
        if len(group) > 1 or not _contiguous(group[0]):
            _lay_out([parameter for parameter in group if _stands_alone(parameter) or not _contiguous(parameter)])
        flats.extend(Flat(run) for run in _runs(group))
    return flats


def _stands_alone(parameter: Tensor) -> bool:
    """Tell whether the parameter or its gradient has a memory all of its own."""
    return any(
        tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
        for tensor in (parameter, gradient(parameter))
    )


def _contiguous(parameter: Tensor) -> bool:
    return parameter.is_contiguous() and gradient(parameter).is_contiguous()


def _lay_out(parameters: list[Tensor]) -> None:
    if not parameters:
        return
    for tensors in (parameters, [gradient(parameter) for parameter in parameters]):
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        pieces = flat.split([tensor.numel() for tensor in tensors])
        for tensor, piece in zip(tensors, pieces, strict=True):
            tensor.data = piece.view_as(tensor)


def _runs(parameters: list[Tensor]) -> list[list[Tensor]]:
    """Cut ``parameters`` wherever one does not lie right behind the one before it."""
    runs: list[list[Tensor]] = []
    for parameter in parameters:
        if runs and _adjacent(runs[-1][-1], parameter) and _adjacent(gradient(runs[-1][-1]), gradient(parameter)):
            runs[-1].append(parameter)
        else:
            runs.append([parameter])
    return runs


def _adjacent(left: Tensor, right: Tensor) -> bool:
    same_memory = left.untyped_storage().data_ptr() == right.untyped_storage().data_ptr()
    return same_memory and left.storage_offset() + left.numel() == right.storage_offset()


def _spanning(tensors: Sequence[Tensor]) -> Tensor:
    length = sum(tensor.numel() for tensor in tensors)
    return tensors[0].detach().as_strided((length,), (1,), tensors[0].storage_offset())
