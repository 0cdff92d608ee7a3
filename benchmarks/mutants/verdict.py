"""What the kit says of a mutant: whether it catches it, and whether it names what is wrong."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutants.mutant import Mutant
from benchmarks.mutants.same import is_same
from corenet.testing import check_component
from corenet.testing.conformance import kind_of

# By the kind of an edit, words of the diagnoses that name just that.
NAMED = {
    "sign": ("sign",),
    "term": ("the term", "a term is missing", "is added"),
    "factor": ("the factor", "a factor", "a constant factor", "grad_output is ignored", "derivative is missing"),
    "operator": ("the factor", "extra factor", "transposed"),
    "constant": ("a constant factor", "a factor 2", "a constant is added"),
    "exponent": ("the factor", "extra factor"),
    "axis": ("wrong dimension", "averaged over", "summed over", "not summed"),
    "assigned": ("assigned, not accumulated", "write to param in place", "update() writes to a new tensor"),
    "deleted": ("zero everywhere",),
    "saved": ("is given the input", "evaluated at the output", "extra factor", "the factor"),
    "comparison": ("the mask", "right on one side only"),
    "transpose": ("transposed",),
    "function": ("a constant factor", "1/N", "1/C", "divided by", "averaged over", "summed over"),
    "slice": ("reversed", "shifted", "wrong only at index"),
}


@dataclass(frozen=True)
class Verdict:
    """``state`` is "same", "caught" or "survived"; of a caught one, ``line`` and ``words`` tell what is named."""

    mutant: str
    kind: str
    state: str
    line: bool = False
    words: bool = False
    report: str = ""

    @property
    def named(self) -> bool:
        """Whether the diagnosis names the line of the mutant, or what was done to it."""
        return self.line or self.words


def verdict_on(mutant: Mutant, number: int) -> Verdict:
    """Return what the kit says of a mutant."""
    name = f"mutant_{number:05d}"
    with tempfile.TemporaryDirectory() as folder:
        try:
            cls = mutant.load(Path(folder), name)
        except Exception as error:  # noqa: BLE001 - no program at all is no mutant
            return Verdict(str(mutant), mutant.edit.kind, "same", report=repr(error))
        kind = kind_of(mutant.subject)
        if is_same(mutant.subject, cls, kind):
            return Verdict(str(mutant), mutant.edit.kind, "same")
        report = check_component(cls, kind)
        if report.ok:
            return Verdict(str(mutant), mutant.edit.kind, "survived")
        said = "\n".join(f"{each.message}\n{each.diagnosis}" for each in report.failures)
        line = f"{name}.py:{mutant.edit.first}:" in said
        words = any(each in said for each in NAMED[mutant.edit.kind])
        return Verdict(str(mutant), mutant.edit.kind, "caught", line, words, said)
