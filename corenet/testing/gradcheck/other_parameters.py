"""The same check with parameters away from the zeros and ones that hide a forgotten factor."""

from __future__ import annotations

from dataclasses import replace

import torch

from corenet.testing.gradcheck.deterministic import Deterministic
from corenet.testing.gradcheck.examination import Examination
from corenet.testing.gradcheck.parameter_draw import FACTORS, draw_parameters
from corenet.testing.gradcheck.report import GradientReport, TensorReport

SEED = 6_000_011
SEEN = "seen with parameters drawn away from the zeros and ones that are given"
JUDGED = "judged with parameters drawn away from the zeros and ones that are given"
UNSEEN = "parameters are 0 or 1, and forward takes no others: a forgotten factor may hide"


def with_other_parameters(given: Examination) -> GradientReport:
    """Return what there is to say of each tensor, also where some parameters are 0 or 1.

    A factor of 1 that ``backward`` forgets makes no difference, and what is multiplied by 0 has no gradient. So there
    the check runs once more, with parameters drawn: of a tensor that is wrong then, or of which nothing could
    be seen before, that finding counts.

    >>> import corenet as cn, torch
    >>> class Scale(cn.Module):
    ...     def __init__(self): self.a = cn.Parameter(torch.ones(()))
    ...     def forward(self, input): self.save(input); return self.a * input
    ...     def backward(self, grad_output):
    ...         (input,) = self.saved(); self.a.grad += (grad_output * input).sum(); return grad_output
    >>> given = Examination(Deterministic(Scale(), [torch.rand(3)], seed=0), rtol=1e-6, atol=0.0, most=2000)
    >>> given.report().status, with_other_parameters(given).status
    ('agrees', 'wrong')
    """
    report, function = given.report(), given.function
    if report.status == "wrong" or not _hide_a_factor(function):
        return report
    for factors in FACTORS:
        try:
            other = Examination(_drawn(function, factors), given.rtol, given.atol, given.most)
            if torch.equal(other.output.isfinite(), given.output.isfinite()):
                return _merged(report, other.report())
        except Exception:  # noqa: BLE001, S112 - a stranger's code may refuse parameters in any way; it took those given
            continue
    return replace(report, note="\n  ".join([*[report.note] * bool(report.note), UNSEEN]))


def _hide_a_factor(function: Deterministic) -> bool:
    """Tell whether some parameter is 0, 1 or −1."""
    parameters = (tensor for name, tensor in function.tensors().items() if not function.is_input(name))
    return any(bool(((each == 0) | (each.abs() == 1)).any()) for each in parameters)


def _drawn(function: Deterministic, factors: tuple[float, float]) -> Deterministic:
    other = Deterministic(function.subject, function.arguments.given, function.seed)
    draw_parameters(other.subject, factors, SEED)
    return other


def _merged(given: GradientReport, drawn: GradientReport) -> GradientReport:
    found = {tensor.name: tensor for tensor in given.tensors}
    for tensor in drawn.tensors:
        before = found.get(tensor.name)
        if tensor.status == "wrong":
            found[tensor.name] = _noted(tensor, SEEN)
        elif tensor.ok and tensor.power and before is not None and _saw_nothing(before):
            found[tensor.name] = _noted(tensor, JUDGED)
    return replace(given, tensors=tuple(found.values()))


def _saw_nothing(tensor: TensorReport) -> bool:
    return tensor.flat or not tensor.checked or tensor.power is None


def _noted(tensor: TensorReport, note: str) -> TensorReport:
    return replace(tensor, note="; ".join([*[tensor.note] * bool(tensor.note), note]))
