"""Optimizers for corenet, with PyTorch's signatures and numbers, and averages of weights.

Names are resolved when first used, so that listing the components imports no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corenet_optim.averages import EMA as EMA
    from corenet_optim.averages import SWA as SWA
    from corenet_optim.layerwise import LAMB as LAMB
    from corenet_optim.layerwise import LARS as LARS
    from corenet_optim.lion import Lion as Lion
    from corenet_optim.moments import Adamax as Adamax
    from corenet_optim.moments import NAdam as NAdam
    from corenet_optim.moments import RAdam as RAdam
    from corenet_optim.muon import Muon as Muon
    from corenet_optim.squares import Adadelta as Adadelta
    from corenet_optim.squares import Adagrad as Adagrad
    from corenet_optim.squares import RMSprop as RMSprop

_HOMES = {
    "averages": ("EMA", "SWA"),
    "layerwise": ("LAMB", "LARS"),
    "lion": ("Lion",),
    "moments": ("Adamax", "NAdam", "RAdam"),
    "muon": ("Muon",),
    "squares": ("Adadelta", "Adagrad", "RMSprop"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOME_OF)
