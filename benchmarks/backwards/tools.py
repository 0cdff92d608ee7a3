"""What is compared: corenet_torch's check, torch's gradcheck and opcheck, and JAX's check_grads."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.backwards.as_operator import as_operator
from benchmarks.backwards.shown import asked, leaves

Tool = Callable[[Any, Sequence[Any]], str]


@dataclass(frozen=True)
class Verdict:
    """What a tool said of a function, nothing if it is right, and the seconds that a core took for it."""

    said: str
    seconds: float

    @property
    def accused(self) -> bool:
        return bool(self.said)


def verdict(tool: Tool, function: Any, args: Sequence[Any]) -> Verdict:
    """Return what a tool says; whatever it raises is an accusation."""
    start = time.process_time()
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        try:
            said = tool(function, args)
        except Exception as error:  # noqa: BLE001 - each tool raises its own
            said = f"{type(error).__name__}: {error}"
    return Verdict(said, time.process_time() - start)


def ours(function: Any, args: Sequence[Any]) -> str:
    from corenet_torch import check

    report = check(function, *args)
    return "\n".join(str(each) for each in report.failures)


def gradcheck(function: Any, args: Sequence[Any], fast: bool = False) -> str:
    given = leaves(args, asked(args))

    def drawing_the_same(*given: Any) -> torch.Tensor:
        torch.manual_seed(0)
        return function.apply(*given)

    torch.autograd.gradcheck(drawing_the_same, tuple(given), fast_mode=fast)
    return ""


def gradcheck_fast(function: Any, args: Sequence[Any]) -> str:
    return gradcheck(function, args, fast=True)


def opcheck(function: Any, args: Sequence[Any]) -> str:
    given = leaves(args, asked(args))
    found = torch.library.opcheck(as_operator(function, given), tuple(given), raise_exception=False)
    return "\n".join(f"{name}: {said}" for name, said in found.items() if said != "SUCCESS")


def check_grads(function: Any, args: Sequence[Any]) -> str:
    from benchmarks.backwards.in_jax import check_in_jax

    check_in_jax(function, args)
    return ""


TOOLS: dict[str, Tool] = {
    "corenet_torch.check": ours,
    "gradcheck": gradcheck,
    "gradcheck, fast": gradcheck_fast,
    "opcheck": opcheck,
    "check_grads": check_grads,
}
