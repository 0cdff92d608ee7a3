"""The conformance kit as pytest tests, one for each check of each component."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Literal, cast

from corenet.errors import ConfigError, ConformanceError, MissingExtraError, did_you_mean
from corenet.registry.registry import registry
from corenet.registry.spec import Component, Kind
from corenet.testing.checks.check import Check
from corenet.testing.conformance import CHECKS, kind_of, run_checks
from corenet.testing.support.guess import trials_of


def parametrize_with_checks(
    components: Iterable[Component | type], *, expected_failures: Mapping[str, str | Mapping[str, str]] | None = None
) -> Callable[[Any], Any]:
    """Return a decorator that runs a test for each check of each component.

    The test takes ``component``, a row of the registry or a class, and ``check``, a function
    that raises if the component fails::

        @parametrize_with_checks(components_of("corenet-swish"))
        def test_conforms(component, check):
            check(component)

    Args:
        components: rows, as :func:`~corenet.testing.components_of` returns them, or classes.
        expected_failures: by check id, the reason why it fails; or by the name of a component such a mapping of
            its own. A test must fail that is listed for its component, or where there is one component only.

    Raises:
        MissingExtraError: pytest is not installed.
        ConfigError: an entry of ``components`` is neither a row nor the class of a component, or there is
            none, or an expected failure names no check or component.
    """
    try:
        import pytest
    except ImportError as error:
        raise MissingExtraError("parametrize_with_checks needs pytest: pip install pytest") from error
    listed = expected_failures or {}
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
            marks=[
                pytest.mark.xfail(reason=reason, strict=strict)
                for reason, strict in _expected(listed, name, check.id, alone=len(rows) == 1)
            ],
        )
        for each, name, kind in rows
        for check in CHECKS[kind]
    ]
    _refuse_unknown(listed, {name for _, name, _ in rows}, {check.id for checks in CHECKS.values() for check in checks})
    return pytest.mark.parametrize(("component", "check"), parameters)


def _refuse_unknown(listed: Mapping[str, object], names: set[str], checks: set[str]) -> None:
    for entry, value in listed.items():
        for check in value if isinstance(value, Mapping) else [entry]:
            if check not in checks or (isinstance(value, Mapping) and entry not in names):
                kind, name, known = ("component", entry, names) if check in checks else ("check", check, checks)
                hint = did_you_mean(name, sorted(known))
                raise ConfigError(f"expected_failures: there is no {kind} {name!r} here{hint}")


def _expected(
    listed: Mapping[str, str | Mapping[str, str]], name: str, check: str, alone: bool
) -> list[tuple[str, bool]]:
    """Return the reason why a component fails a check, and whether it must; nothing if it is not listed."""
    own, of_all = listed.get(name), listed.get(check)
    if isinstance(own, Mapping) and check in own:
        return [(own[check], True)]
    return [(of_all, alone)] if isinstance(of_all, str) else []


def conforms(check: Check, component: Component | type) -> None:
    """Run one check on a component, after the checks that must come before it; skip the test if it does not apply.

    Raises:
        ConformanceError: the check fails.
        BrokenComponentError: the component cannot be loaded.
        ConfigError: the arguments of its constructor cannot be guessed.
    """
    import pytest

    name = component.qualified_name if isinstance(component, Component) else component.__name__
    kind = cast(Kind, check.kind)
    cls = component if isinstance(component, type) else registry().get(kind, name)
    before = [each for each in CHECKS[kind] if each.id in check.after]
    *_, result = run_checks([*before, check], trials_of(cls, kind), {})
    if result.verdict == "failed":
        raise ConformanceError(f"{name}: {result}")
    if result.verdict == "expected failure":
        pytest.xfail(result.message)
    if result.verdict == "skipped":
        pytest.skip(result.message)


def _name_and_kind(component: Component | type) -> tuple[str, Kind | Literal["plugin"]]:
    """Return the name and the kind of a component."""
    if isinstance(component, Component):
        return component.name, component.kind
    kind = kind_of(component)
    return component.__name__, kind
