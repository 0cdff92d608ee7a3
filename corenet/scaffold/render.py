"""The files of a new plugin: rendered from the template, and written all or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

from corenet.errors import OutputError

TEMPLATE = Path(__file__).parent / "template"


def render(names: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each file of the plugin, by its path: the template with ``names`` put in."""
    files = {}
    for root in (TEMPLATE / "any", TEMPLATE / names["kind"]):
        for path in sorted(root.rglob("*.tmpl")):
            place = path.relative_to(root).as_posix().removesuffix(".tmpl")
            files[Template(place).substitute(names)] = Template(path.read_text(encoding="utf-8")).substitute(names)
    return files


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write ``files`` into ``folder``, which is new or empty, all of them or none.

    Raises:
        OutputError: it has something in it, or cannot be written.
    """
    if _is_taken(folder):
        raise OutputError(f"{folder} is not empty; choose another folder with --out")
    try:
        with _scratch(folder) as scratch:
            for place, text in files.items():
                path = scratch / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text.encode())
            for path in scratch.iterdir():
                path.rename(folder / path.name)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}; choose another folder with --out") from error


def _is_taken(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:  # missing, not a folder, or not readable: writing will say which
        return False


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Yield a folder in ``folder`` for files until all are written; neither is left behind by a failure."""
    is_new = not folder.exists()
    folder.mkdir(exist_ok=True)
    try:
        with TemporaryDirectory(dir=folder) as scratch:
            yield Path(scratch)
    finally:
        if is_new:
            with suppress(OSError):  # it is not empty, so it stays
                folder.rmdir()
