"""The compiled engine: recorded kernels as C, and many steps in one call where all of a step is known."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import CDLL

from torch import Tensor

from corenet.training.engines.chunked import Chunked
from corenet.training.engines.chunks import Chunks
from corenet.training.engines.cpu import cc
from corenet.training.engines.cpu.codegen import compile_calls
from corenet.training.engines.cpu.epoch_loop import CompiledEvaluation, EpochLoop
from corenet.training.engines.cpu.reuse import Templates
from corenet.training.engines.cpu.step_loop import CompiledLoop, one_function
from corenet.training.engines.engine import Running
from corenet.training.engines.optimizer_adapter import tensors_of
from corenet.training.engines.recording.evaluation_log import EvaluationLog
from corenet.training.engines.recording.lowering import Call, KernelCalls
from corenet.training.engines.recording.op_log import Operation
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorded_update import RecordedUpdate
from corenet.training.engines.unsupported import CannotCompile, Reporter
from corenet.training.learner import Learner

LIBRARIES = 8  # that one training may have compiled: what always changes never earns back what each of them costs


class CFunctions:
    """The lowering to functions of C, which counts what it has compiled."""

    def __init__(self) -> None:
        self._sources: set[str] = set()

    @property
    def running(self) -> Running:
        """The name of what the calls are."""
        return "compiled"

    def __call__(
        self, operations: Sequence[Operation], gradients: Sequence[Tensor], kept: Sequence[Tensor]
    ) -> list[Call]:
        """Return :func:`~.codegen.compile_calls` of these."""
        return compile_calls(operations, gradients, kept, self.library)

    def loop(self, recorded: RecordedStep, update: RecordedUpdate, learner: Learner) -> CompiledLoop:
        """Return a loop over steps."""
        optimizer = learner.optimizer
        _, apply = one_function(compile_calls(update.operations, [], tensors_of(optimizer), self.library))
        return CompiledLoop(recorded, update, apply, optimizer)

    def epochs(
        self, chunks: Chunks, steps: int, rest: RecordedStep | None, evaluation: EvaluationLog | None
    ) -> EpochLoop:
        """Return a loop over whole epochs of so many steps."""
        gradients = chunks.learner.optimizer.layout.gradients()
        assert isinstance(chunks.loop, CompiledLoop), "they are by functions of C"
        return EpochLoop(chunks.loop, steps, rest, self._evaluation(evaluation), gradients)

    def _evaluation(self, log: EvaluationLog | None) -> CompiledEvaluation | None:
        if log is None:
            return None
        if log.compiled is None:
            calls = compile_calls(log.operations, [], [*log.outputs, *log.numbers], self.library)
            _, log.compiled = one_function(calls)
        return CompiledEvaluation(log, log.compiled)

    def library(self, source: str) -> CDLL:
        """Return a compiled source.

        Raises:
            CannotCompile: this training had too many compiled already, or the compiler refused.
        """
        self._sources.add(source)
        if len(self._sources) > LIBRARIES:
            text = f"this training had {LIBRARIES} libraries compiled already: what it does changes too often"
            raise CannotCompile(text, "use batches of fewer sizes, and change settings less often")
        return cc.library(source)

    def improved(self) -> bool:
        """Tell that they never become quicker."""
        return False


class Compiled(Chunked):
    """Trains by functions of C; by kernels where there can be none."""

    def __init__(self, learner: Learner, reporter: Reporter | None = None, functions: CFunctions | None = None) -> None:
        functions = functions or CFunctions()
        super().__init__(
            learner, reporter or Reporter(), (functions, KernelCalls()), functions.loop, KEPT, functions.epochs
        )


KEPT = Templates()
