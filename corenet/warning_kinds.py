"""Every warning of corenet: what goes on, and not as could be wished."""

from __future__ import annotations


class EngineWarning(UserWarning):
    """Training goes on, by a slower engine than the one that was asked for."""


class TableWarning(UserWarning):
    """A row has what the training's table had not, and is taken as if it lacked it.

    ``cell`` says where and what it is, ``taken`` how it is taken.
    """

    def __init__(self, message: str, *, cell: str = "", taken: str = "") -> None:
        self.cell, self.taken = cell, taken
        super().__init__(message)


class CheckpointWarning(UserWarning):
    """A file is loaded, but not all that could be wished of it: it has no checksum, or an optimizer that stays out."""


class AdviceWarning(UserWarning):
    """A training can be better, and the message says how; ``kind`` is what it is about, such as ``"dead_units"``.

    ``warnings.simplefilter("ignore", cn.AdviceWarning)`` turns all advice off.
    """

    def __init__(self, message: str, *, kind: str = "") -> None:
        self.kind = kind
        super().__init__(message)
