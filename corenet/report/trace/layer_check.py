"""What the numeric check says of one layer, or of the loss, where a trace found it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.errors import GradientError, ShapeError
from corenet.registry.collect import reason_of
from corenet.testing.gradcheck.gradcheck import examine
from corenet.testing.gradcheck.report import GradientReport, TensorReport

ELEMENTS = 200  # a trace is read at once, so its checks take a fraction of a second


@dataclass(frozen=True)
class Verdict:
    """The check of one component: its report, or the ``reason`` why there is none.

    ``wrong`` says that a gradient disagrees, or that the component broke a rule while it was checked.
    """

    report: GradientReport | None = None
    reason: str = ""
    wrong: bool = False

    @property
    def tensors(self) -> tuple[TensorReport, ...]:
        """The report of each tensor that was checked."""
        return () if self.report is None else self.report.tensors

    def of(self, name: str) -> TensorReport | None:
        """Return the report of ``input`` or of a parameter, at its worst; one may be checked in two ways."""
        named = [tensor for tensor in self.tensors if tensor.name.split(" ")[0] == name]
        return max(named, key=lambda tensor: tensor.error, default=None)

    def complaints(self) -> list[str]:
        """Return what is wrong, or why there was no check, a text for each tensor."""
        return [self.reason] * bool(self.reason) + [str(tensor) for tensor in self.tensors if not tensor.ok]

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values, for JSON."""
        report = None if self.report is None else self.report.to_dict()
        return {"wrong": self.wrong, "reason": self.reason, "report": report}


def verdict_on(subject: Module | Loss, *inputs: Tensor) -> Verdict:
    """Check ``subject`` on ``inputs``, whatever it does meanwhile.

    >>> import corenet as cn, torch
    >>> verdict = verdict_on(cn.Tanh(), torch.tensor([1.0]))
    >>> verdict.wrong, verdict.of("input").checked
    (False, 1)
    """
    try:
        report = examine(subject, *inputs, most=ELEMENTS)
    except (GradientError, ShapeError) as error:  # it took this input in the step, so its backward is to blame
        return Verdict(reason=reason_of(error), wrong=True)
    except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything; the step itself went well
        return Verdict(reason=reason_of(error))
    return Verdict(report, wrong=not all(tensor.ok for tensor in report.tensors))
