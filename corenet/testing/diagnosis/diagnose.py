"""What a wrong gradient likely means: found by comparing it with the right one, element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from corenet.testing.diagnosis.evidence import Evidence, near
from corenet.testing.diagnosis.patterns import additive, chain_rule, layout, masking, scaling

Pattern = Callable[[Evidence], Mapping[str, str] | bool | None]
ENOUGH = 6


def not_finite(evidence: Evidence) -> Mapping[str, str] | None:
    count = int((~evidence.ours.isfinite()).sum())
    return {"count": str(count), "all": str(evidence.ours.numel())} if count else None


def zero(evidence: Evidence) -> bool:
    return not evidence.ours.any()


def without_effect(evidence: Evidence) -> bool:
    """The output does not depend on it, so its gradient is zero."""
    return not evidence.pairs()[1].any()


def almost(evidence: Evidence) -> Mapping[str, str] | None:
    return {"error": f"{_error(evidence):.1e}"} if near(*evidence.pairs()) else None


def single_precision(evidence: Evidence) -> bool:
    """The output has no more than float32's digits, though the input has."""
    input, output = evidence.input, evidence.output
    return output.unique().numel() >= ENOUGH and _is_single(output) and not _is_single(input)


def nearly(evidence: Evidence) -> Mapping[str, str] | None:
    error = _error(evidence)
    return {"error": f"{error:.1e}"} if error < 1e-3 else None


# The first that fits is told, so the more specific stands before the more general.
PATTERNS: tuple[tuple[Pattern, str], ...] = (
    (not_finite, "not finite: {count} of {all} elements are NaN or infinite; a division by zero, or a log of it"),
    (
        single_precision,
        "forward computes in float32: its output has too few digits for central differences; keep the input's dtype",
    ),
    (additive.zeroed, "overwritten with zero: what was in .grad is lost and nothing is added; write +="),
    (additive.assigned, "assigned, not accumulated: what was in .grad before is lost; write += where it says ="),
    (additive.own_gradient_added, "what was in .grad before is added once more: add the new gradient alone"),
    (zero, "zero everywhere: the gradient is never written, or lost on its way"),
    (without_effect, "it has no effect on the output: its gradient is zero"),
    (almost, "almost right, off by {error} of its size: a rounded constant, another eps, or float32 on the way"),
    (scaling.sign, "the sign is wrong: ours is −1 times the numeric one"),
    (masking.mask_missing, "the mask of forward is missing in backward: ours must be zero {where}"),
    (chain_rule.passed_on, "the derivative is missing: grad_output is passed on as it is"),
    (layout.not_summed, "not summed: forward broadcasts it, so backward must sum over {dimensions}"),
    (layout.transposed, "transposed: ours is the right one with two dimensions exchanged"),
    (layout.reshaped, "the right numbers in the wrong shape: a reshape is missing"),
    (chain_rule.derivative_passed_on, "grad_output is ignored: ours is the derivative alone; multiply by grad_output"),
    (chain_rule.upstream_twice, "grad_output is there twice: it belongs into the product once"),
    (chain_rule.size_of_upstream, "the sign of grad_output is lost: its absolute value is taken somewhere"),
    (scaling.size_too_many, "1/{divisor} missing{sign}: ours is {size} times the numeric one ({sizes}{two})"),
    (
        scaling.size_too_few,
        "divided by {letter}{sign}: the loss already averages; ours is 1/{size} of the numeric one ({sizes}{two})",
    ),
    (
        scaling.doubled,
        "a factor 2 too many: ours is twice the numeric one; a constant counted, or a sum added, twice{setting}",
    ),
    (
        scaling.halved,
        "a factor 2 is missing: ours is half the numeric one, as where a square loses its exponent{setting}",
    ),
    (chain_rule.other_tensors, "exchanged: this is the gradient of {other}"),
    (
        chain_rule.jacobian_transposed,
        "the Jacobian is transposed: ours is J·u where Jᵀ·u is right; transpose the matrix",
    ),
    (
        chain_rule.elements_alone,
        "the diagonal of the Jacobian alone: what an element does to the other outputs is missing, usually a sum",
    ),
    (
        chain_rule.indices_alone,
        "what one {which} does to the output of another is missing (dimension {dimension}), usually a sum over it",
    ),
    (chain_rule.derivative_at_output, "the derivative is taken at the output: save the input and take it there"),
    (chain_rule.input_for_output, "written in terms of the output, given the input: save the output, not the input"),
    (chain_rule.one_sample, "{which} counted: sum over the whole batch"),
    (layout.wrong_dimension, "wrong dimension: ours is the {how} of grad_output over {dimensions}"),
    (
        layout.upstream_summed,
        "the derivative is missing: ours is the {how} of grad_output over {dimensions} and no more",
    ),
    (layout.summed, "{how} over {dimensions}, where each element has a gradient of its own"),
    (
        scaling.factor,
        "a constant factor: ours is {ratio} times the numeric one; drop it, or multiply by {inverse}{setting}",
    ),
    (masking.mask_too_wide, "the mask of backward is too wide: ours is zero {where}, and must not be"),
    (masking.mask_reversed, "the mask is reversed: ours is zero where it must not be, and only there"),
    (additive.factor_missing, "the factor {factor} is missing: times that, ours is right"),
    (additive.factor_too_many, "the factor {factor} is too many: ours is the numeric one times that"),
    (additive.value_added, "{term} itself is added: something like weight decay, which belongs into the optimizer"),
    (additive.constant_added, "a constant is added: ours is {number} more than the numeric one everywhere"),
    (additive.term_missing, "the term {term} is missing: what forward adds up has a part each in backward"),
    (additive.tensor_added, "{term} is added: a term too many"),
    (masking.clipped, "clipped at {bound}: a gradient is handed on whole"),
    (masking.branch, "right on one side only: {wrong} {where}; that branch has another derivative"),
    (layout.turned_round, "reversed: the right numbers, in the other order along dimension {dimension}"),
    (layout.shifted, "shifted: the right numbers, one place off along dimension {dimension}"),
    (layout.permuted, "permuted: the right numbers at wrong places"),
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
        additive.held_constant,
        "a mean or variance over dimension {dimension} is taken for a constant: what the input does to it is missing",
    ),
    (masking.without_sign, "the sign is lost: ours is the absolute value of the numeric one"),
    (masking.sign_alone, "the size is lost: ours is the sign of the numeric one alone"),
    (masking.unmasked, "the mask of forward is missing in backward: ours must be zero where forward drops an element"),
    (masking.dropped, "something is lost: ours is zero at some places, and right at all others"),
    (masking.drawn_anew, "another mask than forward's: save it there, or draw the same numbers"),
    (layout.few_elements, "right in all but {wrong} of {all} elements: a special case, or one entry too many"),
    (nearly, "nearly right, off by {error} of its size: another eps, an approximation, or float32 on the way"),
    (layout.broadcast, "not summed: ours has the shape of the batch, the tensor has not"),
)

# What can be asked of a gradient of the wrong shape.
OF_ANY_SHAPE: frozenset[Pattern] = frozenset(
    {
        not_finite,
        chain_rule.passed_on,
        layout.not_summed,
        layout.transposed,
        layout.reshaped,
        layout.upstream_summed,
        layout.summed,
        layout.broadcast,
    }
)

# What nearly anything fits, if it is only a few numbers.
LOOSE: frozenset[Pattern] = frozenset(
    {
        chain_rule.elements_alone,
        chain_rule.indices_alone,
        masking.mask_too_wide,
        masking.mask_reversed,
        masking.branch,
        masking.without_sign,
        masking.sign_alone,
        masking.clipped,
        masking.unmasked,
        masking.dropped,
        masking.drawn_anew,
        additive.tensor_added,
        additive.term_missing,
        layout.permuted,
        layout.wrong_indices,
        layout.few_elements,
    }
)


def diagnose(evidence: Evidence) -> str:
    """Return what the difference likely means, in one line; nothing if no pattern fits.

    >>> import torch
    >>> x, right = torch.randn(4), torch.randn(4)
    >>> diagnose(Evidence("input", -right, right, torch.randn(4), x, x, x))
    'the sign is wrong: ours is −1 times the numeric one'
    """
    few = evidence.distinct < ENOUGH
    for pattern, meaning in PATTERNS:
        if (not evidence.fits and pattern not in OF_ANY_SHAPE) or (few and pattern in LOOSE):
            continue
        if found := _found(pattern, evidence):
            return meaning.format(**(found if isinstance(found, Mapping) else {}))
    return ""


def _found(pattern: Pattern, evidence: Evidence) -> Mapping[str, str] | bool | None:
    try:
        return pattern(evidence)
    except Exception:  # noqa: BLE001 - a pattern that stumbles over a shape must not hide what is wrong
        return None


def _is_single(tensor: Tensor) -> bool:
    return torch.equal(tensor.float().double(), tensor.double())


def _error(evidence: Evidence) -> float:
    ours, numeric = evidence.pairs()
    if not len(numeric):
        return 0.0
    largest = numeric.abs().max().item()
    return (ours - numeric).abs().max().item() / largest if largest else 1.0
