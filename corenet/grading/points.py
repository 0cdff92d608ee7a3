"""Where a layer is tried: several sizes and magnitudes, upstream gradients that are not one."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from corenet.grading.textbook import Arguments, Kind, Point, Style, Textbook, fresh

# By how much the inputs and the upstream gradient of the points of other magnitudes are multiplied.
MAGNITUDES = ((0.02, 300.0), (2.0, 0.01))


def points_of(textbook: Textbook, style: Style) -> list[Point]:
    """Return the points of a layer, the same each time.

    >>> from corenet.grading.layers import layer
    >>> [point.arguments["input"].shape for point in points_of(layer("relu"), "numpy")]
    [(1, 7), (5, 7), (33, 7), (5, 7), (5, 7)]
    """
    random = np.random.default_rng(zlib.crc32(textbook.name.encode()))
    few = textbook.rows[1]
    drawn: list[tuple[Arguments, float, Kind]] = [
        (textbook.draw(random, rows), 1.0, "ordinary") for rows in textbook.rows
    ]
    drawn += [(_scaled(textbook, random, few, by), upstream, "ordinary") for by, upstream in MAGNITUDES]
    if textbook.other:
        drawn.append((textbook.draw(random, few) | textbook.other, 1.0, "ordinary"))
    if textbook.large:
        drawn.append((_large(textbook, random, few), 1.0, "large"))
    if textbook.evaluation is not None:
        drawn.append((textbook.draw(random, few) | textbook.evaluation, 1.0, "evaluation"))
    return [_point(textbook, style, random, seed, *each) for seed, each in enumerate(drawn)]


def _point(
    textbook: Textbook, style: Style, random: np.random.Generator, seed: int, given: Arguments, by: float, kind: Kind
) -> Point:
    shape = np.shape(textbook.forward(*fresh(Point(given, np.ones(()), kind, seed)).values())[0])
    # In the module style a loss has no upstream gradient: it is 1.
    upstream = np.ones(()) if textbook.is_loss and style == "module" else by * random.normal(0.3, 1.0, shape)
    return Point(given, np.asarray(upstream), kind, seed)


def _scaled(textbook: Textbook, random: np.random.Generator, rows: int, by: float) -> Arguments:
    given = textbook.draw(random, rows)
    return {name: value * by if name in textbook.inputs and _is_real(value) else value for name, value in given.items()}


def _large(textbook: Textbook, random: np.random.Generator, rows: int) -> Arguments:
    """Return arguments of which some inputs are as large as the layer has to bear, of either sign."""
    given = textbook.draw(random, rows)
    for name in textbook.inputs:
        if _is_real(given[name]):
            given[name][:, ::2] = textbook.large * random.choice([-1.0, 1.0], given[name][:, ::2].shape)
    return given


def _is_real(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"
