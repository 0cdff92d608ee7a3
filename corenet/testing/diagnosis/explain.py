"""From a wrong gradient to what it likely means, and the line that computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.testing.diagnosis.diagnose import diagnose
from corenet.testing.diagnosis.diagnosis import Diagnosis
from corenet.testing.diagnosis.evidence import Evidence
from corenet.testing.diagnosis.source_edits import changed, minus_added, one_edit_away
from corenet.testing.diagnosis.source_lines import where


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
    if found := diagnose(evidence()):
        return replace(found, line=line)
    return one_edit_away(subject, name, is_right, minus_added) or Diagnosis(line=line)
