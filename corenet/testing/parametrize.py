"""The conformance kit as pytest tests, one for each check of each component."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Literal

from corenet.errors import ConfigError, ConformanceError, MissingExtraError
from corenet.registry.registry import registry
from corenet.registry.spec import Component, Kind
from corenet.testing.checks.check import Check
from corenet.testing.conformance import CHECKS, kind_of, run_checks
from corenet.testing.support.trial import trials_of


def parametrize_with_checks(
    components: Iterable[Component | type], *, expected_failures: Mapping[str, str] | None = None
) -> Callable[[Any], Any]:
    """Return a decorator that runs a test for each check of each component.

    The test takes ``component``, a row of the registry or a class, and ``check``, a function
    that raises if the component fails::

        @parametrize_with_checks(components_of("corenet-swish"))
        def test_conforms(component, check):
            check(component)

    Args:
        components: rows, as :func:`~corenet.testing.components_of` returns them, or classes.
        expected_failures: by check id, the reason why it fails; such a test must fail.

    Raises:
        MissingExtraError: pytest is not installed.
        ConfigError: an entry of ``components`` is neither a row nor the class of a component, or there is none.
    """
    try:
        import pytest
    except ImportError as error:
        raise MissingExtraError("parametrize_with_checks needs pytest: pip install pytest") from error
    reasons = expected_failures or {}
    rows = [(each, name, kind) for each in components for name, kind in [_name_and_kind(each)] if kind != "plugin"]
    if not rows:
        raise ConfigError(
            "parametrize_with_checks got no component to check: no test would run, and nothing would fail"
        )
    parameters = [
        pytest.param(
            each,
            partial(conforms, check),
            id=f"{name}-{check.id}",
            marks=[pytest.mark.xfail(reason=reasons[check.id], strict=True)] if check.id in reasons else [],
        )
        for each, name, kind in rows
        for check in CHECKS[kind]
    ]
    return pytest.mark.parametrize(("component", "check"), parameters)


def conforms(check: Check, component: Component | type) -> None:
    """Run one check on a component, after the checks that must come before it; skip the test if it does not apply.

    Raises:
        ConformanceError: the check fails.
        BrokenComponentError: the component cannot be loaded.
        ConfigError: the arguments of its constructor cannot be guessed.
    """
    import pytest

    name = component.qualified_name if isinstance(component, Component) else component.__name__
    cls = component if isinstance(component, type) else registry().get(check.kind, name)
    before = [each for each in CHECKS[check.kind] if each.id in check.after]
    *_, result = run_checks([*before, check], trials_of(cls, check.kind), {})
    if result.verdict == "failed":
        raise ConformanceError(f"{name}: {result}")
    if result.verdict == "skipped":
        pytest.skip(result.message)


def _name_and_kind(component: Component | type) -> tuple[str, Kind | Literal["plugin"]]:
    """Return the name and the kind of a component."""
    if isinstance(component, Component):
        return component.name, component.kind
    kind = kind_of(component)
    return component.__name__, kind
