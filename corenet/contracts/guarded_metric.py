"""A metric's points, with what is no points named where its update fails on them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from corenet.contracts.several import each_of
from corenet.contracts.unusable import refuse_unusable
from corenet.errors import ConfigError, CorenetError, DTypeError, ShapeError

if TYPE_CHECKING:
    from corenet.contracts.metric import Metric


def guarded(update: Callable[[Any, Any, Any], None]) -> Callable[[Any, Any, Any], None]:
    """Return ``update``, which says what is wrong with its arguments where they make it fail."""

    @wraps(update)
    def checked(self: Metric, output: Any, target: Any) -> None:
        try:
            update(self, output, target)
        except CorenetError:
            raise
        except Exception as error:
            _refuse(self, output, target, error)
            raise

    return checked


def _refuse(metric: Metric, output: Any, target: Any, error: Exception) -> None:
    name = type(metric).__name__
    refuse_unusable(name, (*each_of(output), *each_of(target)))
    if isinstance(error, AttributeError) and error.obj is metric:
        raise ConfigError(f"{name} has no {error.name!r} yet; call reset() before the first update()") from error
    if isinstance(output, tuple) or isinstance(target, tuple):
        raise DTypeError(f"{name} takes one output and one target, not a tuple of several") from error
    outputs, targets = each_of(output), each_of(target)
    if outputs and isinstance(error, RuntimeError | IndexError):
        of = " and ".join(str(tuple(each.shape)) for each in targets)
        raise ShapeError(name, outputs[0].shape, f"with targets {of} it fails: {error}") from error
