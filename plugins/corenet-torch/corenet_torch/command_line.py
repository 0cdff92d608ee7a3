"""What ``corenet check FILE.py:Name --inputs …`` asks: which things are checked here, and the check itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from corenet.errors import ConfigError
from corenet.registry.collect import reason_of

from corenet_torch.call import Call
from corenet_torch.check import FunctionReport, report_on
from corenet_torch.input_text import read_inputs
from corenet_torch.operators import is_operator
from corenet_torch.subjects import can_be_checked

__all__ = ["check", "lists", "read_inputs", "takes"]


def lists(subject: object) -> bool:
    """Tell whether a file is searched for it: an autograd.Function with a forward, or a custom operator."""
    if isinstance(subject, type) and issubclass(subject, torch.autograd.Function):
        return subject.forward is not torch.autograd.Function.forward
    return is_operator(subject)


def takes(subject: object) -> bool:
    """Tell whether it can be checked: what :func:`corenet_torch.check` takes, or a class of a torch.nn.Module."""
    return can_be_checked(subject) or (isinstance(subject, type) and issubclass(subject, torch.nn.Module))


def check(
    subject: Any, inputs: tuple[Any, ...], *, name: str, seed: int, announce: Callable[[str], object]
) -> FunctionReport:
    """Return the report on what is called with such arguments; a class of modules is made without any.

    Raises:
        ConfigError: it needs arguments to be made, or cannot be checked.
    """
    if isinstance(subject, type) and issubclass(subject, torch.nn.Module):
        made = f"{subject.__name__}()"
        try:
            subject = subject()
        except Exception as error:
            below = made.replace("()", "(…)")
            raise ConfigError(
                f"{made} raises {reason_of(error)}; write layer = {below} below it, and check that"
            ) from error
    return report_on(Call.of(subject, inputs), seed=seed, name=name, announce=announce)
