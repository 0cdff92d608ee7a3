"""Whether a mutant computes the same as the right solution, by points that the grader does not try."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.grading.mutants import Mutant
from corenet.errors import CorenetError
from corenet.grading.layers import layer
from corenet.grading.textbook import Point, Style, Textbook, fresh
from corenet.grading.trial import attempt
from corenet.grading.written import written
from corenet.registry.python_file import imported_file

ROWS = (2, 3, 8, 21)
RTOL = 1e-7


def is_same(mutant: Mutant, style: Style) -> bool:
    """Return whether a mutant's gradients are right at a few points; one that is no program at all counts as such."""
    if mutant.edit.kind == "assigned":  # right from zero, and wrong from anything else
        return False
    textbook = layer(mutant.layer)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{mutant.name}.py")
        path.write_text(mutant.text, encoding="utf-8")
        try:
            found = written(textbook, style, imported_file(str(path)), alone=True)
        except CorenetError:
            return True
        trials = [attempt(textbook, found, point) for point in _points(textbook, style)]
    names = ("forward", *textbook.derived)
    return all(trial.error is None and all(trial.agrees(name, RTOL) for name in names) for trial in trials)


def _points(textbook: Textbook, style: Style) -> list[Point]:
    random = np.random.default_rng(12)
    points = []
    for seed, rows in enumerate(ROWS, 100):
        given = textbook.draw(random, rows)
        output = np.shape(textbook.forward(*fresh(Point(given, np.ones(()), seed=seed)).values())[0])
        one = textbook.is_loss and style == "module"
        points.append(Point(given, np.ones(()) if one else random.normal(size=output), seed=seed))
    return points
