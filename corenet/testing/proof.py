"""Proving a registered component: its cases, built and checked one by one."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.case import Case
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.errors import ConfigError, CorenetError
from corenet.registry.registry import components, registry
from corenet.testing.gradcheck import examine
from corenet.testing.report import GradientReport, finite_or_none


@dataclass(frozen=True)
class Proof:
    """The gradient reports of a component, one for each of its cases."""

    name: str
    reports: tuple[GradientReport, ...]

    @property
    def ok(self) -> bool:
        """Whether every case agrees."""
        return bool(self.reports) and all(report.ok for report in self.reports)

    @property
    def error(self) -> float:
        """The worst relative error of all cases."""
        return max((report.error for report in self.reports), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the proof as plain values, for JSON."""
        reports = [report.to_dict() for report in self.reports]
        return {"name": self.name, "ok": self.ok, "error": finite_or_none(self.error), "cases": reports}


def prove(cls: type[Module] | type[Loss], name: str = "", seed: int = 0) -> Proof:
    """Check the gradient of a component on every one of its cases, contiguous and strided.

    Raises:
        ConfigError: the constructor needs arguments that cannot be guessed, and the
            class has no ``conformance_cases()``.

    >>> import corenet as cn
    >>> prove(cn.Tanh).ok
    True
    """
    reports = tuple(
        examine(_build(cls, case), *inputs, seed=seed) for case in cases_of(cls) for inputs in _inputs(cls, case, seed)
    )
    return Proof(name or cls.__name__, reports)


def prove_all(seed: int = 0) -> list[Proof]:
    """Check the gradient of every module and loss that is installed and can be built.

    One that raises anything but a corenet error has a proof without reports, which is not ``ok``.

    >>> all(proof.ok for proof in prove_all())
    True
    """
    proofs = []
    for row in (*components("module"), *components("loss")):
        try:
            proofs.append(prove(registry().get(row.kind, row.qualified_name), row.qualified_name, seed))
        except CorenetError:  # what cannot be built or loaded has no gradient to speak of
            continue
        except (Exception, SystemExit):  # noqa: BLE001 - a stranger's code may raise anything
            proofs.append(Proof(row.qualified_name, ()))
    return proofs


def cases_of(cls: type[Module] | type[Loss]) -> list[Case]:
    """Return the cases that a class declares, or a guess from its constructor.

    Integers without a default are taken for sizes and given 3, 4, …; the first of them
    is taken for the width of the input.

    >>> import corenet as cn
    >>> class Scale(cn.Module):
    ...     def __init__(self, width): ...
    >>> cases_of(Scale)[0].arguments
    {'width': 3}
    """
    declared = getattr(cls, "conformance_cases", None)
    if declared is not None:
        return list(declared())
    required = [
        parameter
        for parameter in inspect.signature(cls).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    if any(parameter.annotation not in ("int", int, parameter.empty) for parameter in required):
        raise ConfigError(
            f"cannot guess how to build {cls.__name__}{inspect.signature(cls)}; "
            "give it a conformance_cases() that returns a list of corenet.Case"
        )
    sizes = {parameter.name: 3 + place for place, parameter in enumerate(required)}
    return [Case(sizes, (5, 3)), Case(sizes, (2, 2, 3)), Case(sizes, (1, 3))]


def _build(cls: type[Module] | type[Loss], case: Case) -> Module | Loss:
    torch.manual_seed(0)
    try:
        return cls(**case.arguments)
    except TypeError as error:
        raise ConfigError(
            f"cannot build {cls.__name__} with {dict(case.arguments)}: {error}; give it a conformance_cases()"
        ) from error


def _inputs(cls: type[Module] | type[Loss], case: Case, seed: int) -> list[list[Tensor]]:
    """Return the inputs of a case, once contiguous and once strided."""
    domains = [case.domain]
    if issubclass(cls, Loss):
        domains.append(case.target_domain or case.domain)
    generator = torch.Generator().manual_seed(seed)
    contiguous = [
        low + (high - low) * torch.rand(case.shape, generator=generator, dtype=torch.float64) for low, high in domains
    ]
    return [contiguous, [_strided(tensor) for tensor in contiguous]]


def _strided(tensor: Tensor) -> Tensor:
    """Return the same values with every other element of memory between them."""
    return torch.stack([tensor, tensor], -1)[..., 0]
