"""That a component gives the same numbers at every call."""

from __future__ import annotations

from torch import Tensor

from corenet.errors import GradientError
from corenet.testing.gradcheck.deterministic import Deterministic
from corenet.testing.gradcheck.noise import same


def refuse_unrepeatable(function: Deterministic, upstream: Tensor) -> None:
    """Raise unless a second call, with the same seed and tensors, gives the same output and gradients."""
    refuse_other_output(function, function(), "the second")
    first, second = function.gradients(upstream), function.gradients(upstream)
    for name in first:
        if first[name].shape == second[name].shape and not same(first[name], second[name]):
            raise GradientError(
                f"{function.subject!r}: not repeatable: backward gives another gradient of {name} at the second call, "
                "of the same input and grad_output"
            )


def refuse_other_output(function: Deterministic, output: Tensor, call: str) -> None:
    """Raise unless forward still gives ``output``, at a ``call`` in words."""
    if not same(output, function()):
        raise GradientError(
            f"{function.subject!r}: not repeatable: forward of the same input gives other numbers at {call} call, "
            "with torch's generator reset; draw random numbers from torch and keep no state between calls"
        )
