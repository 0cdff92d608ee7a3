"""Every exception of corenet, and its warnings.

Each one is a :class:`CorenetError` and also the built-in kind that a user would
catch without knowing corenet, says in one line what is wrong and what to do,
and keeps the evidence as fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from corenet.warning_kinds import AdviceWarning, CheckpointWarning, EngineWarning, TableWarning

__all__ = [
    "AdviceWarning",
    "AmbiguousComponentError",
    "BackwardError",
    "BrokenComponentError",
    "BrokenPluginError",
    "CallbackError",
    "CheckpointError",
    "CheckpointWarning",
    "ConfigError",
    "ConformanceError",
    "CorenetError",
    "DTypeError",
    "DataError",
    "DeviceError",
    "EngineWarning",
    "GradientError",
    "MissingExtraError",
    "NonFiniteError",
    "OutOfMemoryError",
    "OutputError",
    "RangeError",
    "RankError",
    "ShapeError",
    "ShardError",
    "StructureError",
    "TableWarning",
    "UnavailableComponentError",
    "UnknownComponentError",
]


class CorenetError(Exception):
    """The root of every error that corenet raises on purpose."""


class ShapeError(CorenetError, ValueError):
    """A tensor has a shape that the component named in the message cannot take.

    >>> print(ShapeError("Linear(25 → 1)", (100, 24), "expected last dimension 25"))
    Linear(25 → 1) got (100, 24); expected last dimension 25
    """

    def __init__(
        self,
        component: str,
        shape: Sequence[int] = (),
        expected: str = "",
        *,
        source: str | None = None,
    ) -> None:
        self.component = component
        self.shape = tuple(shape)
        self.expected = expected
        self.source = source
        super().__init__(component, self.shape, expected)

    def __str__(self) -> str:
        origin = f" from {self.source}" if self.source else ""
        return f"{self.component} got {self.shape}{origin}; {self.expected}"


class DTypeError(CorenetError, TypeError):
    """A value is not a tensor, two dtypes do not match, or a dtype cannot have a gradient."""


class DeviceError(CorenetError, ValueError):
    """There is no such device, or two tensors are on different devices."""


class ConfigError(CorenetError, ValueError):
    """A constructor argument or an option has a value that cannot work."""

    def __init__(self, message: str, *, name: str | None = None, value: object = None) -> None:
        self.name = name
        self.value = value
        super().__init__(message)


class RangeError(CorenetError, ValueError):
    """Data lies outside the domain of the function that was asked to take it."""


class DataError(CorenetError, ValueError):
    """A data set is empty, not finite, or its parts do not fit together."""


class ShardError(DataError):
    """A file of a streamed table is gone, or another than it was; once it is put back, the training can go on."""


class StructureError(CorenetError, ValueError):
    """A model is put together in a way that would give wrong gradients."""


class BackwardError(CorenetError, RuntimeError):
    """``backward`` was called without its ``forward``, twice, or out of order."""


class NonFiniteError(CorenetError, ArithmeticError):
    """Training met a loss or a gradient that is infinite or not a number.

    Raised before the weights are written. ``epoch`` and ``step`` count from 1, ``round`` from 0,
    ``module`` is the first in backward order whose gradient is not finite. Out of :func:`~corenet.fit`,
    ``history`` has the epochs before, ``rows`` the numbers of the batch's rows in the data, and ``evidence`` says which
    layer's numbers were the first that went wrong, and how large its others are.
    """

    def __init__(
        self,
        message: str,
        *,
        loss: float = float("nan"),
        module: str | None = None,
        epoch: int | None = None,
        step: int | None = None,
        round: int | None = None,
    ) -> None:
        self.round = round
        self.history: Sequence[object] = ()
        self.rows: Sequence[int] = ()
        self.evidence = ""
        self.loss = loss
        self.module = module
        self.epoch = epoch
        self.step = step
        super().__init__(message)

    def __str__(self) -> str:
        round = f"round {self.round}, " if self.round is not None else ""
        where = f"epoch {self.epoch}, step {self.step}: " if self.epoch is not None else ""
        return round + where + super().__str__() + (f"; {self.evidence}" if self.evidence else "")


class CallbackError(CorenetError, RuntimeError):
    """A callback raised something, and the training ended there; the message has what, and ``__cause__`` is it.

    A :class:`ConfigError`, which is about an argument of the callback, is raised as it is.
    ``callback`` is the name of its class, ``epoch`` the last that was done; ``history`` has the epochs so far.
    """

    def __init__(self, message: str, *, callback: str = "", epoch: int = 0) -> None:
        self.callback = callback
        self.epoch = epoch
        self.history: Sequence[object] = ()
        super().__init__(message)


class RankError(CorenetError, ConnectionError):
    """One of the processes that share out a training has ended, does not answer, or has other weights."""


class OutOfMemoryError(CorenetError, MemoryError):
    """There is not enough memory for a step, or for what is measured after an epoch; ``__cause__`` is torch's."""


class GradientError(CorenetError, AssertionError):
    """A hand-written gradient differs from the numeric one; ``report`` has the figures."""

    def __init__(self, message: str, *, report: object = None) -> None:
        self.report = report
        super().__init__(message)


class ConformanceError(CorenetError, AssertionError):
    """A component fails a check of its contract; the message names the check, the case and the likely cause."""


class UnknownComponentError(CorenetError, LookupError):
    """No component has the name that was asked for."""

    def __init__(self, message: str, *, name: str = "", suggestions: Iterable[str] = ()) -> None:
        self.name = name
        self.suggestions = tuple(suggestions)
        super().__init__(message)


class AmbiguousComponentError(CorenetError, LookupError):
    """Several plugins register the name; ``candidates`` are the qualified ones."""

    def __init__(self, message: str, *, name: str = "", candidates: Iterable[str] = ()) -> None:
        self.name = name
        self.candidates = tuple(candidates)
        super().__init__(message)


class BrokenComponentError(CorenetError, ImportError):
    """A component is registered but cannot be loaded; the message has the reason."""


class BrokenPluginError(CorenetError, ImportError):
    """A plugin cannot be loaded, under ``CORENET_STRICT=1`` or when one of its commands is called."""

    def __init__(self, message: str, *, distribution: str = "") -> None:
        self.distribution = distribution
        super().__init__(message)


class UnavailableComponentError(CorenetError, ImportError):
    """A component's plugin is switched off, or needs another version of corenet; ``status`` says which."""

    def __init__(self, message: str, *, component: str = "", status: str = "") -> None:
        self.component = component
        self.status = status
        super().__init__(message)


class MissingExtraError(CorenetError, ImportError):
    """A feature needs an optional dependency that is not installed."""


class CheckpointError(CorenetError, ValueError):
    """A file is not a checkpoint, or is one of another model."""


class OutputError(CorenetError, OSError):
    """A file or folder cannot be read or written."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the closest of ``known``, or nothing.

    >>> did_you_mean("liner", ["linear", "relu"])
    " (did you mean 'linear'?)"
    """
    from difflib import get_close_matches  # here, for most who import the errors make none

    close = get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
