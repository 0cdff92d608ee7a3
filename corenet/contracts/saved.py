"""The tensors that a forward saves for its backward."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.errors import BackwardError


class Saved:
    """Tensors kept from a forward to its backward, with the number of in-place changes that each had seen by then.

    ``shape`` and ``dtype`` are those of the output, known until a backward has compared its argument with them.
    """

    __slots__ = ("dtype", "shape", "tensors", "versions")

    def __init__(self, tensors: tuple[Tensor, ...]) -> None:
        self.tensors = tensors
        self.versions = _versions(tensors)
        self.shape: torch.Size | None = None
        self.dtype: torch.dtype | None = None

    def unchanged(self, owner: object) -> tuple[Tensor, ...]:
        """Return the tensors.

        Raises:
            BackwardError: one was changed in place since it was saved, so the derivative would be that of other values.
        """
        if _versions(self.tensors) != self.versions:
            raise BackwardError(
                f"a tensor that {owner!r} saved for backward was changed in place since; change a clone of it instead"
            )
        return self.tensors


def _versions(tensors: tuple[Tensor, ...]) -> list[int]:
    """Return torch's count of in-place changes of each tensor; it counts none while tracing or in inference mode."""
    if torch.compiler.is_compiling():
        return []
    try:
        return [tensor._version for tensor in tensors]
    except RuntimeError:
        return []


def has_saved(part: object) -> bool:
    """Tell whether a module or a loss keeps something for a backward that has not come yet."""
    return getattr(part, "_saved", None) is not None
