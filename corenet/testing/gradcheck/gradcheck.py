"""The gradient check: hand-written derivatives against differences in float64."""

from __future__ import annotations

from numbers import Real

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.several import Tensors
from corenet.contracts.unusable import refuse_unusable
from corenet.errors import ConfigError
from corenet.integers import integer
from corenet.testing.gradcheck.deterministic import Deterministic
from corenet.testing.gradcheck.examination import Examination
from corenet.testing.gradcheck.other_parameters import with_other_parameters
from corenet.testing.gradcheck.report import GradientReport

MOST_ELEMENTS = 2000


def gradcheck(
    subject: Module | Loss,
    *inputs: Tensors,
    rtol: float = 1e-6,
    atol: float = 0.0,
    seed: int = 0,
) -> GradientReport:
    r"""Check a hand-written gradient against differences whose error is known, or raise.

    For upstream gradients ``u`` and each element θ of every input and of every parameter that is not frozen,
    ``∂(u · f)/∂θ`` as ``backward`` has it is compared with the slope ``s`` of a five-point difference::

        C(h) = u · (f(θ + h) − f(θ − h)) / 2h,    s = (r² C(h/r) − C(h)) / (r² − 1),    r = 3.7

    The step is a part of the size of θ and of its tensor, smaller where the function is curved or θ is near
    a kink or the edge of the domain, larger where rounding hides the slope. ``|C(h) − C(h/r)|`` bounds what
    the step leaves, and the last digits of ``f`` and the scatter of the five points bound what rounding does;
    with ``e`` for their sum, ``|ours − s|`` must be within ``4 e + rtol |s| + atol``.

    The report says how small a relative fault of an element would have been seen (its ``power``). If that is more
    than 1 %, as where all inputs are saturated, or if forward computes in float32, the check is ``inconclusive``.
    The parameters are taken as they are; if some are 0, 1 or −1, which may hide a forgotten factor, the check runs once
    more with others, and the report says of a fault that it was seen there.

    Two ``u`` are random; where the output has at most 12 elements each of them is taken alone too, which is the
    whole Jacobian. Several outputs have an ``u`` each, a penalty has the factor 1 that it has in a loss. The check
    runs on a float64 copy; neither the component nor its inputs are changed, strided inputs stay strided. Random
    layers draw the same numbers in each evaluation. Elements at a kink, those without a neighbour in the domain,
    and those of whose slope no step is sure are left out and counted; a tensor that is left out whole is no pass.
    Of more than 2000 elements in a tensor, 2000 are drawn, and all take part in five random directions.

    Args:
        subject: a module or a loss.
        inputs: what it is called with: those of a module, input and target of a loss, of which each may be a tuple.
            Floating-point tensors of any dtype; integers are taken as they are, and have no gradient.
        rtol: relative error that is let pass, as rounding in ``backward`` is.
        atol: absolute error that is let pass besides; gradients smaller than that are not judged.
        seed: governs ``u``, what random layers draw, and the choice of elements.

    Returns:
        A report of each tensor; ``error`` is the worst relative error, ``power`` the smallest fault to be seen.

    Raises:
        GradientError: an element disagrees, or a fault of 1 % could have hidden: the message says which, and
            has the worst element, ours against numeric. Also if forward or backward gives other numbers at a
            later call, or changes a tensor in place.

    >>> import corenet as cn
    >>> report = gradcheck(cn.Linear(3, 2), torch.randn(4, 3))
    >>> [tensor.name for tensor in report.tensors], report.error < 1e-6, report.power < 1e-5
    (['input', 'weight', 'bias'], True, True)
    >>> class Product(cn.Module):
    ...     def forward(self, a, b):
    ...         self.save(a, b)
    ...         return a * b
    ...     def backward(self, grad_output):
    ...         a, b = self.saved()
    ...         return grad_output * b, grad_output * a
    >>> [tensor.name for tensor in gradcheck(Product(), torch.randn(4, 3), torch.randn(4, 3)).tensors]
    ['a', 'b']

    Reference: C. Ridders, "Accurate computation of F′(x) and F′(x) F″(x)", Adv. Eng. Software 4, 1982.
    """
    report = examine(subject, *inputs, rtol=rtol, atol=atol, seed=seed, most=MOST_ELEMENTS)
    report.raise_if_wrong()
    return report


def examine(
    subject: Module | Loss,
    *inputs: Tensors,
    rtol: float = 1e-6,
    atol: float = 0.0,
    seed: int = 0,
    most: int = MOST_ELEMENTS,
) -> GradientReport:
    """Do what :func:`gradcheck` does with at most ``most`` elements a tensor, and return the report also when wrong."""
    _refuse_arguments(subject, inputs, rtol, atol)
    integer("seed", seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        given = Examination(Deterministic(subject, list(inputs), seed), rtol, atol, most)
        return with_other_parameters(given)


def _refuse_arguments(subject: object, inputs: tuple[object, ...], rtol: float, atol: float) -> None:
    if not isinstance(subject, (Module, Loss)):
        hint = f"; write {subject.__name__}(...)" if isinstance(subject, type) else ""
        raise ConfigError(f"gradcheck takes a module or a loss, not {subject!r:.80}{hint}")
    if not (isinstance(rtol, Real) and isinstance(atol, Real) and rtol > 0 and atol >= 0):
        raise ConfigError(f"gradcheck needs rtol > 0 and atol ≥ 0, not {rtol!r} and {atol!r}")
    if isinstance(subject, Loss) and len(inputs) != 2:
        raise ConfigError(f"gradcheck of {subject!r} takes an input and a target, got {len(inputs)} arguments")
    if not inputs:
        raise ConfigError(f"gradcheck of {subject!r} needs an input")
    tensors: list[object] = []
    for given in inputs:
        tensors += given if isinstance(subject, Loss) and isinstance(given, tuple) else [given]
    if not all(isinstance(tensor, Tensor) for tensor in tensors):
        raise ConfigError(f"gradcheck of {subject!r} takes torch.Tensors, got {inputs!r:.80}")
    refuse_unusable("gradcheck", [tensor.detach() for tensor in tensors if isinstance(tensor, Tensor)])
    if not all(tensor.isfinite().all() for tensor in tensors if isinstance(tensor, Tensor)):
        raise ConfigError(f"gradcheck of {subject!r} needs finite inputs; an infinity or NaN has no neighbours")
