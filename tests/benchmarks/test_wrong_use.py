"""Wrong use is caught where it happens: a few wrong calls of every public function, constructor and method.

``python -m benchmarks.wrong_use --runs 1000`` is the same for hours.
"""

import pytest
import torch

import corenet as cn
from benchmarks.wrong_use.subjects import Subject, subjects
from benchmarks.wrong_use.verdict import judged
from benchmarks.wrong_use.world import World

CALLS = 2
SUBJECTS = subjects()


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_a_wrong_call_is_refused_and_changes_nothing(subject, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcomes = [judged(subject, seed, tmp_path) for seed in range(CALLS)]
    assert [each.line for each in outcomes if each.kind.startswith("FINDING")] == []


def test_every_public_function_has_a_plain_call_that_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named = {each.name: each for each in SUBJECTS}
    for name in ("corenet.fit", "corenet.save", "corenet.load", "corenet.predict", "Linear(...)", "Linear.__call__"):
        call, arguments = named[name].made(World(tmp_path))
        assert call(*arguments.pop("*", []), **arguments) is not arguments


def test_new_functions_and_components_are_covered_by_being_there():
    named = {each.name for each in SUBJECTS}
    functions = {f"corenet.{name}" for name in dir(cn) if type(getattr(cn, name)) is type(judged)}
    assert functions - named == set()
    components = {row.name: cn.get(row.kind, row.name).__name__ for row in cn.components() if row.status == "declared"}
    assert {f"{cls}(...)" for cls in components.values()} - named == set()


def broken(function):
    """Return a subject that calls ``function`` with a model and a number."""
    return Subject("broken", lambda world: (function, {"model": world.model, "count": 1}))


def half_done(model, count):
    with torch.no_grad():
        model[0].weight.add_(1)
    raise cn.ConfigError(f"no, not {count}")


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda model, count: torch.ones(2) @ torch.ones(3), "FINDING error"),
        (half_done, "FINDING half-changed"),
        (lambda model, count: [].pop(), "FINDING error"),
    ],
)
def test_what_is_wrong_is_found(function, kind, tmp_path):
    assert judged(broken(function), 3, tmp_path).kind == kind
