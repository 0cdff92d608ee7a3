"""Parameters drawn away from the ones and zeros they start as, under which a forgotten factor or term is invisible."""

from __future__ import annotations

import torch

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module

FACTORS = ((1.1, 1.6), (0.6, 0.9))
OFFSETS = (0.1, 0.3)


def draw_parameters(subject: Module | Loss, factors: tuple[float, float], seed: int) -> None:
    """Multiply every element of a parameter by a number between ``factors``; replace a 0 by a small number.

    Signs are kept, as a width or a temperature must stay positive. A 0 becomes ± 0.1 to 0.3 times the root
    mean square of the tensor, or of 1 where all of it is 0, as a bias often is.

    >>> import corenet as cn
    >>> layer = cn.Linear(2, 2)
    >>> draw_parameters(layer, (1.1, 1.6), seed=0)
    >>> bool(layer.bias.all())
    True
    """
    generator = torch.Generator().manual_seed(seed)
    for _, parameter in subject.named_parameters():
        if parameter.is_floating_point() and parameter.numel():
            factor, offset, sign = torch.rand(3, *parameter.shape, generator=generator, dtype=parameter.dtype).unbind()
            size = parameter.square().mean().sqrt().item() or 1.0
            moved = size * _between(OFFSETS, offset) * torch.where(sign < 0.5, -1.0, 1.0)
            parameter.copy_(torch.where(parameter == 0, moved, parameter * _between(factors, factor)))


def _between(bounds: tuple[float, float], uniform: torch.Tensor) -> torch.Tensor:
    low, high = bounds
    return low + (high - low) * uniform
