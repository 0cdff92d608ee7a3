"""The conformance kit on one component, in this process or in another that the component may crash, end or hang."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import LifoQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from corenet.cli.component_file import FileComponent, class_of, is_file, is_of_module
from corenet.cli.file_function import FileFunction, checker_of, subjects_in
from corenet.errors import BrokenComponentError, ConfigError, CorenetError, UnavailableComponentError
from corenet.registry.collect import reason_of
from corenet.registry.doctor.child_process import describe_limit
from corenet.registry.doctor.worker import EndedError, Worker, serve
from corenet.registry.registry import registry
from corenet.registry.spec import Component, Kind

if TYPE_CHECKING:
    from corenet.testing.report import Report

MOST_AT_ONCE = 4  # each imports torch

CheckRow = dict[str, Any]
Subject = Component | FileComponent | FileFunction


def check(subject: Subject, seed: int, announce: Callable[[str], object] | None = None) -> tuple[CheckRow, list[str]]:
    """Return the result of checking a component, for JSON, and its failures as text.

    ``announce`` is called with the id of each check before it runs.
    What it raises is a failure of its check; a bug of corenet's own in one of its components is raised.
    """
    kind, name = subject.kind, subject.qualified_name
    assert kind != "plugin", "it is unusable"
    try:
        report = _reported(subject, seed, announce or str)
    except (BrokenComponentError, UnavailableComponentError):
        return unusable(registry().find(kind, name))
    except CorenetError as error:
        return _wrong(subject, str(error))
    failures = [str(each) for each in report.merged() if each.verdict == "failed"]
    return report.to_dict() | {"message": report.summary}, failures


def _reported(subject: Subject, seed: int, announce: Callable[[str], object]) -> Report:
    if isinstance(subject, FileFunction):
        checker, function = checker_of(subject)
        inputs = checker.read_inputs(subject.inputs, seed)
        return checker.check(function, inputs, name=subject.qualified_name, seed=seed, announce=announce)
    from corenet.testing import check_component

    kind, name = subject.kind, subject.qualified_name
    assert kind != "plugin", "it is unusable"
    cls = class_of(subject) if isinstance(subject, FileComponent) else registry().get(kind, name)
    return check_component(cls, kind, name=name, seed=seed, announce=announce)


def unusable(row: Component) -> tuple[CheckRow, list[str]]:
    """Return the same for a row that is broken, disabled or incompatible, without a check."""
    return _wrong(row, f"{row.status}: {row.reason}")


def _wrong(subject: Subject, message: str) -> tuple[CheckRow, list[str]]:
    return {"name": subject.qualified_name, "kind": subject.kind, "ok": False, "message": message, "checks": []}, []


class Place:
    """A process of its own for one component after another, and after one that ends it another process."""

    def __init__(self, running: Path) -> None:
        self.worker = Worker("corenet.cli.isolated_check")
        self._running = running  # the id of the check that runs, for when no answer comes

    def check(self, subject: Subject, seed: int, limit: float) -> tuple[CheckRow, list[str]]:
        """Return the result of checking a component, and its failures as text."""
        self._running.write_text("", encoding="utf-8")
        inputs = subject.inputs if isinstance(subject, FileFunction) else None
        request = ["check", subject.kind, subject.qualified_name, inputs, seed, str(self._running)]
        try:
            result, failures = self.worker.ask(request, limit)
        except EndedError as ended:
            running = self._running.read_text(encoding="utf-8")
            more = "; --timeout SECONDS gives it more" if str(ended) == describe_limit(limit) else ""
            return _wrong(subject, f"its check {ended}{f', in {running}' if running else ''}{more}")
        return result, failures


class IsolatedCheck:
    """Checks components in processes of their own, as many at once as there are processors.

    Each component may take ``limit`` seconds.
    """

    def __init__(self, seed: int, limit: float) -> None:
        self.seed, self.limit = seed, limit
        self._folder = TemporaryDirectory(prefix="corenet-check-")
        count = min(os.cpu_count() or 1, MOST_AT_ONCE)
        self._places = [Place(Path(self._folder.name) / f"running-{number}") for number in range(count)]
        self._free: LifoQueue[Place] = LifoQueue()  # the one that was used last has imported what it needs
        for each in self._places:
            self._free.put(each)
        self._pool = ThreadPoolExecutor(count)

    def __enter__(self) -> IsolatedCheck:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._stop()  # so that no thread waits for an answer
        self._pool.shutdown()
        self._stop()  # what a thread started meanwhile
        self._folder.cleanup()

    def subjects_of_file(self, target: str, inputs: str | None) -> list[FileComponent] | list[FileFunction]:
        """Return the components of ``FILE.py``, ``FILE.py:Name`` or ``module:Name``; with inputs, its functions.

        Raises:
            ConfigError: it cannot be imported, there are none, or the inputs cannot be read.
        """
        place = self._free.get()
        try:
            found, fault = place.worker.ask(["list", target, inputs], self.limit)
        except EndedError as ended:
            raise ConfigError(f"importing {target.partition('.py:')[0]} {ended}") from ended
        finally:
            self._free.put(place)
        if fault:
            raise ConfigError(fault)
        if inputs is not None:
            return [FileFunction(*each) for each in found]
        return [FileComponent(*each) for each in found]

    def submit(self, subject: Subject) -> Future[tuple[CheckRow, list[str]]]:
        """Return what will be the result of checking a component, and its failures as text."""
        return self._pool.submit(self._check, subject)

    def _check(self, subject: Subject) -> tuple[CheckRow, list[str]]:
        place = self._free.get()
        try:
            return place.check(subject, self.seed, self.limit)
        finally:
            self._free.put(place)

    def _stop(self) -> None:
        for each in self._places:
            each.worker.stop()


# In the child.


def run_in_child() -> None:
    """Answer the requests of an :class:`IsolatedCheck`."""
    import corenet.testing  # noqa: F401 - the kit takes seconds to import, which no component is charged with

    serve(_answer)


def _answer(request: list[Any]) -> Any:
    question, *about = request
    if question == "list":
        try:
            return subjects_in(*about), ""
        except CorenetError as error:
            return [], str(error)
    kind, name, inputs, seed, running = about
    try:
        subject: Subject = FileFunction(kind, name, inputs) if inputs is not None else _component(kind, name)
        return check(subject, seed, lambda each: Path(running).write_text(each, encoding="utf-8"))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything, which fails its check only
        return _wrong(subject, reason_of(error))


def _component(kind: Kind, name: str) -> Component | FileComponent:
    return FileComponent(kind, name) if is_file(name) or is_of_module(name) else registry().find(kind, name)
