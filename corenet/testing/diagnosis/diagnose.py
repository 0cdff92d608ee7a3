"""What a wrong gradient likely means: found by comparing it with the numeric one, element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from corenet.testing.diagnosis.diagnosis import Diagnosis
from corenet.testing.diagnosis.evidence import Evidence
from corenet.testing.diagnosis.patterns import additive, chain_rule, general, layout, masking, scaling, several
from corenet.testing.diagnosis.patterns.general import MIN_ELEMENTS

Pattern = Callable[[Evidence], Mapping[str, str] | bool | None]


# The first that fits is reported, so the specific patterns come before the general ones.
PATTERNS: tuple[tuple[Pattern, str], ...] = (
    (
        general.not_finite,
        "not finite: {count} of {all} elements are NaN or infinite; a division by zero, or a log of it",
    ),
    (
        general.single_precision,
        "forward computes in float32: its output has too few digits for central differences; keep the input's dtype",
    ),
    (additive.zeroed, "overwritten with zero: what was in .grad is lost and nothing is added; write +="),
    (additive.assigned, "assigned, not accumulated: what was in .grad before is lost; write += where it says ="),
    (additive.own_gradient_added, "the previous .grad is added once more: add the new gradient alone"),
    (general.zero, "zero everywhere: the gradient is never written, or lost on its way"),
    (general.without_effect, "it has no effect on the output: its gradient is zero"),
    (
        general.tiny_elements,
        "right but for {wrong} tiny elements, up to {bound}, where ours is {times}: look for a threshold or an eps",
    ),
    (
        general.almost,
        "almost right, off by {error} of its size: a rounded constant, another eps, or a float32 intermediate",
    ),
    (
        several.repetitions_lost,
        "repetitions are lost: wrong only in rows that {integers} picks more than once; += at indices writes each row "
        "once, index_add_ adds each time",
    ),
    (several.output_lost, "the gradient of output {output} takes no part: add what backward is given for each output"),
    (several.penalty_lost, "the penalty has no gradient: add its derivative, with a factor of 1, in backward"),
    (several.outputs_exchanged, "the gradients of outputs {first} and {second} are exchanged"),
    (scaling.sign, "the sign is wrong: ours is −1 times the numeric one"),
    (masking.mask_missing, "the mask of forward is missing in backward: ours must be zero {where}"),
    (chain_rule.passed_on, "the derivative is missing: grad_output is passed on as it is"),
    (layout.not_summed, "not summed: forward broadcasts it, so backward must sum over {dimensions}"),
    (layout.transposed, "transposed: ours is the right one with two dimensions exchanged"),
    (layout.reshaped, "the right numbers in the wrong shape: a reshape is missing"),
    (chain_rule.derivative_passed_on, "grad_output is ignored: ours is the derivative alone; multiply by grad_output"),
    (chain_rule.upstream_twice, "grad_output is a factor twice: multiply by it once"),
    (chain_rule.upstream_without_sign, "the sign of grad_output is lost: its absolute value is taken somewhere"),
    (
        scaling.doubled,
        "a factor 2 too many: ours is twice the numeric one; a constant counted, or a sum added, twice{setting}",
    ),
    (
        scaling.halved,
        "a factor 2 is missing: ours is half the numeric one, as where a square loses its exponent{setting}",
    ),
    (scaling.size_too_many, "1/{divisor} missing{sign}: ours is {size} times the numeric one ({sizes})"),
    (
        scaling.size_too_few,
        "divided by {letter}{sign}: the loss already averages; ours is 1/{size} of the numeric one ({sizes})",
    ),
    (chain_rule.other_tensors, "exchanged: this is the gradient of {other}"),
    (
        chain_rule.jacobian_transposed,
        "the Jacobian is transposed: ours is J·u where Jᵀ·u is right; transpose the matrix",
    ),
    (
        chain_rule.only_diagonal,
        "only the diagonal of the Jacobian: the effect of an element on the other outputs is missing, usually a sum",
    ),
    (
        chain_rule.only_same_index,
        "the effect of one {which} on the output of another is missing (dimension {dimension}), usually a sum over it",
    ),
    (
        chain_rule.derivative_at_output,
        "the derivative is evaluated at the output: save the input and evaluate it there",
    ),
    (
        chain_rule.input_for_output,
        "a formula in terms of the output is given the input: save the output, not the input",
    ),
    (chain_rule.some_samples, "{which} counted: sum over the whole batch{block}"),
    (
        layout.tail_lost,
        "lost: ours is zero in the last {count} of {rows}{along}, and right before; a block whose rest is not handled",
    ),
    (layout.wrong_dimension, "wrong dimension: ours is the {how} of grad_output over {dimensions}"),
    (
        layout.upstream_summed,
        "the derivative is missing: ours is the {how} of grad_output over {dimensions} and no more",
    ),
    (layout.summed, "{how} over {dimensions}, although each element has a gradient of its own"),
    (scaling.setting_factor, "a constant factor: ours is {ratio} times the numeric one{setting}"),
    (
        scaling.other_size,
        "a mean over the wrong dimension: ours is divided by {ours} where {right} is right",
    ),
    (
        scaling.constant_factor,
        "a constant factor: ours is {ratio} times the numeric one; drop it, or multiply by {inverse}",
    ),
    (
        layout.mean_over_wrong_dimension,
        "wrong dimension: the {how} that is subtracted is over dimension {ours} where {right} is right",
    ),
    (masking.mask_too_wide, "the mask of backward is too wide: ours is zero {where}, and must not be"),
    (masking.mask_reversed, "the mask is reversed: ours is zero where it must not be, and only there"),
    (additive.factor_missing, "the factor {factor} is missing: times that, ours is right"),
    (additive.factor_too_many, "extra factor {factor}: ours is the numeric one times that"),
    (additive.value_added, "{term} itself is added: something like weight decay, which belongs in the optimizer"),
    (additive.constant_added, "a constant is added: ours is {number} more than the numeric one everywhere"),
    (additive.term_missing, "the term {term} is missing: each term of a sum in forward has its own in backward"),
    (additive.tensor_added, "extra term: {term} is added"),
    (masking.clipped, "clipped at {bound}: return the gradient unclipped"),
    (masking.one_side_wrong, "right on one side only: {wrong} {where}; that branch has another derivative"),
    (layout.flipped, "reversed: the right numbers in reverse order along dimension {dimension}"),
    (layout.shifted, "shifted: the right numbers, one place off along dimension {dimension}"),
    (layout.permuted, "permuted: the right numbers at the wrong indices"),
    (layout.wrong_indices, "wrong only at index {places} (of 0 to {last}) of dimension {dimension}: look at the edges"),
    (
        scaling.factor_of_each_index,
        "a factor for each {which} is missing: the ratio depends on dimension {dimension} alone",
    ),
    (
        additive.term_of_each_line,
        "a term is missing: off by {times}one number for each line along dimension {dimension}, usually a sum over it",
    ),
    (
        additive.statistics_constant,
        "a mean or variance over dimension {dimension} is treated as a constant: its own derivative is missing",
    ),
    (masking.without_sign, "the sign is lost: ours is the absolute value of the numeric one"),
    (masking.sign_alone, "the size is lost: ours is the sign of the numeric one alone"),
    (masking.unmasked, "the mask of forward is missing in backward: ours must be zero where forward drops an element"),
    (masking.dropped, "elements are lost: ours is zero in some of them, and right in all others"),
    (masking.other_mask, "another mask than forward's: save the mask in forward"),
    (layout.few_elements, "right in all but {wrong} of {all} elements: a special case, or an extra entry"),
    (
        general.nearly,
        "nearly right, off by {error} of its size: another eps, an approximation, or a float32 intermediate",
    ),
    (layout.broadcast, "not summed: ours has the shape of the batch, not of the tensor"),
)

# Patterns that apply to a gradient of the wrong shape too.
OF_ANY_SHAPE: frozenset[Pattern] = frozenset(
    {
        general.not_finite,
        chain_rule.passed_on,
        chain_rule.other_tensors,
        layout.not_summed,
        layout.transposed,
        layout.reshaped,
        layout.upstream_summed,
        layout.summed,
        layout.broadcast,
    }
)

# Patterns that nearly any few numbers fit.
NEED_MANY_ELEMENTS: frozenset[Pattern] = frozenset(
    {
        chain_rule.only_diagonal,
        chain_rule.only_same_index,
        masking.mask_too_wide,
        masking.mask_reversed,
        masking.one_side_wrong,
        masking.without_sign,
        masking.sign_alone,
        masking.clipped,
        masking.unmasked,
        masking.dropped,
        masking.other_mask,
        additive.tensor_added,
        additive.term_missing,
        layout.permuted,
        layout.tail_lost,
        layout.wrong_indices,
        layout.few_elements,
    }
)


def diagnose(evidence: Evidence) -> Diagnosis | None:
    """Return what the difference likely means, or None if no pattern fits.

    >>> import torch
    >>> x, right = torch.randn(4), torch.randn(4)
    >>> diagnose(Evidence("input", -right, right, torch.randn(4), x, x, x))
    Diagnosis(code='scaling.sign', text='the sign is wrong: ours is −1 times the numeric one', line='')
    """
    few = evidence.distinct < MIN_ELEMENTS
    for pattern, meaning in PATTERNS:
        if (not evidence.fits and pattern not in OF_ANY_SHAPE) or (few and pattern in NEED_MANY_ELEMENTS):
            continue
        if found := _found(pattern, evidence):
            return Diagnosis(code_of(pattern), meaning.format(**(found if isinstance(found, Mapping) else {})))
    return None


def code_of(pattern: Pattern) -> str:
    """Return the name of a pattern, such as ``scaling.sign``."""
    return f"{pattern.__module__.rpartition('.')[2]}.{pattern.__name__}"


def _found(pattern: Pattern, evidence: Evidence) -> Mapping[str, str] | bool | None:
    try:
        return pattern(evidence)
    except Exception:  # noqa: BLE001 - a pattern that fails on a shape must not hide what is wrong
        return None
