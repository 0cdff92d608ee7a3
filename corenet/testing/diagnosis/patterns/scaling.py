"""Gradients that are a constant times the right one."""

from __future__ import annotations

import math

from torch import Tensor

from corenet.testing.diagnosis.evidence import Evidence, near

Words = dict[str, str]


def constant(ours: Tensor, numeric: Tensor) -> float | None:
    """Return ``r`` where ``ours = r · numeric`` throughout, or None.

    >>> import torch
    >>> constant(torch.tensor([2.0, 4.0]), torch.tensor([1.0, 2.0]))
    2.0
    """
    squared = (numeric * numeric).sum()
    if not squared:
        return None
    ratio: float = ((ours * numeric).sum() / squared).item()
    return ratio if near(ours, ratio * numeric) else None


def sizes(evidence: Evidence) -> list[tuple[str, int, str]]:
    """Return each size that a mean may divide by: its letter, the number, and what it is the size of."""
    shape, outputs = evidence.input.shape, evidence.output.shape
    batch, last = (shape[0], shape[-1]) if shape else (1, 1)
    found = [
        ("N", batch, "the batch size"),
        ("N", math.prod(shape[:-1]), "the leading dimensions"),
        ("C", last, "the features"),
        ("C", outputs[-1] if outputs else 1, "the features of the output"),
        ("N·C", math.prod(shape), "all elements of the input"),
        ("N·C", math.prod(outputs), "all elements of the output"),
    ]
    if len(shape) > 2:
        positions = math.prod(shape[2:])
        found += [
            ("C", shape[1], "the channels"),
            ("L", positions, "the positions"),
            ("N·L", batch * positions, "both"),
        ]
    return [each for each in found if each[1] > 1]


def sign(evidence: Evidence) -> bool:
    return _is(_factor(evidence), -1)


def size_too_many(evidence: Evidence) -> Words | None:
    return _size(evidence, _factor(evidence))


def size_too_few(evidence: Evidence) -> Words | None:
    ratio = _factor(evidence)
    return _size(evidence, 1 / ratio) if ratio else None


def doubled(evidence: Evidence) -> Words | None:
    return {"setting": _two(evidence, 2, "missing")} if _is(_factor(evidence), 2) else None


def halved(evidence: Evidence) -> Words | None:
    return {"setting": _two(evidence, 0.5, "too many")} if _is(_factor(evidence), 0.5) else None


def other_size(evidence: Evidence) -> Words | None:
    """Ours is divided by one size where another is right, as a mean over another dimension is."""
    ratio = _factor(evidence)
    if ratio is None:
        return None
    for letter, divisor, name in sizes(evidence):
        for right_letter, right, right_name in sizes(evidence):
            if _is(ratio, right / divisor):
                return {"ours": f"{letter} = {divisor}, {name},", "right": f"{right_letter} = {right}, {right_name},"}
    return None


def setting_factor(evidence: Evidence) -> Words | None:
    """Ours is the right one times a number that the component was built with, or what it leaves of 1."""
    ratio = _factor(evidence)
    setting = _setting(evidence, ratio) if ratio else ""
    return {"ratio": f"{ratio:.7g}", "setting": setting} if setting else None


def constant_factor(evidence: Evidence) -> Words | None:
    ratio = _factor(evidence)
    if ratio is None or evidence.known.sum() < 2:
        return None
    return {"ratio": f"{ratio:.7g}", "inverse": f"{1 / ratio:.7g}"}


def factor_of_each_index(evidence: Evidence) -> Words | None:
    """Ours is the right one times a number for each row, column or channel."""
    if evidence.numeric.dim() < 2:
        return None
    ours, numeric = (each.where(evidence.known, 0) for each in (evidence.ours, evidence.numeric))
    for dimension in range(numeric.dim()):
        across = [other for other in range(numeric.dim()) if other != dimension]
        squared = (numeric * numeric).sum(across, keepdim=True)
        lines = int((squared != 0).sum())
        ratio = (ours * numeric).sum(across, keepdim=True) / squared.where(squared != 0, 1)
        enough = int((numeric != 0).sum()) >= 2 * lines
        if enough and lines > 1 and near(ours, ratio * numeric):
            return {"dimension": str(dimension), "which": "sample" if dimension == 0 else "feature or channel"}
    return None


def _factor(evidence: Evidence) -> float | None:
    return constant(*evidence.pairs())


def _setting(evidence: Evidence, ratio: float) -> str:
    """Return which number that the component was built with the factor may come from."""
    for name, value in evidence.settings.items():
        candidates = {f"1/{name}": value, name: 1 / value, f"1/(1 − {name})": 1 - value, f"1 − {name}": 1 / (1 - value)}
        if fitting := [missing for missing, number in candidates.items() if _is(ratio, number)]:
            return f"; {' or '.join(fitting)} may be missing, with {name} = {value:g}"
    return ""


def _two(evidence: Evidence, ratio: float, what: str) -> str:
    """Return what else a factor of 2 may come from: a setting, or a size that is 2."""
    fitting = [each for each in sizes(evidence) if each[1] == 2]
    size = f"; or 1/{fitting[0][0]} is {what} ({_named(fitting)})" if fitting else ""
    return _setting(evidence, ratio) + size


def _is(ratio: float | None, wanted: float) -> bool:
    return ratio is not None and abs(ratio - wanted) <= 1e-5 * abs(wanted)


def _size(evidence: Evidence, ratio: float | None) -> Words | None:
    if ratio is None:
        return None
    fitting = [each for each in sizes(evidence) if _is(abs(ratio), each[1])]
    if not fitting:
        return None
    return {
        "sizes": _named(fitting),
        "letter": fitting[0][0],
        "divisor": f"({fitting[0][0]})" if "·" in fitting[0][0] else fitting[0][0],
        "size": str(fitting[0][1]),
        "sign": " and the sign is wrong" if ratio < 0 else "",
    }


def _named(fitting: list[tuple[str, int, str]]) -> str:
    """Return the sizes with what they are of, each letter once: all are the same number."""
    named = {letter: (size, name) for letter, size, name in reversed(fitting)}
    return " or ".join(f"{letter} = {size}, {name}" for letter, (size, name) in reversed(named.items()))
