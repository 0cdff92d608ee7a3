"""The conformance kit as tests: one for each check of each component."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from corenet.errors import ConformanceError, MissingExtraError
from corenet.registry.registry import registry
from corenet.registry.spec import Component
from corenet.testing.check import Check
from corenet.testing.conformance import CHECKS, try_out
from corenet.testing.trial import Trial, cases_of


def parametrize_with_checks(
    components: Iterable[Component], *, expected_failures: Mapping[str, str] | None = None
) -> Callable[[Any], Any]:
    """Return a decorator that runs a test for each check of each component.

    The test takes ``component``, a row of the registry, and ``check``, a function of it
    that raises what the check finds::

        @parametrize_with_checks(components_of("corenet-swish"))
        def test_conforms(component, check):
            check(component)

    Args:
        components: rows, as :func:`~corenet.testing.components_of` returns them.
        expected_failures: why a check fails, by its id; such a test must fail.

    Raises:
        MissingExtraError: pytest is not installed.
    """
    try:
        import pytest
    except ImportError as error:
        raise MissingExtraError("parametrize_with_checks needs pytest: pip install pytest") from error
    reasons = expected_failures or {}
    parameters = [
        pytest.param(
            row,
            partial(conforms, check),
            id=f"{row.name}-{check.id}",
            marks=[pytest.mark.xfail(reason=reasons[check.id], strict=True)] if check.id in reasons else [],
        )
        for row in components
        if row.kind != "plugin"
        for check in CHECKS[row.kind]
    ]
    return pytest.mark.parametrize(("component", "check"), parameters)


def conforms(check: Check, component: Component) -> None:
    """Run one check on a component of the registry; skip the test if there is nothing to look at.

    Raises:
        ConformanceError: the check fails.
        BrokenComponentError: the component cannot be loaded.
        ConfigError: it cannot be guessed how to build it.
    """
    import pytest

    cls = registry().get(check.kind, component.qualified_name)
    result = try_out(check, [Trial(cls, case) for case in cases_of(cls, check.kind)])
    if result.verdict == "failed":
        raise ConformanceError(f"{component.qualified_name}: {result}")
    if result.verdict == "skipped":
        pytest.skip(result.message)
