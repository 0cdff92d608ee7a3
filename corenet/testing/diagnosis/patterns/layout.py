"""Gradients with the right numbers at the wrong indices, or in the wrong shape."""

from __future__ import annotations

from itertools import combinations, permutations, product

from torch import Tensor

from corenet.testing.diagnosis.evidence import Evidence, close, near
from corenet.testing.diagnosis.patterns.scaling import Words

MOST_PLACES = 8  # that a message lists


def transposed(evidence: Evidence) -> bool:
    numeric = evidence.numeric
    turned = [numeric.transpose(a, b) for a, b in combinations(range(numeric.dim()), 2)]
    return any(evidence.is_like(each) for each in turned)


def not_summed(evidence: Evidence) -> Words | None:
    """Ours has more dimensions, and is right once summed over some of them."""
    for dimensions in _subsets(evidence.ours.dim()):
        for keep in (False, True):
            summed = evidence.ours.sum(dimensions, keepdim=keep)
            if not evidence.fits and summed.shape == evidence.numeric.shape and _are(evidence, summed):
                return {"dimensions": _listed(dimensions)}
    return None


def summed(evidence: Evidence) -> Words | None:
    """Ours is summed over dimensions that the gradient has, dropped, kept or broadcast."""
    for dimensions in _subsets(evidence.numeric.dim()):
        total = evidence.numeric.sum(dimensions, keepdim=True)
        count = evidence.numeric.numel() // max(total.numel(), 1)
        if count < 2:
            continue
        for how, wanted in (("summed", total), ("averaged", total / count)):
            forms = (wanted, wanted.squeeze(dimensions), wanted.expand_as(evidence.numeric))
            if any(evidence.is_like(form) for form in forms):
                return {"dimensions": _listed(dimensions), "how": how}
    return None


def wrong_dimension(evidence: Evidence) -> Words | None:
    """Ours is the upstream gradient summed over other dimensions than the right ones."""
    return _sum_of_upstream(evidence, _sums_upstream(evidence))


def upstream_summed(evidence: Evidence) -> Words | None:
    """Ours is a sum of the upstream gradient, and the right one is not."""
    return _sum_of_upstream(evidence, not _sums_upstream(evidence))


def _sum_of_upstream(evidence: Evidence, wanted: bool) -> Words | None:
    if not (wanted and evidence.has_upstream):
        return None
    for dimensions in _subsets(evidence.upstream.dim()):
        total, mean = evidence.upstream.sum(dimensions), evidence.upstream.mean(dimensions)
        for how, each in (("sum", total), ("mean", mean)):
            if each.dim() == evidence.ours.dim() and (evidence.is_like(each) or _starts(evidence, each)):
                return {"dimensions": _listed(dimensions), "how": how}
    return None


def _sums_upstream(evidence: Evidence) -> bool:
    """Tell whether the right gradient is a sum of the upstream one, as that of a bias is."""
    sums = (evidence.upstream.sum(dimensions) for dimensions in _subsets(evidence.upstream.dim()))
    return any(each.shape == evidence.numeric.shape and _are(evidence, each) for each in sums)


def reshaped(evidence: Evidence) -> bool:
    """Ours has the right numbers in another shape."""
    ours, numeric = evidence.ours, evidence.numeric
    return not evidence.fits and ours.numel() == numeric.numel() and _are(evidence, ours.reshape(numeric.shape))


def broadcast(evidence: Evidence) -> bool:
    """Ours has the shape of the output or the input."""
    return not evidence.fits and evidence.ours.shape in (evidence.upstream.shape, evidence.input.shape)


def flipped(evidence: Evidence) -> Words | None:
    for dimension in range(evidence.numeric.dim()):
        if evidence.is_like(evidence.numeric.flip(dimension)):
            return {"dimension": str(dimension)}
    return None


def shifted(evidence: Evidence) -> Words | None:
    for dimension in range(evidence.numeric.dim()):
        for by in (1, -1):
            rolled = evidence.numeric.roll(by, dimension)
            if evidence.is_like(rolled) or _is_rolled_off(evidence, rolled, by, dimension):
                return {"dimension": str(dimension)}
    return None


def permuted(evidence: Evidence) -> bool:
    """Ours has the right numbers in another order."""
    ours, numeric = evidence.pairs()
    return len(numeric) > 1 and near(ours.sort().values, numeric.sort().values)


def wrong_indices(evidence: Evidence) -> Words | None:
    """Ours is wrong at some indices of one dimension and right at all others."""
    wrong = evidence.known & ~close(evidence.ours, evidence.numeric.where(evidence.known, 0))
    for dimension in range(wrong.dim()):
        across = [other for other in range(wrong.dim()) if other != dimension]
        lines = wrong.any(across) if across else wrong
        places = lines.nonzero().flatten().tolist()
        if len(places) <= max(1, len(lines) // 3) < len(lines):
            shown = ", ".join(map(str, places[:MOST_PLACES])) + ", …" * (len(places) > MOST_PLACES)
            return {"dimension": str(dimension), "places": shown, "last": str(len(lines) - 1)}
    return None


def tail_lost(evidence: Evidence) -> Words | None:
    """Ours is zero in the last rows or columns and right before, as where a loop over blocks forgets the rest."""
    if not evidence.numeric.dim() or not evidence.numeric.numel():
        return None
    numeric = evidence.numeric.where(evidence.known, 0)
    width = numeric.shape[-1] if numeric.dim() > 1 else 1
    if count := _lost(evidence.ours.reshape(-1, width), numeric.reshape(-1, width)):
        return {"count": str(count), "rows": f"{numeric.numel() // width} rows", "along": ""}
    for dimension in range(1, numeric.dim()):
        lines = [each.movedim(dimension, 0).flatten(1) for each in (evidence.ours, numeric)]
        if (count := _lost(*lines)) > 1:  # a single one may be the edge of a window
            return {"count": str(count), "rows": str(len(lines[0])), "along": f" along dimension {dimension}"}
    return None


def _lost(ours: Tensor, numeric: Tensor) -> int:
    """Return how many of the last rows are zero and must not be, if all before are right."""
    wrong = (~close(ours, numeric)).any(1)
    first = int(wrong.int().argmax())
    return 0 if first == 0 or ours[first:].any() or not numeric[:first].any() else len(wrong) - first


def mean_over_wrong_dimension(evidence: Evidence) -> Words | None:
    """What is subtracted is the mean, or the sum, over another dimension than the right one."""
    shape, upstream = evidence.numeric.shape, evidence.upstream
    if not evidence.has_upstream or upstream.shape != shape:
        return None
    seen = [each for each in (upstream.new_ones(shape), evidence.input, evidence.output) if each.shape == shape]
    for term, factor in product(seen, seen):
        for how, (ours, right) in product(("mean", "sum"), permutations(range(len(shape)), 2)):
            subtracted, wanted = (getattr(upstream * term, how)(each, keepdim=True) for each in (ours, right))
            if evidence.is_like(evidence.numeric - factor * (subtracted - wanted)):
                return {"how": how, "ours": str(ours), "right": str(right)}
    return None


def few_elements(evidence: Evidence) -> Words | None:
    ours, numeric = evidence.pairs()
    wrong = int((~close(ours, numeric)).sum())
    return {"wrong": str(wrong), "all": str(len(numeric))} if wrong <= len(numeric) / 3 else None


def _are(evidence: Evidence, candidate: Tensor) -> bool:
    return near(candidate[evidence.known], evidence.numeric[evidence.known])


def _starts(evidence: Evidence, wanted: Tensor) -> bool:
    """Tell whether one of ours and ``wanted`` is the beginning of the other."""
    if wanted.dim() != 1 or not evidence.fits:
        return False
    least = min(len(wanted), len(evidence.ours))
    return least > 1 and near(evidence.ours[:least], wanted[:least])


def _is_rolled_off(evidence: Evidence, rolled: Tensor, by: int, dimension: int) -> bool:
    """Tell whether ours is shifted, whatever stands in the index that becomes free."""
    length = rolled.shape[dimension]
    if length < 3 or not evidence.known.all():
        return False
    start = max(by, 0)
    return near(*(each.narrow(dimension, start, length - 1) for each in (evidence.ours, rolled)))


def _subsets(dimensions: int) -> list[tuple[int, ...]]:
    return [each for count in range(1, dimensions + 1) for each in combinations(range(dimensions), count)]


def _listed(dimensions: tuple[int, ...]) -> str:
    many = "s" if len(dimensions) > 1 else ""
    return f"dimension{many} {', '.join(map(str, dimensions))}"
