"""The fast step for a loop of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.several import Tensors
from corenet.training.engines.cpu.cc import NO_COMPILER, compiler
from corenet.training.engines.cpu.engine import Compiled
from corenet.training.engines.replay import Replay
from corenet.training.engines.unsupported import Reporter
from corenet.training.learner import Learner
from corenet.training.ownership import refuse_foreign_optimizer

Step = Callable[[Any, Any], Tensor]


def compile_step(model: Module, loss: Loss, optimizer: Optimizer) -> Step:
    """Return ``step(input, target)``, which does what :func:`~corenet.train_step` does, several times as fast.

    The first batch of a shape is recorded and, where there is a C compiler, compiled, which takes about half a
    second; the second one is computed both ways, and whatever cannot be recorded is done by the plain step from
    then on, with an :class:`~corenet.EngineWarning`. Everything may be changed between two steps: rates, settings,
    modes, weights.

    The loss that a step returns is the one before it.

    Raises:
        StructureError: the optimizer was made for the parameters of another model.
        NonFiniteError: a step, as the plain one: the loss or a gradient is infinite or not a number; no weight
            has been written.

    >>> import corenet as cn
    >>> model, train = cn.Sequential(cn.Linear(2, 1)), cn.data.disk(100, seed=0)
    >>> step = compile_step(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1))
    >>> losses = [step(train.inputs, train.targets).item() for _ in range(5)]
    >>> losses[-1] < losses[0]
    True
    """
    refuse_foreign_optimizer(model, loss, optimizer)
    learner = Learner(model, loss, optimizer)
    reporter = Reporter(asked_by_name=True)
    if compiler() is None:
        reporter.fallback("steps are replayed, not compiled", NO_COMPILER)
    engine = Replay(learner, reporter) if compiler() is None else Compiled(learner, reporter)

    def step(input: Tensors, target: Tensors) -> Tensor:
        engine.refresh()  # the loop is anybody's code, which may have changed something
        return engine.step(input, target).clone()

    return step
