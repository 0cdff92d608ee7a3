"""A function run under torch.compile, captured as one graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch

from corenet.registry.collect import reason_of
from corenet.testing.support.trial import seeded
from corenet.testing.support.violation import Violation

_ASK, _ADD = "corenet.contracts.value_checks.ask", "corenet.contracts.penalties.add"
CAPTURE = "no branches on values, no .item(), no numpy: tensor operations only, and checks in check()"


def under_torch_compile(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result of ``function`` under torch.compile.

    Raises:
        Violation: it cannot be captured as one graph.

    >>> under_torch_compile(torch.neg, torch.tensor(1.0))
    tensor(-1.)
    """
    try:
        with seeded(0), unwarned(), unasked():
            return torch.compile(function, fullgraph=True, backend="eager")(*arguments)
    except Exception as error:
        raise Violation(f"torch.compile cannot capture it: {reason_of(error)}", CAPTURE) from error
    finally:
        torch.compiler.reset()


@contextmanager
def unasked() -> Iterator[None]:
    """Ask no module to look at numbers, and drop penalties, inside of the ``with`` block.

    Engines ask and collect outside of what they capture, by context variables that torch.compile cannot read.
    """
    with patch(_ASK, _nothing), patch(_ADD, _nothing):
        yield


def _nothing(*_: Any) -> None:
    """Do nothing, as torch.compile can capture."""


@contextmanager
def unwarned() -> Iterator[None]:
    """Ignore warnings inside of the ``with`` block: torch's of its own speed say nothing of the component."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
