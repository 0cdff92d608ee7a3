"""From a wrong result to the misconception behind it, and the line that shows it."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from corenet.grading.guard import running
from corenet.grading.lines import line_of
from corenet.grading.more_edits import added_to, preceded
from corenet.grading.of_diagnosis import OF_DIAGNOSIS
from corenet.grading.of_edit import misconception_of
from corenet.grading.repairs import Repair, repair_of
from corenet.grading.source import Source
from corenet.grading.textbook import Point, Textbook, Worked
from corenet.grading.trial import Trial, agree, attempt
from corenet.grading.written import Written
from corenet.testing.diagnosis.diagnose import diagnose
from corenet.testing.diagnosis.evidence import Evidence
from corenet.testing.diagnosis.explain import VAGUE
from corenet.testing.diagnosis.source_edits import Edits, changed, minus_added
from corenet.testing.diagnosis.source_repairs import compared, extended, repaired

ALIKE = 1e-6  # a misconception names what differs from it by less
MANY, SOME = 400, 80  # edits of a kind that are tried: to name what is wrong, and to place what has a name
SECONDS = 2.0  # for the search of an edit: a bound that a usual submission does not come to
LARGEST = 300  # elements of an output of which the Jacobian is computed
FEW = 5  # rows that say enough, and are soon computed
CLOSE = 1e-4  # what is right but for so much is an approximation
FEW_DIGITS = re.compile(r"float32|float16|half|single|\.float\(\)")


class Explanation(NamedTuple):
    """A misconception by its name, "" if none fits, and the line that shows it."""

    slug: str
    line: int | None


def explain(
    textbook: Textbook, written: Written, source: Source, name: str, wrong: Sequence[Trial], right: Sequence[Trial]
) -> Explanation:
    """Return why the gradient of ``name``, or the output, is wrong in some trials and right in others."""
    line = line_of(source, textbook, written, name)
    slug = mistake_of(textbook, name, wrong)
    if not slug and of_one_size(wrong, right):
        return Explanation("hard_coded_shape", line)
    if not slug and _is_close(name, wrong):
        return Explanation(_of_few_digits(source, written), line)
    search = partial(_repaired, textbook, written, source, name, wrong, line)
    repair = search((changed,))
    code = ""
    if not slug and repair is None and name != "forward":
        code = _diagnosed(textbook, name, wrong)
    if repair is None and slug:
        repair = search((repaired, compared), SOME)  # for its line
    elif repair is None and (not code or code in VAGUE):
        repair = search((added_to, repaired, minus_added, preceded, extended, compared))
    if not slug and name != "forward" and _ignores_upstream(textbook, written, name, wrong[-1]):
        slug = "upstream_ignored"
    slug = slug or _named(code, repair) or _of_output(name, wrong)
    return Explanation(slug, repair.line if repair else line)


def mistake_of(textbook: Textbook, name: str, wrong: Sequence[Trial]) -> str:
    """Return the mistake of the layer's own list that all wrong trials show."""
    promise = name if name == "forward" else f"{name}_gradient"
    for slug, mistaken in textbook.mistakes.get(promise, ()):
        if all(_is_like(trial.ours(name), mistaken, trial.right) for trial in wrong):
            return slug
    return ""


def _is_like(ours: np.ndarray | None, mistaken: object, right: Worked) -> bool:
    if ours is None:
        return False
    with np.errstate(all="ignore"):
        try:
            expected = np.asarray(mistaken(right), dtype=np.float64)  # type: ignore[operator]
        except (ValueError, IndexError):  # the mistake makes no sense for these shapes
            return False
    return bool(np.isfinite(expected).all()) and agree(ours, expected, ALIKE)


def of_one_size(wrong: Sequence[Trial], right: Sequence[Trial]) -> bool:
    """Tell whether what is right for one size is wrong for others, and for these alone.

    One row does not count: nearly everything is right there.
    """
    sizes = {_rows(trial.point) for trial in right} - {1}
    return bool(sizes) and not sizes & {_rows(trial.point) for trial in wrong}


def _rows(point: Point) -> int:
    return len(next(iter(point.arguments.values())))


def _is_close(name: str, wrong: Sequence[Trial]) -> bool:
    return all(trial.agrees(name, CLOSE) for trial in wrong)


def _of_few_digits(source: Source, written: Written) -> str:
    texts = [ast.unparse(part) for part in source.parts(written.names)]
    return "single_precision" if any(map(FEW_DIGITS.search, texts)) else "approximate"


def _of_output(name: str, wrong: Sequence[Trial]) -> str:
    """Return what can be said of a wrong output without its formula."""
    for trial in wrong:
        ours, right = trial.ours(name), trial.wanted(name)
        if ours is not None and ours.shape == right.shape and not np.isfinite(ours).all():
            return "not_finite"
    if name != "forward":
        return ""
    if any(trial.output is not None and trial.output.shape != trial.wanted(name).shape for trial in wrong):
        return "wrong_shape"
    for factor, slug in ((-1.0, "wrong_sign"), (2.0, "factor_two"), (0.5, "factor_two")):
        if all(trial.output is not None and agree(trial.output, factor * trial.wanted(name), ALIKE) for trial in wrong):
            return slug
    return ""


def _ignores_upstream(textbook: Textbook, written: Written, name: str, trial: Trial) -> bool:
    """Tell whether a gradient is the same for another upstream gradient."""
    if textbook.is_random or not trial.gradients.get(name, np.zeros(1)).any():
        return False
    other = replace(trial.point, upstream=1.5 - 0.5 * trial.point.upstream)
    if np.array_equal(other.upstream, trial.point.upstream):
        return False
    return bool(np.array_equal(attempt(textbook, written, other).gradients.get(name, ()), trial.gradients[name]))


def _named(code: str, repair: Repair | None) -> str:
    """Return the misconception that a diagnosis stands for, or, if it is vague, the edit that mends it."""
    if repair is not None and (not code or code in VAGUE):
        return misconception_of(repair.edit)
    return OF_DIAGNOSIS.get(code, "")


def _repaired(
    textbook: Textbook,
    written: Written,
    source: Source,
    name: str,
    wrong: Sequence[Trial],
    line: int | None,
    edits: Sequence[Edits],
    most: int = MANY,
) -> Repair | None:
    """Return an edit of the source that makes the wrong trials right."""
    fewest = sorted(wrong, key=lambda trial: abs(_rows(trial.point) - FEW))

    def is_right() -> bool:
        return all(attempt(textbook, written, each.point, each.right).agrees(name) for each in fewest)

    with running():
        return repair_of(written, source, edits, is_right, line, most, time.process_time() + SECONDS)


def _diagnosed(textbook: Textbook, name: str, wrong: Sequence[Trial]) -> str:
    """Return the pattern of the kit's diagnosis that fits one of the wrong trials, those of few rows first."""
    fitting = [trial for trial in wrong if trial.ours(name) is not None and trial.output is not None]
    for trial in sorted(fitting, key=lambda each: abs(_rows(each.point) - FEW)):
        found = diagnose(_evidence(textbook, name, trial))
        if found is not None and found.code in OF_DIAGNOSIS:
            return found.code
    return ""


def _evidence(textbook: Textbook, name: str, trial: Trial) -> Evidence:
    right, given = trial.right, trial.point.arguments
    arrays = {each: value for each, value in given.items() if isinstance(value, np.ndarray)}
    input_name = name if name in textbook.inputs else textbook.inputs[0]
    numbers = {each: float(value) for each, value in given.items() if type(value) is float}
    return Evidence(
        name,
        _tensor(trial.ours(name)),
        _tensor(trial.wanted(name)),
        _tensor(right.upstream),
        _tensor(arrays[input_name]),
        _tensor(right.output),
        _tensor(arrays[name]),
        jacobian=_jacobian(textbook, name, trial),
        others={each: _tensor(value) for each, value in right.gradients.items() if each != name},
        parameters={each: _tensor(value) for each, value in arrays.items() if each != input_name},
        settings={each: value for each, value in numbers.items() if value not in (0, 1)},
        previous=0.0,
        input_name=input_name,
        integers={each: _tensor(value) for each, value in arrays.items() if value.dtype.kind == "i"},
    )


def _jacobian(textbook: Textbook, name: str, trial: Trial) -> torch.Tensor | None:
    """Return ``∂output/∂name``, in the shape of the tensor and then of the output, if it is small."""
    output, value = trial.right.output, trial.point.arguments[name]
    if not 0 < output.size <= LARGEST or textbook.is_random:
        return None
    rows = []
    for place in range(output.size):
        unit = np.zeros(output.size)
        unit[place] = 1.0
        gradients = textbook.backward(unit.reshape(output.shape), trial.right.cache)
        each = gradients if isinstance(gradients, tuple) else (gradients,)
        rows.append(np.asarray(each[textbook.derived.index(name)]).ravel())
    return _tensor(np.stack(rows, axis=1).reshape(*value.shape, *output.shape))


def _tensor(value: object) -> torch.Tensor:
    array = np.asarray(value)
    return torch.from_numpy(np.array(array, dtype=np.float64 if array.dtype.kind in "fb" else array.dtype))
