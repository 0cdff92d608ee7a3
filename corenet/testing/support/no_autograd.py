"""A guard against borrowed gradients: while it stands, torch derives nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from corenet.testing.checks.check import Violation

# Named as strings, for they are not used but closed. Every reverse derivative of torch, however it was
# asked for, runs through the one engine; every forward one begins with a dual number.
_ENGINE = "torch.autograd.Variable._execution_engine"
_DUAL = "torch.autograd.forward_ad.make_dual"


@contextmanager
def no_borrowed_gradients() -> Iterator[None]:
    """Refuse, while it stands, every derivative that torch is asked for.

    Raises:
        Violation: torch was asked for one.

    >>> import corenet as cn, torch
    >>> with no_borrowed_gradients():
    ...     loss = cn.MSELoss()
    ...     _ = loss(torch.ones(2), torch.zeros(2))
    ...     print(loss.backward())
    tensor([1., 1.])
    """
    with patch(_ENGINE, _ClosedEngine()), patch(_DUAL, _refuse):
        yield


class _ClosedEngine:
    def run_backward(self, *_: Any, **__: Any) -> None:
        _refuse()

    def queue_callback(self, *_: Any) -> None:
        _refuse()


def _refuse(*_: Any, **__: Any) -> None:
    raise Violation(
        "torch's autograd was asked for a gradient; a component of corenet derives its own",
        "backward (or forward) calls Tensor.backward, torch.autograd or torch.func: write the derivative by hand",
    )
