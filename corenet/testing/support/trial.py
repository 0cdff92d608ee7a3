"""A trial: one case of a component, which can be built, with inputs drawn for it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor

from corenet.contracts.case import Case
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import Parameter
from corenet.contracts.several import each_of
from corenet.errors import ConfigError
from corenet.testing.gradcheck.gradcheck import examine
from corenet.testing.gradcheck.parameter_draw import FACTORS, draw_parameters
from corenet.testing.gradcheck.report import GradientReport
from corenet.testing.support.drawing import drawn_by, drawn_in, form
from corenet.testing.support.violation import NotApplicable

INPUTS, TARGETS, PARAMETERS = (
    1_000_003,
    2_000_003,
    4_000_037,
)  # seeds of their own, apart from those of a component's weights


@dataclass(frozen=True)
class Trial:
    """One case of a component; ``seed`` governs all that is drawn for it.

    ``rows`` is how many rows the inputs have that the case draws, if other than it draws.
    """

    factory: Callable[..., Any]
    case: Case
    seed: int = 0
    rows: int | None = None

    def __str__(self) -> str:
        named = [f"{name}={_brief(value)}" for name, value in self.case.arguments.items()]
        return f"{_name(self.factory)}({', '.join([*map(_brief, self.case.args), *named])}) on {self._inputs_in_words}"

    def build(self) -> Any:
        """Return a fresh component in float64, with the same weights each time, none of which is 0 or 1.

        Raises:
            ConfigError: it does not take the case's arguments.
        """
        built = self._constructed()
        if isinstance(built, Module) and self._factors is not None:
            draw_parameters(built, self._factors, self.seed + PARAMETERS)
        return built

    def optimizer(self, parameters: list[Parameter], **settings: Any) -> Optimizer:
        """Return a fresh optimizer of ``parameters``, with ``settings`` over the case's arguments."""
        return cast(Optimizer, self._call(parameters, *self.case.args, **{**self.case.arguments, **settings}))

    def input(self, shape: tuple[int, ...] | None = None, seed: int = 0) -> Any:
        """Return the input, or a tuple of several: as the case draws them, or in its domain, away from its kinks.

        That is of the case's shape or another, which only a case has that does not draw its inputs itself.
        """
        stream = self.seed + seed + INPUTS
        if self.case.inputs is not None:
            return drawn_by(self.case.inputs, self.rows, stream)
        return drawn_in(self.case.shape if shape is None else shape, self.case.domain, self.case.kinks, stream)

    def inputs(self, shape: tuple[int, ...] | None = None, seed: int = 0) -> tuple[Tensor, ...]:
        """Return the inputs of a module, one or several."""
        return each_of(self.input(shape, seed))

    def target(self, shape: tuple[int, ...] | None = None, seed: int = 0) -> Any:
        """Return a target for a loss: numbers in its domain, or class indices, none of them the case's ignore_index."""
        shape = self.case.target_shape if shape is None else shape
        stream = self.seed + seed + TARGETS
        if self.case.targets is not None:
            return drawn_by(self.case.targets, self.rows, stream)
        if self.case.classes is not None:
            drawn = torch.randint(self.case.classes, shape, generator=torch.Generator().manual_seed(stream))
            ignored = self.case.arguments.get("ignore_index")
            return drawn if ignored is None else torch.where(drawn == ignored, (drawn + 1) % self.case.classes, drawn)
        return drawn_in(shape, self.case.target_domain or self.case.domain, self.case.kinks, stream)

    def of_rows(self, count: int) -> Trial:
        """Return the trial with inputs of so many rows.

        Raises:
            NotApplicable: the inputs that the case draws have no first dimension in common.
        """
        if self.draws:
            given = [*self.inputs(), *(each_of(self.target()) if self.case.targets is not None else ())]
            if len({each.shape[:1] for each in given}) > 1 or not given[0].dim():
                raise NotApplicable("its inputs have no first dimension in common")
        resized = replace(self, case=replace(self.case, shape=(count, *self.case.shape[1:])), rows=count)
        if self.draws:
            given = [*self.inputs(), *(each_of(self.target()) if self.case.targets is not None else ())]
            if len({each.shape[:1] for each in given}) > 1 or not given[0].dim():
                raise NotApplicable("its inputs have no first dimension in common")
        vars(resized)["_factors"] = self._factors  # which few rows, or none, could not tell
        return resized

    @property
    def draws(self) -> bool:
        """Whether the case draws inputs or targets itself, so that they have no shape that could be changed."""
        return self.case.inputs is not None or self.case.targets is not None

    @cached_property
    def gradients(self) -> GradientReport:
        """The gradient of a module or a loss against central differences."""
        built = self.build()
        inputs = self.inputs() if isinstance(built, Module) else (self.input(), self.target())
        return examine(built, *inputs, seed=self.seed)

    @cached_property
    def _factors(self) -> tuple[float, float] | None:
        """Of the ranges that parameters may be multiplied by, the first with finite outputs; None if there is none."""
        for factors in FACTORS:
            module = self._constructed()
            try:
                draw_parameters(module, factors, self.seed + PARAMETERS)
                with seeded(self.seed):
                    if all(each.isfinite().all() for each in each_of(module(*self.inputs()))):
                        return factors
            except Exception:  # noqa: BLE001, S112 - a stranger's code may raise anything; the checks report it
                continue
        return None

    @cached_property
    def _inputs_in_words(self) -> str:
        if self.case.inputs is None:
            return str(self.case.shape)
        try:
            return " and ".join(map(form, self.inputs()))
        except Exception:  # noqa: BLE001 - a stranger's function may raise anything; the checks report it
            return "inputs that cannot be drawn"

    def _constructed(self) -> Any:
        with seeded(self.seed):
            args, arguments = self._own_arguments()
            built = self._call(*args, **arguments)
        return built.to(dtype=torch.float64) if isinstance(built, Module | Loss) else built

    def _own_arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return copies of the case's arguments, as a module among them would be shared by all that are built."""
        try:
            return copy.deepcopy((self.case.args, dict(self.case.arguments)))
        except Exception:  # noqa: BLE001 - such as a generator, which has no copy
            return self.case.args, dict(self.case.arguments)

    def _call(self, *arguments: Any, **settings: Any) -> Any:
        try:
            return self.factory(*arguments, **settings)
        except TypeError as error:
            given = f"{self.case.args} and {settings}" if self.case.args else settings
            raise ConfigError(
                f"cannot build {_name(self.factory)} with {given}: {error}; give it a conformance_cases()"
            ) from error


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's generator inside of the ``with`` block, and restore it afterwards."""
    before = torch.get_rng_state()
    torch.default_generator.manual_seed(
        seed
    )  # unlike torch.manual_seed, it does not format its caller's stack, which takes a millisecond
    try:
        yield
    finally:
        torch.set_rng_state(before)


def _name(factory: Callable[..., Any]) -> str:
    return getattr(factory, "__name__", type(factory).__name__)


def _brief(value: Any) -> str:
    return f"tensor{tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
