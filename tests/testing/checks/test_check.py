"""A check has a stable id, a version, and its promise in words."""

import re
from importlib.metadata import version

import pytest

from corenet.testing.checks.check import Checks
from corenet.testing.conformance import CHECKS
from corenet.testing.support.violation import Violation

ALL = [check for checks in CHECKS.values() for check in checks]


def test_a_function_becomes_a_check_and_stays_a_function():
    checks = Checks("module")

    @checks.add(since="0.3")
    def is_kind(trial):
        """It is kind.

        Always.
        """
        raise Violation("it is not", "be kind")

    (check,) = checks
    assert (check.id, check.kind, check.since, check.promise) == ("module.is_kind", "module", "0.3", "It is kind.")
    with pytest.raises(Violation) as found:
        is_kind(None)
    assert (found.value.message, found.value.diagnosis) == ("it is not", "be kind")


def test_ids_are_unique():
    assert len({check.id for check in ALL}) == len(ALL) > 40


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)
def test_every_check_has_an_id_a_version_and_a_promise(check):
    assert re.fullmatch(rf"{check.kind}\.[a-z0-9_]+", check.id)
    major, minor, *_ = map(int, version("corenet").split("."))
    assert tuple(map(int, check.since.split("."))) <= (major, minor + 1)  # the version to come
    assert re.fullmatch(r"\S.+[.]", check.promise)
