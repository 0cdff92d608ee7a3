"""Every component keeps every promise of its contract."""

from typing import Any

from corenet.testing import components_of, parametrize_with_checks


@parametrize_with_checks(components_of("corenet-sequence"))
def test_conforms(component: Any, check: Any) -> None:
    check(component)
