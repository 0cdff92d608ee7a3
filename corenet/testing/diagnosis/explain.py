"""From a wrong gradient to what it likely means, and the line that computes it."""

from __future__ import annotations

import math
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
from corenet.testing.diagnosis.source_repairs import compared, completed, extended, repaired
from corenet.testing.diagnosis.watched import KEEP_DTYPE, ROUNDS, first_line, loses_digits

# Patterns that say how ours is wrong, and not why: an edit that mends it says more.
VAGUE = frozenset(
    {
        "scaling.constant_factor",
        "scaling.factor_of_each_index",
        "additive.constant_added",
        "additive.tensor_added",
        "additive.term_of_each_line",
        "additive.statistics_constant",
        "chain_rule.jacobian_transposed",
        "chain_rule.only_diagonal",
        "chain_rule.only_same_index",
        "masking.clipped",
        "masking.dropped",
        "masking.one_side_wrong",
        "masking.other_mask",
        "masking.sign_alone",
        "masking.unmasked",
        "masking.without_sign",
        "layout.broadcast",
        "layout.few_elements",
        "layout.permuted",
        "layout.summed",
        "layout.wrong_indices",
        "general.nearly",
        "general.not_finite",
        "general.zero",
    }
)

# Patterns that say which elements are wrong, by how much: more than a threshold that leaves these out.
PLACED = frozenset({"masking.one_side_wrong", "layout.few_elements"})


def explain(
    subject: Module | Loss,
    name: str,
    evidence: Callable[[], Evidence],
    is_right: Callable[[], bool],
    gradients: Callable[[], object],
    until: float = math.inf,
) -> Diagnosis:
    """Return what the wrong gradient of ``name`` likely means: an edit of the source that mends it, or a pattern.

    ``is_right`` tells whether ``subject``, as it then stands, gives the right gradient; ``evidence`` gathers
    what patterns look at, which takes longer, and ``gradients`` computes what is wrong once more. No edit is tried
    after ``until``, of the monotonic clock. Where nothing fits, the diagnosis is the line alone.
    """
    if edit := one_edit_away(subject, name, is_right, changed, until):
        return edit
    line = where(subject, name)
    seen = evidence()
    if rounded := _rounded_at(subject, seen, gradients):
        return Diagnosis("general.float32_inside", f"{ROUNDS}; {KEEP_DTYPE}", rounded)
    found = diagnose(seen)
    if found is None or found.code in VAGUE:
        for edits in (repaired, minus_added, completed, extended, compared):
            if edits is compared and found is not None and found.code in PLACED:
                continue
            if edit := one_edit_away(subject, name, is_right, edits, until):
                return edit
    return replace(found, line=line) if found else Diagnosis(line=line)


def _rounded_at(subject: Module | Loss, seen: Evidence, gradients: Callable[[], object]) -> str:
    """Return the line in which an operation gives fewer digits than it takes, if that may be all that is wrong."""
    if isinstance(subject, Loss) or not seen.fits or not error_of(seen) < NEARLY:
        return ""
    return first_line(type(subject), gradients, loses_digits)
