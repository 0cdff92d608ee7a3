"""The submissions of a class, as they lie in a folder: a file of each student, or a folder with one in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from corenet.errors import DataError

LARGEST = 2**20  # bytes; no layer of a textbook takes as many


@dataclass(frozen=True)
class Submission:
    """What a student handed in: the file at ``path``, or ``fault``, why it is none to grade."""

    student: str
    path: Path
    fault: str = ""

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.path.name


def submissions_in(folder: Path) -> list[Submission]:
    """Return the submissions in a folder, by the names of the students.

    A ``.py`` file in it is the submission of a student of its name; so is a folder, with the ``.py`` file in it. What
    is neither, and what begins with a dot or an underscore, is left alone.

    Raises:
        DataError: it is no folder, or there are none.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     written = [Path(name, each).write_text("") for each in ("bo.py", "alice.py", "notes.txt")]
    ...     [(each.student, each.file) for each in submissions_in(Path(name))]
    [('alice', 'alice.py'), ('bo', 'bo.py')]
    """
    try:
        entries = sorted(each for each in folder.iterdir() if not each.name.startswith((".", "_")))
    except OSError as error:
        raise DataError(f"no submissions in {folder}: {error.strerror}; give the folder that holds them") from error
    found = [each for each in entries if each.suffix == ".py" or each.is_dir()]
    if not found:
        raise DataError(f"no submissions in {folder}: a .py file of each student, or a folder with one, is expected")
    stems = Counter(_stem(each) for each in found)
    return [_of(each, _stem(each) if stems[_stem(each)] == 1 else each.name) for each in found]


def _stem(entry: Path) -> str:
    return entry.name if entry.is_dir() else entry.stem


def _of(entry: Path, student: str) -> Submission:
    if not entry.is_dir():
        return Submission(student, entry, _fault(entry))
    files = sorted(each for each in entry.glob("*.py") if not each.name.startswith((".", "_")))
    if len(files) == 1:
        return Submission(student, files[0], _fault(files[0]))
    names = ", ".join(each.name for each in files[:4])
    return Submission(student, entry, f"has {len(files)} .py files: {names}" if files else "has no .py file")


def _fault(file: Path) -> str:
    """Return why a file is not read, or nothing; a link might lead to what is no student's."""
    if file.is_symlink() or not file.is_file():
        return "is a link or no file"
    return f"has more than {LARGEST} bytes" if file.stat().st_size > LARGEST else ""
