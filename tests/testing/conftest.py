"""One check of the conformance kit on one component."""

import pytest

from corenet.testing.conformance import CHECKS, run_check
from corenet.testing.support.guess import cases_of
from corenet.testing.support.trial import Trial


@pytest.fixture
def finding():
    """Return what a check finds, or nothing: ``finding(Broken, "module.copies")``, on its cases or on those given."""
    checks = {check.id: check for each in CHECKS.values() for check in each}

    def find(cls, check, *cases):
        chosen = cases or cases_of(cls, checks[check].kind)
        result = run_check(checks[check], [Trial(cls, case) for case in chosen])
        return f"{result.message}\n{result.diagnosis}" if result.verdict == "failed" else ""

    return find
