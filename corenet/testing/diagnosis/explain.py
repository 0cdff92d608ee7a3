"""From a wrong gradient to what it likely means, and the line that computes it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.testing.diagnosis.diagnose import diagnose
from corenet.testing.diagnosis.diagnosis import Diagnosis
from corenet.testing.diagnosis.evidence import Evidence
from corenet.testing.diagnosis.patterns.general import NEARLY, error_of
from corenet.testing.diagnosis.source_edits import changed, minus_added, one_edit_away
from corenet.testing.diagnosis.source_lines import where
from corenet.testing.diagnosis.watched import KEEP_DTYPE, ROUNDS, first_line, loses_digits


def explain(
    subject: Module | Loss, name: str, evidence: Callable[[], Evidence], is_right: Callable[[], bool]
) -> Diagnosis:
    """Return what the wrong gradient of ``name`` likely means: an edit of the source that mends it, or a pattern.

    ``is_right`` tells whether ``subject``, as it then stands, gives the right gradient; ``evidence`` gathers
    what patterns look at, which takes longer. Where nothing fits, the diagnosis is the line alone.
    """
    if edit := one_edit_away(subject, name, is_right, changed):
        return edit
    line = where(subject, name)
    seen = evidence()
    if rounded := _rounded_at(subject, seen):
        return Diagnosis("general.float32_inside", f"{ROUNDS}; {KEEP_DTYPE}", rounded)
    if found := diagnose(seen):
        return replace(found, line=line)
    return one_edit_away(subject, name, is_right, minus_added) or Diagnosis(line=line)


def _rounded_at(subject: Module | Loss, seen: Evidence) -> str:
    """Return the line in which backward gives fewer digits than it takes, if that may be all that is wrong."""
    if isinstance(subject, Loss) or not seen.fits or not error_of(seen) < NEARLY:
        return ""
    module = copy.deepcopy(subject)
    module(seen.input)
    return first_line(type(module), lambda: module.backward(seen.upstream), loses_digits)
