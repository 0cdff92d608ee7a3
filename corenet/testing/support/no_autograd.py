"""A context in which torch's autograd refuses to compute any derivative."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from corenet.testing.support.violation import Violation

# Written as strings, because they are replaced and never used. Every reverse-mode derivative of torch,
# however it was asked for, goes through one engine; every forward-mode derivative begins with a dual number.
_ENGINE = "torch.autograd.Variable._execution_engine"
_DUAL = "torch.autograd.forward_ad.make_dual"


@contextmanager
def no_autograd() -> Iterator[None]:
    """Refuse every derivative that torch is asked for inside of the ``with`` block.

    Raises:
        Violation: torch was asked for one.

    >>> import corenet as cn, torch
    >>> with no_autograd():
    ...     loss = cn.MSELoss()
    ...     _ = loss(torch.ones(2), torch.zeros(2))
    ...     print(loss.backward())
    tensor([1., 1.])
    """
    with patch(_ENGINE, _RefusingEngine()), patch(_DUAL, _refuse):
        yield


class _RefusingEngine:
    def run_backward(self, *_: Any, **__: Any) -> None:
        _refuse()

    def queue_callback(self, *_: Any) -> None:
        _refuse()


def _refuse(*_: Any, **__: Any) -> None:
    raise Violation(
        "torch's autograd was asked for a gradient; a component of corenet computes its own",
        "backward (or forward) calls Tensor.backward, torch.autograd or torch.func: write the derivative by hand",
    )
