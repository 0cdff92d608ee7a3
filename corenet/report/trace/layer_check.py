"""The numeric check of one layer, or of the loss, at the point where a trace met it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.several import Tensors
from corenet.errors import GradientError, ShapeError
from corenet.registry.collect import reason_of
from corenet.testing.gradcheck.gradcheck import examine
from corenet.testing.gradcheck.report import GradientReport, TensorReport

ELEMENTS = 200  # of a tensor: a trace is read at once, so its checks take a fraction of a second

Code = Literal[
    "agrees",
    "wrong",  # a gradient differs from the differences
    "rule_broken",  # the component broke a rule of the contract while it was checked
    "flat",  # the gradient is zero here, so a wrong factor would not show
    "inconclusive",  # a fault of 1 % could have hidden in rounding
    "at_kinks",  # the function has no derivative at any element
    "no_slope",  # no element has a neighbour in the domain, or a slope that any step is sure of
    "empty",  # there was no element to compare
    "not_checked",  # the component could not be run for the check
]
WRONG = ("wrong", "rule_broken")


@dataclass(frozen=True)
class GradientCheck:
    """What the numeric check found of one gradient.

    Args:
        code: the finding, for programs.
        text: the finding in a few words, with the worst relative error where there is one.
        detail: what differs and the likely cause, or why there was no check; empty where there is nothing to explain.
    """

    code: Code
    text: str
    detail: str = ""

    @property
    def wrong(self) -> bool:
        """Whether the component is at fault."""
        return self.code in WRONG


@dataclass(frozen=True)
class LayerCheck:
    """The check of one component: the report on its gradients, or the ``failure`` that prevented one."""

    report: GradientReport | None = None
    failure: GradientCheck | None = None

    @property
    def wrong(self) -> bool:
        """Whether a gradient is wrong, or the component broke a rule while it was checked."""
        return any(check.wrong for check in self.problems())

    @property
    def reason(self) -> str:
        """Why there is no report; empty if there is one."""
        return self.failure.detail if self.failure else ""

    def tensor(self, name: str) -> TensorReport | None:
        """Return the report on ``input`` or on a parameter; of several kinds of check, the one with the worst error."""
        tensors = () if self.report is None else self.report.tensors
        named = [each for each in tensors if each.name == name]
        return max(named, key=lambda each: each.error, default=None)

    def gradient(self, name: str) -> GradientCheck:
        """Return what was found of the gradient of ``input`` or of a parameter."""
        tensor = self.tensor(name)
        if tensor is None:
            return self.failure or GradientCheck("not_checked", "not checked")
        return gradient_check(tensor)

    def problems(self) -> list[GradientCheck]:
        """Return what a reader should look at: each wrong gradient, or why there was no check."""
        if self.report is None:
            return [self.failure] if self.failure else []
        return [check for check in map(gradient_check, self.report.tensors) if check.wrong]

    def to_dict(self) -> dict[str, Any]:
        """Return the check as plain values, for JSON."""
        return {
            "wrong": self.wrong,
            "code": self.failure.code if self.failure else self.report.status if self.report else "not_checked",
            "reason": self.reason,
            "report": None if self.report is None else self.report.to_dict(),
        }


def gradient_check(tensor: TensorReport) -> GradientCheck:
    """Return the finding of the report on one tensor."""
    if tensor.status == "wrong":
        return GradientCheck("wrong", f"WRONG {tensor.error:.0e}", str(tensor))
    if not tensor.checked:
        if tensor.kinks:
            return GradientCheck("at_kinks", "only kinks")
        return GradientCheck("no_slope", "no slope") if tensor.left_out else GradientCheck("empty", "no elements")
    if tensor.ok:
        return GradientCheck("agrees", f"ok {tensor.error:.0e}" if tensor.error else "ok, equal")
    return GradientCheck("flat", "flat here") if tensor.flat else GradientCheck("inconclusive", "not clear")


def check_layer(component: Module | Loss, *inputs: Tensors, most: int = ELEMENTS) -> LayerCheck:
    """Check the gradients of ``component`` on ``inputs``, at ``most`` elements of each; an exception becomes a finding.

    >>> import corenet as cn, torch
    >>> check = check_layer(cn.Tanh(), torch.tensor([1.0]))
    >>> check.wrong, check.gradient("input").code
    (False, 'agrees')
    """
    try:
        return LayerCheck(examine(component, *inputs, most=most))
    except (GradientError, ShapeError) as error:  # it took this input in the step, so its backward is at fault
        return LayerCheck(failure=GradientCheck("rule_broken", "WRONG", reason_of(error)))
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the step itself went well
        return LayerCheck(failure=GradientCheck("not_checked", "not checked", reason_of(error)))
