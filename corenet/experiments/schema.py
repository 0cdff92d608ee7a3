"""The format of an experiment file, and reading it.

A file has a ``title``, a ``source``, ``notes`` on what the source leaves open, the
errors ``[reported]``, the ``[recipe]`` as reported, and under ``[better]`` the entries
of the recipe that corenet changes to reach those errors, with ``why``::

    [recipe]
    modules = [["linear", 2, 25], ["relu"], ["linear", 25, 1]]   # name, then arguments
    loss = "mse"
    targets = "unit"            # 0 and 1; "sign": −1 and 1; "one_hot": a column for each class
    normalized = false          # per feature, by the training data
    epochs = 200
    batch_size = 100
    optimizer = { name = "sgd", lr = 0.1 }

Components are named as in the registry, so a file may use a plugin's layer.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from corenet.errors import ConfigError, OutputError, UnknownComponentError, did_you_mean

TARGETS = ("unit", "sign", "one_hot")
FIGURES = ("train_error", "test_error")
TEXTS = {"title", "source", "notes"}
TABLES = {"reported", "recipe", "better"}


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a training, apart from the seed."""

    modules: list[list[Any]]
    loss: str
    targets: str
    normalized: bool
    epochs: int
    batch_size: int
    optimizer: Mapping[str, Any]


@dataclass(frozen=True)
class Experiment:
    """An experiment of a student project: the reported errors, the recipe, and a better one where needed.

    ``reported`` has ``train_error`` and ``test_error``, fractions in [0, 1], where the report states them.
    """

    id: str
    title: str
    source: str
    notes: str
    reported: Mapping[str, float]
    recipe: Recipe
    better: Recipe
    why: str

    @property
    def recipes(self) -> dict[str, Recipe]:
        """The recipes by name: ``reported`` and ``better``."""
        return {"reported": self.recipe, "better": self.better}


def experiments() -> list[Experiment]:
    """Return every experiment that corenet ships, ordered by id.

    >>> [each.id for each in experiments()]
    ['000', '001a', '001b', '002', '003a', '003b', '004', '004b']
    """
    return [_read(path) for path in _shipped()]


def experiment(name: str) -> Experiment:
    """Return an experiment by its id, or read one from a path that ends in ``.toml``.

    Raises:
        UnknownComponentError: no experiment has that id.
        OutputError: the file cannot be read.
        ConfigError: the file does not describe an experiment.

    >>> experiment("003a").reported
    {'train_error': 0.032, 'test_error': 0.042}
    """
    if name.endswith(".toml"):
        return _read(Path(name))
    found = {path.stem: path for path in _shipped()}
    if name not in found:
        raise UnknownComponentError(
            f"there is no experiment {name!r}{did_you_mean(name, found)}; "
            f"there are {', '.join(found)}, or give a .toml file",
            name=name,
        )
    return _read(found[name])


def parse(name: str, text: str) -> Experiment:
    """Return the experiment that ``text`` describes.

    Raises:
        ConfigError: it is not TOML, or an entry is missing, unknown or of the wrong type.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"experiment {name}: not a TOML file: {error}") from error
    _expect_keys(name, data, TEXTS | TABLES, {"title", "recipe"})
    for key, value in data.items():
        if not isinstance(value, dict if key in TABLES else str):
            wanted = "a table" if key in TABLES else "a string"
            raise ConfigError(f"experiment {name}: {key} must be {wanted}, not {value!r}", name=key, value=value)
    better = dict(data.get("better", {}))
    why = better.pop("why", "")
    recipe = _recipe(name, data["recipe"])
    _expect_keys(name, better, {field.name for field in fields(Recipe)}, set())
    return Experiment(
        id=name,
        title=data["title"],
        source=data.get("source", ""),
        notes=data.get("notes", ""),
        reported=_reported(name, data.get("reported", {})),
        recipe=recipe,
        better=_checked(name, replace(recipe, **better)),
        why=why,
    )


def _recipe(name: str, data: Mapping[str, Any]) -> Recipe:
    names = {field.name for field in fields(Recipe)}
    _expect_keys(name, data, names, names)
    return _checked(name, Recipe(**data))


def _checked(name: str, recipe: Recipe) -> Recipe:
    def expect(entry: str, fits: bool, wanted: str) -> None:
        if not fits:
            raise ConfigError(
                f"experiment {name}: {entry} must be {wanted}, not {getattr(recipe, entry)!r}", name=entry
            )

    modules = recipe.modules
    expect("modules", isinstance(modules, list) and all(map(_is_call, modules)), "a list of [name, arguments...]")
    expect("loss", isinstance(recipe.loss, str), "the name of a loss")
    expect("targets", recipe.targets in TARGETS, f"one of {', '.join(TARGETS)}")
    expect("normalized", isinstance(recipe.normalized, bool), "true or false")
    named = isinstance(recipe.optimizer, dict) and isinstance(recipe.optimizer.get("name"), str)
    expect("optimizer", named, "a table with a name")
    for entry in ("epochs", "batch_size"):
        value = getattr(recipe, entry)
        expect(entry, type(value) is int and value >= 1, "an integer ≥ 1")
    return recipe


def _is_call(entry: object) -> bool:
    return isinstance(entry, list) and bool(entry) and isinstance(entry[0], str)


def _reported(name: str, data: Mapping[str, Any]) -> dict[str, float]:
    _expect_keys(name, data, set(FIGURES), set())
    for figure, value in data.items():
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise ConfigError(f"experiment {name}: {figure} must be a fraction in [0, 1], not {value!r}", name=figure)
    return {figure: float(value) for figure, value in data.items()}


def _expect_keys(name: str, data: Mapping[str, Any], known: set[str], needed: set[str]) -> None:
    for key in data:
        if key not in known:
            raise ConfigError(f"experiment {name}: unknown entry {key!r}{did_you_mean(key, known)}", name=key)
    missing = sorted(needed - data.keys())
    if missing:
        raise ConfigError(f"experiment {name}: {', '.join(missing)} missing", name=missing[0])


def _shipped() -> list[Path]:
    folder = Path(str(files("corenet.experiments")))
    return sorted(folder.glob("*.toml"))


def _read(path: Path) -> Experiment:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"cannot read {path}: {error}") from error
    return parse(path.stem, text)
