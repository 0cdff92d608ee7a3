"""The conformance kit on one component, in this process or in another that the component may crash or end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from corenet.errors import BrokenComponentError, CorenetError, UnavailableComponentError
from corenet.registry.collect import reason_of
from corenet.registry.distributions import BUILTIN
from corenet.registry.doctor.child_process import describe_exit, start_child
from corenet.registry.registry import registry
from corenet.registry.spec import Component

Result = dict[str, Any]


def check(row: Component, seed: int) -> tuple[Result, list[str]]:
    """Return the result of checking a component, for JSON, and its failures as text."""
    from corenet.testing import check_component

    assert row.kind != "plugin", "it is unusable"
    try:
        cls = registry().get(row.kind, row.qualified_name)
        report = check_component(cls, row.kind, name=row.qualified_name, seed=seed)
    except (BrokenComponentError, UnavailableComponentError):
        return unusable(registry().find(row.kind, row.qualified_name))
    except CorenetError as error:
        return _wrong(row, str(error))
    except (Exception, SystemExit) as error:
        if row.distribution == BUILTIN:  # a bug of corenet's; a plugin may raise anything, which fails its check only
            raise
        return _wrong(row, reason_of(error))
    failures = [str(each) for each in report.merged() if each.verdict == "failed"]
    return report.to_dict() | {"message": report.summary}, failures


def unusable(row: Component) -> tuple[Result, list[str]]:
    """Return the same for a row that is broken, disabled or incompatible, without a check."""
    return _wrong(row, f"{row.status}: {row.reason}")


def _wrong(row: Component, message: str) -> tuple[Result, list[str]]:
    return {"name": row.qualified_name, "kind": row.kind, "ok": False, "message": message, "checks": []}, []


def check_apart(rows: Iterable[Component], seed: int) -> Iterator[tuple[Result, list[str]]]:
    """Check ``rows`` in a process of their own; one that ends it has failed, and the rest are checked in another."""
    left = list(rows)
    while left:
        arguments = {"names": [(row.kind, row.qualified_name) for row in left], "seed": seed}
        with start_child("corenet.cli.isolated_check", arguments, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            for line in child.stdout:
                yield json.loads(line)
                del left[0]
        if left:
            yield _wrong(left.pop(0), f"its check {describe_exit(child.returncode)}")


# In the child.


def run_in_child(names: list[tuple[str, str]], seed: int) -> None:
    """Check each component and write its result as a line of JSON; whatever else is printed goes to stderr."""
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for kind, name in names:
        print(json.dumps(check(registry().find(kind, name), seed)), file=results, flush=True)
        sys.stdout.flush()
    os._exit(0)  # whatever a plugin has left running
