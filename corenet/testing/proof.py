"""Proving the gradients of registered components: the part of the kit that is one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.errors import CorenetError
from corenet.registry.registry import components, registry
from corenet.testing.gradcheck.report import GradientReport, finite_or_none
from corenet.testing.support.trial import Trial, cases_of


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
    """Check the gradient of a component on every one of its cases.

    Raises:
        ConfigError: the constructor needs arguments that cannot be guessed, and the
            class has no ``conformance_cases()``.

    >>> import corenet as cn
    >>> prove(cn.Tanh).ok
    True
    """
    return Proof(
        name or cls.__name__,
        tuple(
            Trial(cls, case, seed).gradients for case in cases_of(cls, "loss" if issubclass(cls, Loss) else "module")
        ),
    )


def prove_all(seed: int = 0) -> list[Proof]:
    """Check the gradient of every module and loss that is installed and can be built.

    One that raises anything but a corenet error has a proof without reports, which is not ``ok``.

    >>> all(proof.ok for proof in prove_all())
    True
    """
    proofs = []
    rows = [row for row in components() if row.kind in ("module", "loss") and row.usable]
    for row in rows:
        try:
            proofs.append(prove(registry().get(row.kind, row.qualified_name), row.qualified_name, seed))
        except CorenetError:  # what cannot be built or loaded has no gradient to speak of
            continue
        except (Exception, SystemExit):  # noqa: BLE001 - a stranger's code may raise anything
            proofs.append(Proof(row.qualified_name, ()))
    return proofs
