"""A constructor's arguments, looked at where it fails: a wrong dtype or a switch that is none is named."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter as Argument
from inspect import signature
from typing import Any

import torch

from corenet.contracts.unusable import refuse_unusable
from corenet.device import usable
from corenet.errors import ConfigError, CorenetError, DTypeError

LARGEST = 2**63  # that torch takes for a size


def guard_constructor(cls: type) -> None:
    """Let the constructor of a class, if it has one of its own, say which argument made it fail."""
    if "__init__" in vars(cls):
        setattr(cls, "__init__", guarded(vars(cls)["__init__"]))  # noqa: B010 - mypy forbids the other way


def guarded(init: Callable[..., None]) -> Callable[..., None]:
    """Return ``init``, which looks at its arguments where it fails for another reason than it gives itself."""

    @wraps(init)
    def constructor(self: Any, *given: Any, **options: Any) -> None:
        try:
            init(self, *given, **options)
        except CorenetError:
            raise
        except Exception as error:
            _refuse_wrong(init, self, given, options, error)
            raise

    return constructor


def _refuse_wrong(init: Callable[..., None], part: object, given: Any, options: Any, error: Exception) -> None:
    try:
        bound = signature(init).bind(part, *given, **options)
    except TypeError:
        return  # Python's own message is about the call
    for name, value in list(bound.arguments.items())[1:]:
        _refuse(f"{type(part).__name__}: {name}", bound.signature.parameters[name], value, error)


def _refuse(what: str, argument: Argument, value: object, error: Exception) -> None:
    name, wanted = argument.name, None
    if isinstance(value, torch.Tensor):
        refuse_unusable(what, [value])
    if name == "dtype" and value is not None and not isinstance(value, torch.dtype):
        raise DTypeError(f"{what} must be a torch.dtype, not {value!r:.80}") from error
    if name == "device":
        usable(value)  # type: ignore[arg-type]  # which raises if it is no device
    if isinstance(argument.default, bool) and not isinstance(value, bool):
        wanted = "True or False"
    if isinstance(value, int) and abs(value) >= LARGEST:
        wanted = "a smaller number"
    if isinstance(argument.default, (str, float)) and hasattr(value, "__array__"):
        wanted = f"a {type(argument.default).__name__}"
    if wanted:
        raise ConfigError(f"{what} must be {wanted}, not {value!r:.80}", name=name, value=value) from error
