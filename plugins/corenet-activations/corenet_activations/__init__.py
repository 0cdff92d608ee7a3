"""Activations for corenet: each function beside its derivative, with PyTorch's signatures and numbers.

Names are resolved when first used, so that listing the components imports no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corenet_activations.exponential import ELU as ELU
    from corenet_activations.exponential import SELU as SELU
    from corenet_activations.gated import GELU as GELU
    from corenet_activations.gated import Hardswish as Hardswish
    from corenet_activations.gated import Mish as Mish
    from corenet_activations.gated import SiLU as SiLU
    from corenet_activations.halves import GLU as GLU
    from corenet_activations.piecewise import Hardtanh as Hardtanh
    from corenet_activations.piecewise import LeakyReLU as LeakyReLU
    from corenet_activations.piecewise import PReLU as PReLU
    from corenet_activations.saturating import Softplus as Softplus
    from corenet_activations.saturating import Softsign as Softsign

_HOMES = {
    "exponential": ("ELU", "SELU"),
    "gated": ("GELU", "Hardswish", "Mish", "SiLU"),
    "halves": ("GLU",),
    "piecewise": ("Hardtanh", "LeakyReLU", "PReLU"),
    "saturating": ("Softplus", "Softsign"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOME_OF)
