"""Reading an experiment file: every entry checked, with the line that is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from corenet.errors import ConfigError, did_you_mean
from corenet.experiments.schema import Entries, Entry

Path = tuple[str, ...]
Where = Callable[[Path], str]

_HEADER = re.compile(r"\s*\[+\s*([\w.\-\"' ]+?)\s*\]+\s*(#.*)?$")
_ENTRY = re.compile(r"\s*([\w.\-\"' ]+?)\s*=")


def read(name: str, text: str) -> tuple[dict[str, Any], Where]:
    """Return the tables of a TOML text, and what says where in it an entry stands.

    Raises:
        ConfigError: it is not TOML.
    """
    try:
        return tomllib.loads(text), Lines(name, text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not a TOML file: {error}") from error


class Lines:
    """Where the entries of a text stand: ``lines(("optimizer", "lr"))`` is ``mine.toml:12``.

    >>> Lines("mine.toml", "epochs = 3\\n[optimizer]\\nlr = 1")(("optimizer", "lr"))
    'mine.toml:3'
    """

    def __init__(self, name: str, text: str) -> None:
        self._name, self._lines = name, dict[Path, int]()
        table: Path = ()
        for number, line in enumerate(text.splitlines(), 1):
            if header := _HEADER.match(line):
                table = _path(header[1])
                self._lines.setdefault(table, number)
            elif entry := _ENTRY.match(line):
                self._lines.setdefault((*table, *_path(entry[1])), number)

    def __call__(self, path: Path) -> str:
        """Return file and line of an entry, or of the table that it is in."""
        known = (self._lines.get(path[:length]) for length in range(len(path), 0, -1))
        line = next((each for each in known if each), None)
        return self._name if line is None else f"{self._name}:{line}"


def _path(dotted: str) -> Path:
    return tuple(part.strip(" \"'") for part in dotted.split("."))


def checked(data: Mapping[str, Any], entries: Mapping[str, Entry], where: Where, path: Path = ()) -> dict[str, Any]:
    """Return a table with what it leaves out.

    Raises:
        ConfigError: an entry is unknown, missing or not of its kind.
    """
    refuse_unknown(data, entries, where, path)
    for name, entry in entries.items():
        if entry.is_needed and name not in data:
            raise _refused(where, path, f"{_dotted(path, name)} missing: {entry.meaning}")
    return {name: _value(data.get(name, entry.default), entry, where, (*path, name)) for name, entry in entries.items()}


def refuse_unknown(data: Iterable[str], known: Iterable[str], where: Where, path: Path = ()) -> None:
    """Refuse an entry that is not known, naming the nearest that is."""
    for name in data:
        if name not in known:
            text = f"unknown entry {_dotted(path, name)!r}{did_you_mean(name, known)}"
            raise _refused(where, (*path, name), text)


def _value(value: Any, entry: Entry, where: Where, path: Path) -> Any:
    if isinstance(entry.takes, Entries):
        return _table(value, entry.takes, where, path)
    if value is not None and not entry.takes.fits(value):
        raise _refused(where, path, f"{_dotted(path)} must be {entry.takes.wanted}, not {value!r:.80}")
    return value


def _table(value: Any, takes: Entries, where: Where, path: Path) -> dict[str, Any]:
    """Return a table of one form, the others absent."""
    value = as_table(value, takes)
    if not isinstance(value, dict):
        raise _refused(where, path, f"{_dotted(path)} must be a table, not {value!r:.80}")
    given = [form for form in takes.forms if form in value]
    if len(given) != 1:
        text = f"{_dotted(path)} needs one of {', '.join(takes.forms)}"
        if unknown := next((name for name in value if name not in takes.entries), None):
            text = f"unknown entry {_dotted(path, unknown)!r}{did_you_mean(unknown, takes.entries)}; {text}"
        raise _refused(where, path, f"{text}, and has {' and '.join(given) or 'none'}")
    form = given[0]
    for name in value:
        if name in takes.entries and name != form and name not in takes.forms[form]:
            raise _refused(where, (*path, name), f"{_dotted(path, name)} does not go with {_dotted(path, form)}")
    return checked(value, dict(takes.of(form)), where, path)


def as_table(value: Any, takes: Entries) -> Any:
    """Return the table that a string stands for; a table as it is."""
    return takes.short(value) if isinstance(value, str) else value


def _dotted(path: Path, *more: str) -> str:
    return ".".join((*path, *more))


def _refused(where: Where, path: Path, text: str) -> ConfigError:
    return ConfigError(f"{where(path)}: {text}", name=_dotted(path))
