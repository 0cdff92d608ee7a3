"""The hooks of corenet: what a plugin may offer.

A hook module must not import torch: listing components calls hooks, and looking is free.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from corenet.registry.spec import ComponentSpec, ExperimentSpec

PROJECT = "corenet"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def corenet_modules() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Return the modules that this plugin offers: layers, activations, containers."""


@hookspec
def corenet_losses() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Return the losses that this plugin offers."""


@hookspec
def corenet_optimizers() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Return the optimizers that this plugin offers."""


@hookspec
def corenet_schedules() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Return the schedules of the learning rate that this plugin offers."""


@hookspec
def corenet_metrics() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Return the metrics that this plugin offers."""


@hookspec
def corenet_callbacks() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Return the callbacks of a training that this plugin offers."""


@hookspec
def corenet_initializers() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Return the initializers of weights that this plugin offers."""


@hookspec
def corenet_experiments() -> Iterable[ExperimentSpec]:  # type: ignore[empty-body]
    """Return the experiments that this plugin offers: what ``corenet reproduce`` lists and runs."""
