"""Every component keeps every promise of its contract."""

from typing import Any

from corenet.testing import components_of, parametrize_with_checks

ONE_INPUT_AND_OUTPUT = [row for row in components_of("corenet-sequence") if row.name == "positional_encoding"]


@parametrize_with_checks(ONE_INPUT_AND_OUTPUT)
def test_conforms(component: Any, check: Any) -> None:
    check(component)
