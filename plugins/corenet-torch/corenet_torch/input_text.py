"""Arguments described in a line of text, such as ``float32[4,3], int64[4]<10, 0.5``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import torch
from corenet.errors import ConfigError, did_you_mean
from torch import Tensor

GRAMMAR = (
    "a tensor is dtype[shape], such as float32[4,3], float32[3]>0, float32[3]>0<1, int64[4]<10 or float32[3] fixed; "
    "all else is a number, True, False, None or a quoted string"
)
SEPARATOR = re.compile(r"[\s,]*")
TENSOR = re.compile(
    r"(?P<dtype>[a-z]\w*)\s*\[(?P<shape>[\d\s,]*)\]"
    r"(\s*>\s*(?P<above>-?[\d.]+))?(\s*<\s*(?P<below>-?[\d.]+))?(?P<fixed>\s+fixed\b)?(?=[\s,]|$)"
)
WORD = re.compile(r"'[^']*'|\"[^\"]*\"|[^\s,\[\]<>]+(?=[\s,]|$)")
DTYPES = {str(each).removeprefix("torch."): each for each in vars(torch).values() if isinstance(each, torch.dtype)}
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
MARGIN = 0.05  # of an interval, on either side


def read_inputs(text: str, seed: int = 0) -> tuple[Any, ...]:
    """Return the arguments that a text describes, with random numbers of this seed.

    They are separated by commas or blanks. Numbers are drawn from a normal distribution, or near a bound on that side
    of it, or between two. Integers are drawn below a bound, from 0 or above another. Of what is ``fixed`` no gradient
    is asked.

    Raises:
        ConfigError: it is no description; the message says what one looks like.

    >>> [tuple(each.shape) for each in read_inputs("float32[4,3], float64[3]>0")]
    [(4, 3), (3,)]
    >>> read_inputs("int64[2]<1 0.5 None 'mean'")
    (tensor([0, 0]), 0.5, None, 'mean')
    """
    generator = torch.Generator().manual_seed(seed)
    found = [_read(text, part, generator) for part in _parts(text)]
    values = [value for value, _ in found]
    asked = [value for value, fixed in found if not fixed and isinstance(value, Tensor) and value.is_floating_point()]
    if any(fixed for _, fixed in found):
        if not asked:
            _refuse(text, "all is fixed, and nothing is left of which to take a gradient")
        for each in asked:
            each.requires_grad_()
    return tuple(values)


def _parts(text: str) -> Iterator[re.Match[str]]:
    at = _past(SEPARATOR.match(text))
    if at == len(text):
        _refuse(text, "it is empty")
    while at < len(text):
        part = TENSOR.match(text, at) or WORD.match(text, at)
        if part is None:
            _refuse(text, f"{text[at : at + 40]!r} cannot be read")
        yield part
        at = _past(SEPARATOR.match(text, part.end()))


def _past(found: re.Match[str] | None) -> int:
    assert found is not None  # it may be empty
    return found.end()


def _read(text: str, part: re.Match[str], generator: torch.Generator) -> tuple[Any, bool]:
    """Return the value of a part, and whether it is fixed."""
    if part.re is TENSOR:
        return _drawn(text, part, generator), part["fixed"] is not None
    try:
        return ast.literal_eval(part[0]), False
    except (ValueError, SyntaxError):
        _refuse(text, f"{part[0]!r} cannot be read")


def _drawn(text: str, part: re.Match[str], generator: torch.Generator) -> Tensor:
    if part["dtype"] not in DTYPES:
        _refuse(text, f"there is no dtype {part['dtype']!r}{did_you_mean(part['dtype'], DTYPES)}")
    dtype = DTYPES[part["dtype"]]
    shape = [int(each) for each in re.findall(r"\d+", part["shape"])]
    try:
        low, high = (None if part[name] is None else float(part[name]) for name in ("above", "below"))
    except ValueError:
        _refuse(text, f"a bound of {part[0]} is no number")
    if low is not None and high is not None and low >= high:
        _refuse(text, f"there is nothing between the bounds of {part[0]}")
    if dtype == torch.bool:
        return torch.randint(2, shape, generator=generator) > 0
    if dtype in INTEGERS:
        first = 0 if low is None else int(low) + 1
        if high is None or first >= high:
            _refuse(
                text, f"{part[0]} needs a bound above {first}, such as {part['dtype']}[{part['shape']}]<{first + 10}"
            )
        return torch.randint(first, int(high), shape, generator=generator).to(dtype)
    if not (dtype.is_floating_point or dtype.is_complex):
        _refuse(text, f"nothing is drawn of dtype {part['dtype']}")
    return _between(low, high, shape, generator).to(dtype)


def _between(low: float | None, high: float | None, shape: list[int], generator: torch.Generator) -> Tensor:
    if low is None and high is None:
        return torch.randn(shape, generator=generator, dtype=torch.float64)
    part = torch.rand(shape, generator=generator, dtype=torch.float64)
    if low is None or high is None:
        return low + 0.5 + part if low is not None else high - 0.5 - part  # type: ignore[operator]
    return low + (high - low) * (MARGIN + (1 - 2 * MARGIN) * part)


def _refuse(text: str, why: str) -> NoReturn:
    raise ConfigError(f"inputs {text!r}: {why}; {GRAMMAR}")
