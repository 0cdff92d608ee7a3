"""Fake distributions, as pip would leave them on the path."""

from __future__ import annotations

import importlib
import sys

import pytest

from corenet.registry.discovery import discover
from corenet.registry.registry import Registry

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\nSummary: What {name} is\nAuthor: A. Stranger\n"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder in front of the path. What is imported from it is forgotten after the test."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def install(site):
    """Install a distribution: ``install("corenet-x", {"corenet.modules": "x = x:X"}, x="its code")``."""

    def write(name, groups, metadata=METADATA, folder=site, **modules):
        info = folder / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir(parents=True)
        if metadata is not None:
            content = metadata.format(name=name) if isinstance(metadata, str) else metadata
            (info / "METADATA").write_bytes(content.encode() if isinstance(content, str) else content)
        sections = "\n".join(f"[{group}]\n{lines}\n" for group, lines in groups.items())
        (info / "entry_points.txt").write_text(sections, encoding="utf-8")
        for module, code in modules.items():
            (folder / f"{module}.py").write_text(code, encoding="utf-8")
        importlib.invalidate_caches()
        return info

    return write


@pytest.fixture
def made(install):
    """Return a registry of the built-ins and of the distributions installed by this test."""

    def make():
        ours = {"corenet", "corenet-a", "corenet-b", "corenet-x"}
        return Registry([plugin for plugin in discover() if plugin.distribution in ours])

    return make
