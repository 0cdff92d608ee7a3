"""What a recorded step depends on: everything that its Python reads, compared before it is done again.

A recording knows kernels and tensors. What Python decided between them is in it as a constant: a setting of a layer or
of its class, a global, a method. So everything that the code of a step can reach is found once, by walking from its
objects through the names that its functions read (:mod:`.reachable`), and remembered. Whatever can change without being
seen, such as a clock, cannot be recorded at all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain
from operator import attrgetter
from typing import Self

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.training.engines.recording.reachable import Reachable
from corenet.training.engines.recording.unseen import Unseen
from corenet.training.engines.recording.watches import Watch
from corenet.training.engines.unsupported import NotRecordable

STEP = (
    "forward",
    "backward",
    "backward_parameters",
    "check",
    "elements",
    "derivative",
    "__call__",
    "reduction",
    "predictions",
)
UPDATE = ("update", "current_lr", "step")
_KEPT_FOR_BACKWARD = ("_saved", "_input_shape", "_have_gradients")
_COUNTED = ("steps", "_lr", "_schedule", "_groups", "parameters", "_layout")  # what a recorded update is a function of


class Guards:
    """What a step reads, as it was when this was made.

    >>> import corenet as cn
    >>> model = cn.Sequential(cn.Dropout(0.5), cn.Linear(2, 1))
    >>> guards = Guards.of_step(model, cn.MSELoss())
    >>> guards.changed()
    >>> model[0].p = 0.6
    >>> guards.changed()
    'model.0.p'
    """

    def __init__(
        self,
        own: Sequence[Watch],
        shared: Sequence[Watch],
        unseen: Sequence[Unseen],
        sets: Sequence[str] = (),
        names: Collection[str] = STEP,
    ) -> None:
        self._own, self._shared, self._unseen, self._sets, self._names = own, shared, unseen, sets, names

    @classmethod
    def of_step(cls, model: Module, loss: Loss, names: Collection[str] = STEP) -> Self:
        """Return what forward, backward and the loss read; ``names`` are what their code is known to read."""
        reachable = Reachable(names, _KEPT_FOR_BACKWARD)
        for path, module in model.named_modules():
            reachable.add(module, f"model.{path}".rstrip("."))
        reachable.add(loss, "loss")
        return cls(*reachable.explore(), names=reachable.names)

    def of_like(self, model: Module, loss: Loss) -> Self:
        """Return those of a step of the same structure, whose code reads the same names."""
        return self.of_step(model, loss, self._names)

    @classmethod
    def of_update(cls, optimizer: Optimizer, names: Collection[str] = UPDATE) -> Self:
        """Return what the optimizer's rule reads, but rate and count of steps."""
        reachable = Reachable(names, _COUNTED)
        reachable.add(optimizer, "optimizer")
        own, shared, unseen = reachable.explore()
        also = map(Unseen, (*reachable.mutable, *reachable.returns))
        return cls(own, shared, [*unseen, *also], reachable.sets, reachable.names)

    def of_like_update(self, optimizer: Optimizer) -> Self:
        """Return those of a rule of the same structure, whose code reads the same names."""
        return self.of_update(optimizer, self._names)

    @classmethod
    def of_rule(cls, optimizer: Optimizer) -> Self:
        """Return what the optimizer's rule reads where it is run in Python, between two recorded steps."""
        return cls.of_code_between(optimizer, "optimizer", UPDATE)

    @classmethod
    def of_check(cls, loss: Loss) -> Self:
        """Return what the check of a loss reads, which is run in the midst of a recorded step."""
        return cls.of_code_between(loss, "loss", ("check", "check_values"))

    @classmethod
    def of_code_between(cls, part: object, path: str, entries: Sequence[str]) -> Self:
        """Return what code reads that is run even where a step is recorded, and whether it may set something."""
        reachable = Reachable(entries, (*_KEPT_FOR_BACKWARD, *_COUNTED))
        reachable.add(part, path)
        own, shared, unseen = reachable.explore()
        return cls(own, shared, unseen, [*reachable.sets, *reachable.mutable, *map(attrgetter("path"), unseen)])

    @property
    def may_set(self) -> bool:
        """Whether this code may give something another value."""
        return bool(self._sets)

    def of_code(self) -> Self:
        """Return those of what other models of the same classes read too."""
        return type(self)([], self._shared, self._unseen, self._sets)

    def changed(self) -> str | None:
        """Return the path of the first thing that is not as it was, or None."""
        watches = chain(self._own, self._shared)
        return next((path for watch in watches if (path := watch.changed()) is not None), None)

    def refuse_changed(self, who: str, fix: str) -> None:
        """Raise :class:`NotRecordable` if what is read was changed, by ``who`` reads it."""
        if (changed := self.changed()) is not None:
            raise NotRecordable(f"{who} changes {changed}", fix)

    def refuse_unseen(self) -> None:
        """Raise :class:`NotRecordable` if something is read that may change without being seen."""
        if self._unseen:
            raise NotRecordable(f"the step reads {self._unseen[0]}", self._unseen[0].fix)

    def refuse_setting(self, who: str) -> None:
        """Raise :class:`NotRecordable` if ``who`` sets something beside tensors, which a trial would leave behind."""
        if self._sets:
            raise NotRecordable(f"{who} may set {self._sets[0]}", "keep what changes in tensors, written in place")
