"""The conformance kit without a test file: ``pytest -p corenet.testing.pytest_plugin --corenet corenet-swish``.

It has no entry point in pytest, so installing corenet changes nobody's test runs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from corenet.errors import CorenetError
from corenet.registry.spec import Component
from corenet.testing.checks.check import Check
from corenet.testing.conformance import CHECKS
from corenet.testing.distribution import components_of
from corenet.testing.parametrize import conforms


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("corenet", "the conformance kit of corenet")
    group.addoption("--corenet", action="append", default=[], metavar="DIST", help="check the components of DIST")


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    for distribution in session.config.getoption("--corenet"):
        collector = Distribution.from_parent(session, name=distribution, nodeid=distribution)
        items.extend(collector.collect())


class Distribution(pytest.Collector):
    """The components of a distribution, with a test for each check of each component."""

    def collect(self) -> Iterator[pytest.Item]:
        try:
            rows = components_of(self.name)
        except CorenetError as error:
            raise pytest.UsageError(str(error)) from error
        for row in rows:
            for check in CHECKS[row.kind] if row.kind != "plugin" else []:
                yield Conforms.from_parent(self, name=f"{row.name}-{check.id}", row=row, check=check)


class Conforms(pytest.Item):
    """One check of one component."""

    def __init__(self, *, row: Component, check: Check, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.row = row
        self.check = check

    def runtest(self) -> None:
        conforms(self.check, self.row)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]
        if isinstance(excinfo.value, CorenetError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[str, None, str]:
        return self.row.distribution, None, self.name
