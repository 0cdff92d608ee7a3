"""The header of a safetensors file: which tensors lie where in it, believed only where everything fits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import Any

import torch

LONGEST = 2**23  # bytes of a header: of a table with 10,000 columns it takes one million
MOST = 10_000  # tensors
HIGHEST = 8  # dimensions
NAME = re.compile(r"[A-Za-z0-9._-]{1,256}")
METADATA = "__metadata__"
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "C64": torch.complex64,
}


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies among the data, ``begin`` to ``end`` in bytes, and what it is."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int
    end: int


def entries(header: Any, size: int) -> dict[str, Entry]:
    """Return the tensors of a header; together they are the ``size`` bytes of data, without a gap.

    Raises:
        ValueError: something in it does not fit, which the message names.

    >>> entries({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, 8)
    {'a': Entry(dtype=torch.float32, shape=(2,), begin=0, end=8)}
    >>> entries({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, 12)
    Traceback (most recent call last):
    ValueError: its tensors take 8 bytes, and it has 12
    """
    if type(header) is not dict:
        raise ValueError(f"its header is a {type(header).__name__}, not a table of tensors")
    named = {name: value for name, value in header.items() if name != METADATA}
    if len(named) > MOST:
        raise ValueError(f"it has {len(named)} tensors, more than {MOST}")
    found = {name: _entry(name, value) for name, value in named.items()}
    _refuse_gaps(found, size)
    return found


def refuse_name(name: str) -> None:
    """Raise a ValueError unless ``name`` may be that of a tensor."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name[:80]!r} is no name of a tensor: at most 256 letters, digits and ._-")


def _entry(name: str, value: Any) -> Entry:
    refuse_name(name)
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name!r} needs dtype, shape and data_offsets, and nothing else")
    dtype, shape, offsets = (value[each] for each in ("dtype", "shape", "data_offsets"))
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"tensor {name!r} has dtype {str(dtype)[:80]!r}, which there is not")
    if not _counts(shape) or len(shape) > HIGHEST or prod(max(each, 1) for each in shape) >= 2**60:
        raise ValueError(f"tensor {name!r} has shape {str(shape)[:80]}, which no tensor has")
    if not _counts(offsets) or len(offsets) != 2:
        raise ValueError(f"tensor {name!r} has data_offsets {str(offsets)[:80]}, not two numbers")
    begin, end = offsets
    takes = prod(shape) * DTYPES[dtype].itemsize
    if end - begin != takes:
        raise ValueError(f"tensor {name!r} takes {takes} bytes and has {end - begin}")
    return Entry(DTYPES[dtype], tuple(shape), begin, end)


def _counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(each) is int and 0 <= each < 2**60 for each in values)


def _refuse_gaps(found: dict[str, Entry], size: int) -> None:
    end = 0
    for name, entry in sorted(found.items(), key=lambda each: (each[1].begin, each[1].end)):
        if entry.begin != end:
            raise ValueError(f"tensor {name!r} begins at byte {entry.begin}, and the one before it ends at {end}")
        end = entry.end
    if end != size:
        raise ValueError(f"its tensors take {end} bytes, and it has {size}")
