"""What a forward saves for its backward."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from corenet.errors import BackwardError


class Saved:
    """Values kept from a forward to its backward; of tensors, how often each had been changed in place by then.

    ``before`` is what an earlier forward saved, of a module that runs several times in a step. ``outputs`` are the
    shape and dtype of each output, known from the end of the forward until a backward has compared its arguments with
    them.
    """

    __slots__ = ("before", "outputs", "values", "versions")

    def __init__(self, values: tuple[Any, ...], before: Saved | None = None) -> None:
        self.values, self.before = values, before
        self.versions = _versions(values)
        self.outputs: tuple[tuple[torch.Size, torch.dtype], ...] | None = None

    def unchanged(self, owner: object) -> tuple[Any, ...]:
        """Return the values.

        Raises:
            BackwardError: a tensor was changed in place since it was saved, so the derivative would be that of other
                values.
        """
        if _versions(self.values) != self.versions:
            raise BackwardError(
                f"a tensor that {owner!r} saved for backward was changed in place since; change a clone of it instead"
            )
        return self.values


def _versions(values: tuple[Any, ...]) -> list[int]:
    """Return torch's count of in-place changes of each tensor; it counts none while tracing or in inference mode."""
    if torch.compiler.is_compiling():
        return []
    try:
        return [value._version for value in values]
    except AttributeError:  # something among them is no tensor
        return _versions(tuple(value for value in values if isinstance(value, Tensor)))
    except RuntimeError:
        return []


def has_saved(part: object) -> bool:
    """Tell whether a module or a loss keeps something for a backward that has not come yet."""
    return getattr(part, "_saved", None) is not None
