"""Losses for corenet: each value beside its exact derivative, with PyTorch's signatures and numbers.

Names are resolved when first used, so that listing the components imports no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corenet_losses.classes import MultiMarginLoss as MultiMarginLoss
    from corenet_losses.classes import NLLLoss as NLLLoss
    from corenet_losses.divergence import KLDivLoss as KLDivLoss
    from corenet_losses.embeddings import CosineEmbeddingLoss as CosineEmbeddingLoss
    from corenet_losses.embeddings import TripletMarginLoss as TripletMarginLoss
    from corenet_losses.likelihoods import GaussianNLLLoss as GaussianNLLLoss
    from corenet_losses.likelihoods import PoissonNLLLoss as PoissonNLLLoss
    from corenet_losses.robust import HuberLoss as HuberLoss
    from corenet_losses.robust import SmoothL1Loss as SmoothL1Loss
    from corenet_losses.yes_or_no import FocalLoss as FocalLoss
    from corenet_losses.yes_or_no import HingeLoss as HingeLoss

_HOMES = {
    "classes": ("MultiMarginLoss", "NLLLoss"),
    "divergence": ("KLDivLoss",),
    "embeddings": ("CosineEmbeddingLoss", "TripletMarginLoss"),
    "likelihoods": ("GaussianNLLLoss", "PoissonNLLLoss"),
    "robust": ("HuberLoss", "SmoothL1Loss"),
    "yes_or_no": ("FocalLoss", "HingeLoss"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOME_OF)
