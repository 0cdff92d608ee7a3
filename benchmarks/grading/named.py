"""What a grader may call a mutant: the misconceptions that say what was changed, by the kind of the change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.grading.mutants import Mutant

LEFT_OUT = {
    "factor_forgotten", "term_forgotten", "upstream_ignored", "derivative_missing", "mask_lost", "scale_forgotten",
    "output_for_derivative", "division_forgotten", "sum_instead_of_mean", "root_forgotten", "square_forgotten",
    "statistics_as_constants", "mean_as_constant", "variance_as_constant", "target_forgotten", "softmax_forgotten",
    "only_diagonal", "sign_lost", "not_accumulated", "gradient_missing", "input_for_normal", "mean_not_subtracted",
}  # fmt: skip
# The name says just what was changed. That an error is raised names no cause, whatever was changed.
NAMES = {
    "sign": {"wrong_sign", "mask_reversed", "cross_entropy_mixed_in"},
    "term": LEFT_OUT | {"factor_two", "constant_factor", "wrong_sign"},
    "factor": LEFT_OUT | {"factor_two", "constant_factor"},
    "operator": {"transposed", "factor_too_many", "square_too_many", "constant_factor", "scale_inverted", "scale_twice",
                 "wrong_shape", "factor_two", "mean_over_too_little", "division_forgotten",
                 "sum_instead_of_mean", "wrong_order"},
    "constant": {"constant_factor", "factor_two", "extra_term", "wrong_sign", "square_too_many", "factor_too_many",
                 "output_for_derivative", "wrong_number"},
    "exponent": {"square_forgotten", "square_too_many", "root_taken", "root_forgotten", "factor_too_many",
                 "factor_forgotten", "wrong_number"},
    "axis": {"wrong_axis", "wrong_shape", "not_summed"},
    "assigned": {"not_accumulated", "state_kept"},
    "deleted": {"gradient_missing", "not_accumulated", "term_forgotten", "target_forgotten"},
    "saved": {"input_for_output", "derivative_at_output", "input_for_normal", "output_for_normal", "exchanged",
              "output_for_derivative", "square_too_many", "factor_too_many", "wrong_shape",
              "other_function", "root_taken", "target_forgotten", "transposed", "wrong_sign", "wrong_variable"},
    "comparison": {"mask_reversed", "wrong_mask", "mask_lost"},
    "transpose": {"transposed", "wrong_shape", "wrong_order"},
    "function": {"mean_instead_of_sum", "sum_instead_of_mean", "mean_over_too_much", "mean_over_too_little",
                 "other_function", "log_forgotten", "log_of_it", "root_forgotten", "root_taken", "constant_factor",
                 "softmax_forgotten"},
    "slice": {"wrong_number", "off_by_one", "some_samples", "wrong_order"},
}  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What the grader said of a mutant: whether it lost points, the first misconception, and the line of it."""

    mutant: Mutant
    caught: bool
    misconception: str | None = None
    line: int | None = None
    message: str = ""

    @property
    def by_name(self) -> bool:
        """Whether the misconception says what was changed."""
        return self.misconception in NAMES[self.mutant.edit.kind]

    @property
    def raises(self) -> bool:
        """Whether it raises an error where it should return a gradient."""
        return self.misconception == "raises"

    @property
    def by_line(self) -> bool:
        """Whether the line is the one that was changed."""
        return self.line is not None and self.mutant.edit.first <= self.line <= self.mutant.edit.last

    @property
    def named(self) -> bool:
        """Whether the student is told what is wrong, or in which line."""
        return self.by_name or self.by_line


def verdict_on(mutant: Mutant, row: Any) -> Verdict:
    """Return what the row of a mutant says, by its first check that failed."""
    failed = [check for _, check in row.checks if not check.passed]
    if not failed:
        return Verdict(mutant, caught=row.error is not None, message=row.error or "")
    first = failed[0]
    return Verdict(mutant, True, first.misconception, first.line, first.message)
