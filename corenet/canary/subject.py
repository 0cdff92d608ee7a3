"""What a canary tries: a folder, an installed distribution, or a requirement for pip."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from corenet.errors import ConfigError
from corenet.registry.distributions import BUILTIN, plugin_distributions
from corenet.registry.sanitize import canonical

PROJECT = "pyproject.toml"
_NAMED = re.compile(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:[\[<>=!~;@(].*)?", re.ASCII)


@dataclass(frozen=True)
class Subject:
    """A distribution and what pip is to install for it, None where it is at hand."""

    name: str
    source: str | None


def subject_of(text: str) -> Subject:
    """Return what ``text`` names: a folder with a pyproject.toml, an installed plugin, or a requirement.

    Raises:
        ConfigError: it is none of these.

    >>> subject_of("corenet-conv>=0.1")
    Subject(name='corenet-conv', source='corenet-conv>=0.1')
    """
    if _is_folder(text):
        return Subject(_name_in(Path(text)), str(Path(text).absolute()))
    if Path(text).is_file() or "/" in text or not (named := _NAMED.fullmatch(text)):
        raise ConfigError(f"{text!r} is no folder of a plugin, no installed plugin and no requirement for pip")
    name = canonical(named[1])
    if name == BUILTIN:
        raise ConfigError("corenet itself is checked by corenet check corenet; give plugins")
    is_installed = name == canonical(text) and any(each.name == name for each in plugin_distributions())
    return Subject(name, None if is_installed else text)


def _is_folder(text: str) -> bool:
    """Tell whether a folder is meant, not a distribution that happens to be called as one beside it."""
    return bool(text) and Path(text).is_dir() and ("/" in text or os.sep in text or Path(text, PROJECT).exists())


def _name_in(folder: Path) -> str:
    try:
        project = tomllib.loads((folder / PROJECT).read_text(encoding="utf-8"))["project"]
        return canonical(project["name"])
    except FileNotFoundError as error:
        raise ConfigError(f"{folder} has no {PROJECT}, so it is no plugin that pip can install") from error
    except (tomllib.TOMLDecodeError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{folder / 'pyproject.toml'} does not say the name of a project: {error}") from error


def oldest(requirements: list[str]) -> str | None:
    """Return the lowest corenet that requirements admit, as they write it, or None if they name none.

    >>> oldest(["torch", "corenet>=0.2,<1"]), oldest(["corenet"])
    ('0.2', None)
    """
    for each in requirements:
        wanted = re.match(r"\s*corenet(?![\w.-])\s*\(?\s*([^;)]*)", each, re.IGNORECASE)
        bounds = re.findall(r"(?:>=|==|~=)\s*([0-9][0-9.]*[0-9]|[0-9])", wanted[1]) if wanted else []
        if bounds:
            return str(bounds[0])
    return None
