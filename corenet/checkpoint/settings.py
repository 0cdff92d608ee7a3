"""With what the modules of a file were made, compared with those that its numbers are read into."""

from __future__ import annotations

import warnings
from contextlib import suppress
from json import dumps
from pathlib import Path
from typing import Any

from torch import Tensor

from corenet.checkpoint.arguments import PLACEMENT, NotKeptError, kept_arguments
from corenet.checkpoint.description import Describer
from corenet.contracts.module import Module
from corenet.errors import CheckpointWarning

SHOWN = 3  # settings that a warning names
LONGEST = 200  # letters of a setting that is recorded: a vocabulary is none
Settings = dict[str, dict[str, Any]]


def settings_of(model: Module) -> Settings:
    """Return the settings of each module by its path, as JSON holds them, but those that only say how weights began.

    A setting is a constructor's argument that is kept, and is no tensor and no component.

    >>> import corenet as cn
    >>> settings_of(cn.Sequential(cn.Linear(2, 1), cn.Dropout(0.3)))
    {'0': {'in_features': 2, 'out_features': 1, 'bias': True}, '1': {'p': 0.3}}
    """
    found = {place: _of(module) for place, module in model.named_modules()}
    return {place: settings for place, settings in found.items() if settings}


def warn_of_other_settings(path: Path, theirs: Settings, model: Module) -> None:
    """Warn if modules were saved with other settings: their numbers are the same, what they compute may not be."""
    ours = settings_of(model)
    names = {place: type(module).__name__ for place, module in model.named_modules()}
    others = [
        f"{place or 'the whole'}, {names[place]}, has {name}={_shown(there)} there and {_shown(here)} here"
        for place, settings in ours.items()
        for name, here in settings.items()
        if (there := theirs.get(place, {}).get(name, here)) != here
    ]
    if others:
        more = f"; and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        warnings.warn(
            f"{path} was saved with other settings: {'; '.join(others[:SHOWN])}{more}; those here stay: if that is not "
            "meant, make the model with those of the file",
            CheckpointWarning,
            stacklevel=4,
        )


def _of(module: Module) -> dict[str, Any]:
    describer, found = Describer(_no_component), {}
    for name, value in kept_arguments(module).items():
        if name not in PLACEMENT and not _is_of_weights(name) and not isinstance(value, Tensor):
            with suppress(NotKeptError):
                found[name] = describer.value(value, name)
    return {name: value for name, value in found.items() if len(dumps(value)) <= LONGEST}


def _shown(value: Any) -> str:
    """Return a setting in a few letters; what JSON does not have is a table of one entry."""
    return f"{next(iter(value.values()), value) if isinstance(value, dict) else value!r:.40}"


def _no_component(_: type) -> None:
    return None


def _is_of_weights(name: str) -> bool:
    """Tell whether an argument says how weights begin, by its name."""
    return "init" in name.split("_")
