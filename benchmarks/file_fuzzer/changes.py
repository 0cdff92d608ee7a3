"""Changes that know the format: a byte that the checksum would show is never seen by what comes after it."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from corenet.checkpoint.container import BEFORE, BLANK, KEY, PLACE
from corenet.checkpoint.header import METADATA

HUGE = 10**9
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    3,
    7,
    2**31,
    2**63,
    -(2**70),
    HUGE,
    0.5,
    -1e308,
    1e-320,
    "",
    "0",
    "\ud800",
    "\n\x1b[1m",
    "0.weight",
    "corenet:linear",
    "corenet:relu",
    "corenet:sgd",
    "cpu",
    "meta",
    [],
    {},
    [[]],
    [0],
    [0, 1],
    [1, 2, 3],
    {"float": "nan"},
    {"float": "-inf"},
    {"tuple": [1, 2]},
    {"dict": [["a", 1]]},
    {"dict": [[[], 1]]},
    "é" * 300,
    {"dtype": "float64"},
    {"dtype": "bits8"},
    {"device": "cpu"},
    {"device": "meta"},
    {"tensor": "0"},
    {"tensor": []},
    {"unknown": 3},
    {"sequential": []},
    {"sequential": [{"sequential": []}]},
    {"module": "corenet:relu", "arguments": {}},
    {"module": "corenet:linear", "arguments": {"in_features": HUGE, "out_features": HUGE}},
    {"module": "corenet:linear", "arguments": {"in_features": 40_000, "out_features": 40_000, "device": "cpu"}},
    {"module": "corenet:dropout", "arguments": {"p": 0.5}},
    {"schedule": "corenet:step", "arguments": {}},
    {"initializer": "corenet:orthogonal", "arguments": {}},
    {"loss": "corenet:mse", "arguments": {}},
]
DTYPES = ["F64", "F32", "F16", "BF16", "I64", "I32", "U8", "BOOL", "C64", "F8_E4M3", "U16"]


def signed(content: bytes) -> bytes:
    """Return a file with the length of its header and its checksum set right, where it has places for them."""
    if content[8 : 8 + len(BEFORE)] != BEFORE or len(content) < PLACE.stop:
        return content
    blank = content[: PLACE.start] + BLANK.encode() + content[PLACE.stop :]
    return content[: PLACE.start] + hashlib.sha256(blank).hexdigest().encode() + content[PLACE.stop :]


def changed(content: bytes, draw: random.Random) -> bytes:
    """Return a file with something of its header, its description or its tensors changed, if it is one."""
    try:
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        said = header[METADATA]
        name = KEY if KEY in said else draw.choice([each for each in said if each != "format"])
        document = json.loads(said[name])
    except (ValueError, LookupError, TypeError, RecursionError):
        return content
    data = bytearray(content[start:])
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        draw.choice(CHANGES)(header, document, data, draw)
    said[name] = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    plain = draw.random() < 0.2  # with every letter beyond ASCII as an escape
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=plain).encode("utf-8", "surrogatepass")
    return len(text).to_bytes(8, "little") + text + bytes(data)


def _in_document(_: Any, document: Any, __: bytearray, draw: random.Random) -> None:
    _one_place(document, draw)


def _in_header(header: Any, _: Any, __: bytearray, draw: random.Random) -> None:
    tensors = [name for name in header if name != METADATA]
    if tensors:
        _one_place(header[draw.choice(tensors)], draw)


def _in_data(_: Any, __: Any, data: bytearray, draw: random.Random) -> None:
    if data:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _in_size(_: Any, __: Any, data: bytearray, draw: random.Random) -> None:
    if draw.random() < 0.5:
        data.extend(bytes(draw.randrange(1, 9)))
    else:
        del data[draw.randrange(len(data) + 1) :]


def _of_a_tensor(header: Any, _: Any, data: bytearray, draw: random.Random) -> None:
    """Another name, dtype or shape of one tensor, and all of them laid out anew so that the sizes fit."""
    tensors = [name for name in header if name != METADATA]
    if not tensors:
        return
    name = draw.choice(tensors)
    entry = header.pop(name)
    if not isinstance(entry, dict):
        return
    if draw.random() < 0.5:
        entry["shape"] = [draw.randrange(4) for _ in range(draw.randrange(4))]
    if draw.random() < 0.5:
        entry["dtype"] = draw.choice(DTYPES)
    if draw.random() < 0.8:
        names = [
            name,
            f"{name}.x",
            draw.choice(tensors),
            "optimizer.99.mean",
            "optimizer.x",
            "draws.7",
            "other",
            "model.",
        ]
        header[draw.choice(names)] = entry
    _laid_out(header, data)


def _laid_out(header: Any, data: bytearray) -> None:
    end = 0
    for name, entry in header.items():
        if name != METADATA and isinstance(entry, dict):
            size = _size(entry)
            entry["data_offsets"] = [end, end + size]
            end += size
    del data[end:]
    data.extend(bytes(end - len(data)))


def _size(entry: Any) -> int:
    count, bits = 1, {"F64": 8, "I64": 8, "C64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "U16": 2}
    for each in entry.get("shape") if isinstance(entry.get("shape"), list) else []:
        count *= each if type(each) is int and 0 <= each < 99 else 1
    return min(count, 4096) * bits.get(str(entry.get("dtype")), 1)


def _one_place(tree: Any, draw: random.Random) -> None:
    """Replace, remove, repeat or rename one place of a tree of tables and lists."""
    above = [each for each in _tables(tree) if each]
    if not above:
        return
    place = draw.choice(above)
    key = draw.choice(list(place) if isinstance(place, dict) else range(len(place)))
    what = draw.randrange(5)
    if what == 0:
        del place[key]
    elif what == 1:
        other = draw.choice(above)
        place[key] = deepcopy(draw.choice(list(other.values() if isinstance(other, dict) else other)))
    elif what == 2 and isinstance(place, dict):
        place[draw.choice(["x", "device", "dtype", "p", "unknown", "in_features", f"{key}.weight"])] = deepcopy(
            place[key]
        )
    elif what == 2:
        place.insert(draw.randrange(len(place) + 1), deepcopy(place[key]))
    else:
        place[key] = deepcopy(draw.choice(VALUES))


def _tables(tree: Any) -> list[Any]:
    if not isinstance(tree, (dict, list)):
        return []
    inner = tree.values() if isinstance(tree, dict) else tree
    return [tree, *(found for each in inner for found in _tables(each))]


Change = Callable[[Any, Any, bytearray, random.Random], None]
CHANGES: list[Change] = [_in_document, _in_document, _in_document, _in_header, _in_data, _in_size, _of_a_tensor]
