"""Each tool asked of each fault, and of each right function in each dtype and shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from benchmarks.backwards.corpus import SUBJECTS
from benchmarks.backwards.subject import Fault, Subject
from benchmarks.backwards.tools import TOOLS, verdict

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
SHAPES = ((4, 3), (1, 5), (7, 2), (3, 9), (5, 1))
IN_FLOAT64 = ("gradcheck", "gradcheck, fast", "check_grads")  # at their best, or only, in that
GIVEN = (4, 5)
LINE = re.compile(r"^\s*\S+\.py:\d+.*$", re.MULTILINE)  # a line of the source, which names no cause


@dataclass(frozen=True)
class Row:
    """What one tool said of one function: ``fault`` is empty of a right one."""

    tool: str
    function: str
    fault: str
    kind: str
    source: str
    dtype: str
    shape: tuple[int, int]
    accused: bool
    named: bool
    seconds: float
    said: str


def of_fault(subject: Subject, fault: Fault, tools: Sequence[str]) -> Iterator[Row]:
    """Yield what each tool says of a fault."""
    for tool in tools:
        dtype = torch.float64 if tool in IN_FLOAT64 else fault.dtype
        found = verdict(TOOLS[tool], fault.function, subject.args(*GIVEN, dtype))
        yield Row(
            tool,
            subject.name,
            fault.name,
            fault.kind,
            fault.source,
            _short(dtype),
            GIVEN,
            found.accused,
            found.accused and names(fault, found.said),
            found.seconds,
            found.said,
        )


def of_right(subject: Subject, tools: Sequence[str], shapes: Sequence[tuple[int, int]] = SHAPES) -> Iterator[Row]:
    """Yield what each tool says of the right function, in each dtype and shape."""
    for place, shape in enumerate(shapes):
        for dtype in DTYPES:
            for tool in tools:
                args = subject.args(*shape, dtype, seed=place)
                found = verdict(TOOLS[tool], subject.function, args)
                yield Row(
                    tool,
                    subject.name,
                    "",
                    "",
                    "",
                    _short(dtype),
                    shape,
                    found.accused,
                    False,
                    found.seconds,
                    found.said,
                )


def names(fault: Fault, said: str) -> bool:
    """Tell whether what is said names the cause, the line of the source left out; an edit that mends it does."""
    return re.search(f"makes it right|{fault.says}", LINE.sub("", said)) is not None


def subjects(name: str = "") -> tuple[Subject, ...]:
    """Return the functions of the corpus, or the one of that name."""
    return tuple(each for each in SUBJECTS if name in ("", each.name))


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
