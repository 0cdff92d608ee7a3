"""What a layer promises: each promise is a check, and worth some points."""

from __future__ import annotations

from typing import NamedTuple

from corenet.grading.textbook import Style, Textbook


class Promise(NamedTuple):
    """A promise: its name, such as ``weight_gradient``, a title, and its points unless an assignment says others."""

    name: str
    title: str
    points: float


def promises_of(textbook: Textbook, style: Style) -> list[Promise]:
    """Return what a layer promises in a style, in the order in which results are shown.

    >>> from corenet.grading.layers import layer
    >>> [promise.name for promise in promises_of(layer("relu"), "numpy")]
    ['forward', 'input_gradient', 'calls']
    """
    what = "the loss" if textbook.is_loss else "the output"
    found = [Promise("forward", f"{what} of forward", 1.0)]
    found += [Promise(f"{name}_gradient", f"the gradient of the {name}", 2.0) for name in textbook.derived]
    if style == "module" and textbook.parameters:
        found.append(Promise("accumulation", "gradients add up in .grad", 1.0))
    found.append(Promise("calls", "calls leave each other and their arguments alone", 1.0))
    if textbook.large:
        found.append(Promise("large_values", "large inputs do not overflow", 1.0))
    return found
