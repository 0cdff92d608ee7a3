"""All functions of the corpus."""

from __future__ import annotations

from benchmarks.backwards.functions import (
    activations,
    cross_entropy,
    gates,
    indexing,
    lengths,
    linear_algebra,
    losses,
    norms,
    pieces,
    products,
    reductions,
    scans,
    softmaxes,
    swish,
    windows,
)
from benchmarks.backwards.subject import Fault, Subject

MODULES = (
    swish,
    activations,
    pieces,
    gates,
    norms,
    lengths,
    softmaxes,
    cross_entropy,
    losses,
    products,
    windows,
    indexing,
    scans,
    linear_algebra,
    reductions,
)
SUBJECTS: tuple[Subject, ...] = tuple(subject for module in MODULES for subject in module.SUBJECTS)


def faults() -> list[tuple[Subject, Fault]]:
    """Return each fault with its function."""
    return [(subject, fault) for subject in SUBJECTS for fault in subject.faults]
