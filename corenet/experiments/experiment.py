"""An experiment: what its file says, with what it leaves out, and where those that ship are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from corenet.errors import BrokenComponentError, OutputError, UnknownComponentError
from corenet.experiments.changing import changed, settings
from corenet.experiments.earlier import from_earlier
from corenet.experiments.reading import Path as EntryPath
from corenet.experiments.reading import Where, checked, read, refuse_unknown
from corenet.experiments.schema import BETTER, RECIPE, TOLD, WHY
from corenet.registry.registry import builtins, registry
from corenet.registry.spec import EXPERIMENT
from corenet.registry.spec import Component as Row

Component = Mapping[str, Any]  # a table with the name of a component, and the arguments of its constructor


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a training: see :mod:`corenet.experiments.schema`.

    ``data`` and ``network`` have the entries of one form, such as ``hidden`` and what may stand beside it.
    """

    data: Mapping[str, Any]
    network: Mapping[str, Any]
    loss: Component | None
    optimizer: Component
    schedule: Component | None
    callbacks: tuple[Component, ...] | None
    metrics: tuple[str, ...] | None
    epochs: int
    batch_size: int
    rounds: int
    seed: int
    device: str
    engine: str
    exchange_every: int

    def to_dict(self) -> dict[str, Any]:
        """Return the entries, as an experiment file has them; those that are not given are left out.

        >>> experiment("003a").recipe.to_dict()["optimizer"]
        {'name': 'sgd', 'lr': 0.1}
        """
        return {name: _plain(value) for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Experiment:
    """An experiment: what is trained on what, and what came of it where it was reported.

    ``reported`` has figures such as ``test_error``, ``recipe`` what reached them, ``better`` what reaches them here,
    and ``why`` it differs. Files that it names lie in ``folder``. One that a plugin announces has its name there as
    ``id``, with the ``distribution`` before it where another has the same; one read from a path has no distribution.
    """

    id: str
    title: str
    source: str
    notes: str
    reported: Mapping[str, float]
    recipe: Recipe
    better: Recipe
    why: str
    folder: Path
    distribution: str = ""

    @property
    def recipes(self) -> dict[str, Recipe]:
        """The recipes by name: ``reported`` and ``better``."""
        return {"reported": self.recipe, "better": self.better}


def experiments() -> list[Experiment]:
    """Return every experiment that corenet and the plugins announce, corenet's first.

    One that cannot be read is left out: ``corenet reproduce`` and ``corenet doctor`` say so.

    >>> [each.id for each in experiments() if each.distribution == "corenet"][:8]
    ['000', '001a', '001b', '002', '003a', '003b', '004', '004b']
    """
    known, found = registry(), list[Any]()
    for row in known.experiments():
        with suppress(BrokenComponentError):
            found.append(known.get(EXPERIMENT, row.qualified_name))
    return found


def experiment(name: str, changes: Iterable[str] = ()) -> Experiment:
    """Return an experiment by its name, plain or qualified by its plugin, or read one from a path ending in ``.toml``.

    ``changes`` such as ``"optimizer.lr=0.01"`` are made in both recipes.

    Raises:
        UnknownComponentError: no experiment has that name.
        AmbiguousComponentError: several plugins have one of that name.
        BrokenComponentError: its plugin announces it wrongly.
        OutputError: the file cannot be read.
        ConfigError: the file does not describe an experiment; the message names file, line and entry.

    >>> experiment("003a").reported
    {'train_error': 0.032, 'test_error': 0.042}
    >>> experiment("003a", ["optimizer.lr=0.5"]).recipe.optimizer
    {'name': 'sgd', 'lr': 0.5}
    """
    if name.endswith(".toml"):
        return _read(Path(name), changes)
    with suppress(UnknownComponentError):  # no plugin can have the name of a built-in one, so none is looked at
        return announced(builtins().find(EXPERIMENT, name), changes)
    return announced(registry().find(EXPERIMENT, name), changes)


def announced(row: Row, changes: Iterable[str] = ()) -> Experiment:
    """Return the experiment of a row of the registry, read from its package, of which nothing is imported.

    Raises:
        BrokenComponentError: the row is broken.
        OutputError, ConfigError: the file cannot be read, or does not describe an experiment.
    """
    if row.status == "broken":
        raise BrokenComponentError(f"experiment {row.qualified_name} is broken: {row.reason}")
    shared = row.status in ("shadowed", "ambiguous")
    found = _read(_file_of(row.target), changes)
    return replace(found, id=row.qualified_name if shared else row.name, distribution=row.distribution)


def _file_of(target: str) -> Path:
    """Return where ``"package.folder:file.toml"`` lies."""
    package, _, file = target.partition(":")
    top, *folders = package.split(".")
    spec = find_spec(top)  # which imports a package only to find what is inside it
    if spec is None or not spec.submodule_search_locations:
        raise OutputError(f"cannot read {target}: there is no package {top}")
    return Path(spec.submodule_search_locations[0], *folders, file)


def of_table(source: str, changes: Iterable[str] = ()) -> Experiment:
    """Return the experiment that a table makes by itself: its file, or the name of a set.

    Raises:
        ConfigError: one of the ``changes`` is wrong.

    >>> of_table("iris", ["epochs=3"]).recipe.epochs
    3
    """
    path = Path(source)
    name = re.sub(r"[*?\[\]]", "", path.stem).strip("-_. ") or path.parent.name  # a pattern such as shards/*.csv
    return made({"data": {"source": source}}, Path(f"{name}.toml"), lambda _: source, settings(changes))


def parse(path: Path, text: str, changes: Iterable[str] = ()) -> Experiment:
    """Return the experiment that ``text``, that of the file ``path``, describes.

    Raises:
        ConfigError: it is not TOML, or an entry is missing, unknown or of the wrong kind.
    """
    data, lines = read(str(path), text)
    return made(from_earlier(data) if "recipe" in data else data, path, lines, settings(changes))


def made(entries: Mapping[str, Any], path: Path, lines: Where, changes: Mapping[str, Any]) -> Experiment:
    """Return the experiment of these entries, once ``changes`` are made in both recipes.

    Raises:
        ConfigError: an entry is missing, unknown or of the wrong kind.
    """
    refuse_unknown(entries, [*TOLD, *RECIPE, *BETTER], lines)
    told = checked(_of(entries, {**TOLD, **BETTER}), {**TOLD, **BETTER}, lines)
    better = told.pop("better")
    refuse_unknown(better, [*WHY, *RECIPE], lines, ("better",))
    why = checked(_of(better, WHY), WHY, lines, ("better",))
    first, second = _of(entries, RECIPE), changed(_of(entries, RECIPE), _of(better, RECIPE))
    refuse_unknown(changes, RECIPE, lambda _: "--set")

    def where(entry: EntryPath) -> str:
        return "--set" if entry and _is_in(changes, entry) else lines(entry)

    def where_better(entry: EntryPath) -> str:
        return (
            lines(("better", *entry))
            if entry and _is_in(better, entry) and not _is_in(changes, entry)
            else where(entry)
        )

    return Experiment(
        id=path.stem,
        recipe=_recipe(changed(first, changes), where),
        better=_recipe(changed(second, changes), where_better),
        folder=path.parent,
        **told,
        **why,
    )


def _of(entries: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: entries[name] for name in names if name in entries}


def _is_in(tables: Any, entry: EntryPath) -> bool:
    """Tell whether nested tables say something of an entry, or of a part of it."""
    return not entry or not isinstance(tables, dict) or (entry[0] in tables and _is_in(tables[entry[0]], entry[1:]))


def _recipe(entries: Mapping[str, Any], where: Where) -> Recipe:
    found = checked(entries, RECIPE, where)
    for name in ("loss", "optimizer", "schedule"):
        found[name] = None if found[name] is None else _component(found[name])
    if found["callbacks"] is not None:
        found["callbacks"] = tuple(map(_component, found["callbacks"]))
    if found["metrics"] is not None:
        found["metrics"] = tuple(found["metrics"])
    return Recipe(**found)


def _component(value: str | dict[str, Any]) -> Component:
    return {"name": value} if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    """Return a value as TOML has it, without what is not given."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _read(path: Path, changes: Iterable[str] = ()) -> Experiment:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"cannot read {path}: {error}") from error
    return parse(path, text, changes)
