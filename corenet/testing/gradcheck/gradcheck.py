"""The gradient check: hand-written derivatives against central differences in float64."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.sequential import label
from corenet.errors import ConfigError, ShapeError
from corenet.testing.gradcheck.deterministic import Frozen
from corenet.testing.gradcheck.directional import along_directions
from corenet.testing.gradcheck.explainer import Explainer
from corenet.testing.gradcheck.numeric import derivative
from corenet.testing.gradcheck.report import GradientReport, TensorReport

MOST_ELEMENTS = 2000
SMALL_OUTPUT = 12
UPSTREAMS = 2


def gradcheck(
    subject: Module | Loss,
    *inputs: Tensor,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    seed: int = 0,
) -> GradientReport:
    r"""Prove a hand-written gradient against central differences, or raise.

    For upstream gradients ``u`` and each element θ of the input and of every parameter,
    ``∂(u · f)/∂θ`` as ``backward`` has it is compared with::

        u · (f(θ + h) − f(θ − h)) / 2h,    h = 1e−5 · max(1, |θ|)

    and must agree within ``atol + rtol · |numeric|``. Two ``u`` are random; where the output
    has at most 12 elements each of them is taken alone too, which is the whole Jacobian.
    The check runs on a float64 copy; neither the component nor its inputs are changed,
    strided inputs stay strided. Random layers draw the same numbers in each evaluation.
    Where the slopes on the two sides of θ differ, as at the kink of a ReLU, or a step leads
    out of the domain, there is no derivative: such elements are left out and counted.
    Of more than 2000 elements in a tensor, 2000 are drawn, and all take part in five random directions.

    Args:
        subject: a module (one input) or a loss (input and target).
        inputs: floating-point tensors of any dtype.
        rtol, atol: relative and absolute tolerance.
        seed: governs ``u``, what random layers draw, and the choice of elements.

    Returns:
        A report of each tensor; ``error`` is the worst relative error.

    Raises:
        GradientError: an element disagrees, or none could be compared; the message
            has the worst one, ours against numeric.

    >>> import corenet as cn
    >>> report = gradcheck(cn.Linear(3, 2), torch.randn(4, 3))
    >>> [tensor.name for tensor in report.tensors], report.error < 1e-6
    (['input', 'weight', 'bias'], True)

    Reference: W. Press et al., "Numerical Recipes", 3rd edition, section 5.7.
    """
    report = examine(subject, *inputs, rtol=rtol, atol=atol, seed=seed, most=MOST_ELEMENTS)
    report.raise_if_wrong()
    return report


def examine(
    subject: Module | Loss,
    *inputs: Tensor,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    seed: int = 0,
    most: int = MOST_ELEMENTS,
) -> GradientReport:
    """Do what :func:`gradcheck` does with at most ``most`` elements a tensor, and return the report also when wrong."""
    if not isinstance(subject, (Module, Loss)):
        hint = f"; write {subject.__name__}(...)" if isinstance(subject, type) else ""
        raise ConfigError(f"gradcheck takes a module or a loss, not {subject!r:.80}{hint}")
    if not (rtol > 0 and atol >= 0):
        raise ConfigError(f"gradcheck needs rtol > 0 and atol ≥ 0, not {rtol!r} and {atol!r}")
    wanted = 1 if isinstance(subject, Module) else 2
    if len(inputs) != wanted:
        raise ConfigError(f"gradcheck of {subject!r} takes {wanted} tensors, got {len(inputs)}")
    if not all(isinstance(tensor, Tensor) for tensor in inputs):
        raise ConfigError(f"gradcheck of {subject!r} takes torch.Tensors, got {inputs!r:.80}")
    if not all(tensor.isfinite().all() for tensor in inputs):
        raise ConfigError(f"gradcheck of {subject!r} needs finite inputs; an infinity or NaN has no neighbours")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        function = Frozen(subject, list(inputs), seed)
        output = function()
        upstreams = _upstreams(subject, output)
        gradients = [function.gradients(upstream) for upstream in upstreams]
        numeric = {
            name: _numeric(function, tensor, upstreams, output, most) for name, tensor in function.tensors().items()
        }
        explain = Explainer(function, output, upstreams, numeric)
        tensors = []
        for name in numeric:
            by_hand = [each[name] for each in gradients]
            _refuse_shape(subject, name, by_hand, explain)
            report = _compare(name, torch.stack(by_hand), numeric[name], rtol, atol)
            if not report.ok:
                report = replace(report, diagnosis=explain(name, by_hand))
            tensors.append(report)
            tensor = function.tensors()[name]
            if report.ok and tensor.numel() > most:
                whole = along_directions(name, function, tensor, upstreams[0], by_hand[0])
                tensors += [] if whole is None else [whole]
        tensors += _other_halves(function, explain, gradients[0], rtol)
    return GradientReport(label(subject), tuple(tensors))


def _upstreams(subject: Module | Loss, output: Tensor) -> list[Tensor]:
    if isinstance(subject, Loss):
        return [torch.ones_like(output)]  # a loss has no upstream: its gradient is that of the sum
    drawn = [torch.randn_like(output) for _ in range(UPSTREAMS)]
    if output.numel() > SMALL_OUTPUT:
        return drawn
    return drawn + [row.view_as(output) for row in torch.eye(output.numel(), dtype=output.dtype, device=output.device)]


def _numeric(function: Frozen, tensor: Tensor, upstreams: list[Tensor], output: Tensor, most: int) -> Tensor:
    """Return ``∂(u · f)/∂θ`` for each upstream and element; NaN where not drawn, infinite where there is none."""
    found = torch.full((len(upstreams), *tensor.shape), torch.nan, dtype=torch.float64, device=tensor.device)
    for index in _chosen(tensor, most):
        slope = derivative(function, tensor, index, output)
        for row, upstream in zip(found, upstreams, strict=True):
            row[index] = torch.inf if slope is None else (slope * upstream).sum()
    return found


def _compare(name: str, ours: Tensor, numeric: Tensor, rtol: float, atol: float) -> TensorReport:
    shape, checked, kinks = tuple(ours.shape[1:]), int(numeric[0].isfinite().sum()), int(numeric[0].isinf().sum())
    error = ((ours - numeric).abs() / (atol / rtol + numeric.abs())).nan_to_num(nan=torch.inf)
    error[~numeric.isfinite()] = 0
    if not error.numel():
        return TensorReport(name, shape, checked, kinks, 0.0, rtol)
    worst = tuple(int(each) for each in torch.unravel_index(error.argmax(), error.shape))
    found = [each[worst].item() for each in (error, ours, numeric)]
    return TensorReport(name, shape, checked, kinks, found[0], rtol, worst[1:], found[1], found[2])


def _refuse_shape(subject: Module | Loss, name: str, ours: list[Tensor], explain: Explainer) -> None:
    """Raise if a gradient has another shape than the tensor it is of."""
    wanted = tuple(explain.numeric[name][0].shape)
    for gradient in ours:
        if gradient.shape != wanted:
            why = explain(name, ours).replace("\n", " · ")
            expected = f"expected {wanted}{f'; {why}' if why else ''}"
            raise ShapeError(f"{subject!r}: the gradient of {name}", gradient.shape, expected)


def _other_halves(function: Frozen, explain: Explainer, whole: dict[str, Tensor], rtol: float) -> list[TensorReport]:
    """Return a report for each parameter whose gradient ``backward_parameters`` has otherwise than ``backward``."""
    upstream = explain.upstreams[0]
    explain = replace(explain, upstreams=[upstream], numeric={name: whole[name][None] for name in whole})
    reports = []
    for name, half in function.half_gradients(upstream).items():
        if not torch.allclose(half, whole[name], rtol=0, atol=0, equal_nan=True):
            report = _compare(f"{name} by backward_parameters", half[None], whole[name][None], rtol, 0.0)
            reports.append(report if report.ok else replace(report, diagnosis=explain(name, [half])))
    return reports


def _chosen(tensor: Tensor, most: int) -> list[tuple[int, ...]]:
    flat = torch.arange(tensor.numel())
    if tensor.numel() > most:
        flat = torch.randperm(tensor.numel())[:most]
    places = torch.unravel_index(flat, tensor.shape) if tensor.dim() else ()
    if not places:
        return [()]
    return [tuple(place) for place in torch.stack(places, 1).tolist()]
