"""corenet: a deep-learning framework in which every gradient is written by hand, verified, and pluggable.

Names are resolved when first used, so ``import corenet`` imports no torch.
"""

from __future__ import annotations

import gc
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from corenet import data as data
    from corenet import testing as testing
    from corenet.builtin import *  # noqa: F403
    from corenet.checkpoint.loading import load as load
    from corenet.checkpoint.loading import load_state as load_state
    from corenet.checkpoint.saving import save as save
    from corenet.contracts.callback import Callback as Callback
    from corenet.contracts.case import Case as Case
    from corenet.contracts.elementwise_loss import ElementwiseLoss as ElementwiseLoss
    from corenet.contracts.initializer import Initializer as Initializer
    from corenet.contracts.loss import Loss as Loss
    from corenet.contracts.metric import Metric as Metric
    from corenet.contracts.module import Module as Module
    from corenet.contracts.optimizer import Optimizer as Optimizer
    from corenet.contracts.parameter import Buffer as Buffer
    from corenet.contracts.parameter import Parameter as Parameter
    from corenet.contracts.schedule import Schedule as Schedule
    from corenet.contracts.sequential import Sequential as Sequential
    from corenet.errors import *  # noqa: F403
    from corenet.history import History as History
    from corenet.interrupted import Interrupted as Interrupted
    from corenet.registry.registry import components as components
    from corenet.registry.registry import get as get
    from corenet.report.trace.looking import trace as trace
    from corenet.streamed_data import StreamedDataset as StreamedDataset
    from corenet.tables.streaming.table import stream_table as stream_table
    from corenet.tables.table import table as table
    from corenet.testing.gradcheck.gradcheck import gradcheck as gradcheck
    from corenet.training.compile_step import compile_step as compile_step
    from corenet.training.fit import fit as fit
    from corenet.training.lr_find import LRFind as LRFind
    from corenet.training.lr_find import lr_find as lr_find
    from corenet.training.measure import measure as measure
    from corenet.training.metrics import accuracy as accuracy
    from corenet.training.metrics import error_rate as error_rate
    from corenet.training.metrics import predict as predict
    from corenet.training.rounds import fit_rounds as fit_rounds
    from corenet.training.step import train_step as train_step

_HOMES = {
    "corenet.checkpoint.loading": ("load", "load_state"),
    "corenet.checkpoint.saving": ("save",),
    "corenet.contracts.callback": ("Callback",),
    "corenet.contracts.case": ("Case",),
    "corenet.contracts.elementwise_loss": ("ElementwiseLoss",),
    "corenet.contracts.initializer": ("Initializer",),
    "corenet.contracts.loss": ("Loss",),
    "corenet.contracts.metric": ("Metric",),
    "corenet.contracts.module": ("Module",),
    "corenet.contracts.optimizer": ("Optimizer",),
    "corenet.contracts.parameter": ("Buffer", "Parameter"),
    "corenet.contracts.schedule": ("Schedule",),
    "corenet.contracts.sequential": ("Sequential",),
    "corenet.history": ("History",),
    "corenet.interrupted": ("Interrupted",),
    "corenet.registry.registry": ("components", "get"),
    "corenet.report.trace.looking": ("trace",),
    "corenet.streamed_data": ("StreamedDataset",),
    "corenet.tables.streaming.table": ("stream_table",),
    "corenet.tables.table": ("table",),
    "corenet.testing.gradcheck.gradcheck": ("gradcheck",),
    "corenet.training.compile_step": ("compile_step",),
    "corenet.training.fit": ("fit",),
    "corenet.training.lr_find": ("LRFind", "lr_find"),
    "corenet.training.measure": ("measure",),
    "corenet.training.metrics": ("accuracy", "error_rate", "predict"),
    "corenet.training.rounds": ("fit_rounds",),
    "corenet.training.step": ("train_step",),
}
_MODULES = ("data", "testing")
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    # What is imported stays. To look through all of torch for what does not takes as long as the imports.
    collects = gc.isenabled()
    gc.disable()
    try:
        return _found(name)
    finally:
        if collects:
            gc.enable()


def _found(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"corenet.{name}")
    if name in _HOME_OF:
        found = getattr(import_module(_HOME_OF[name]), name)
    elif name.endswith(("Error", "Warning")):
        found = getattr(import_module("corenet.errors"), name)
    else:
        # The core knows no component by name: cn.Linear is whatever the built-in plugin registers.
        from corenet.registry.registry import builtin_classes

        if name not in builtin_classes():
            raise AttributeError(f"module 'corenet' has no attribute {name!r}{_where_else(name)}")
        found = builtin_classes()[name]()
    globals()[name] = found
    return found


def _where_else(name: str) -> str:
    """Return where to get a name that is missing; tools that look for ``__names__`` are not told."""
    if name.startswith("_"):
        return ""
    from corenet.registry.missing_name import where_else

    return where_else(name, __dir__())


def __dir__() -> list[str]:
    from corenet.errors import __all__ as errors
    from corenet.registry.registry import builtin_classes

    return sorted([*_HOME_OF, *_MODULES, *errors, *builtin_classes(), "__version__"])
