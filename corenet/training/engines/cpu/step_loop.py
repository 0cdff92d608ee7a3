"""Many steps in one call: a compiled step and a compiled update in turn, batch after batch."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from itertools import chain
from time import perf_counter
from typing import Any

from torch import Tensor

from corenet.contracts.optimizer import Optimizer
from corenet.contracts.several import Tensors, each_of
from corenet.training.engines.chunks import SECONDS
from corenet.training.engines.cpu import cc
from corenet.training.engines.cpu.codegen import Draw, Function
from corenet.training.engines.cpu.part import Part
from corenet.training.engines.recording.lowering import Call, kernel_of
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorded_update import Numbers, RecordedUpdate
from corenet.training.engines.unsupported import NotRecordable

_SOURCE = """
typedef int (*Run)(char **m); /* tells whether an index was out of range */
typedef struct { long place, bytes; char *start; } Walk;
typedef struct { long place, offset, elements, size; } Numbers;
typedef struct { long count; const Numbers *numbers; } Check;
typedef struct { Run run; char **m; long walks; const Walk *walk; Check check; } Part;

static int is_finite(const char *start, long elements, long size) {
  int bad = 0;
  if (size == 4) {
    const uint32_t *x = (const uint32_t *)start;
    for (long i = 0; i < elements; i++) bad |= (x[i] & 0x7f800000u) == 0x7f800000u;
  } else {
    const uint64_t *x = (const uint64_t *)start;
    for (long i = 0; i < elements; i++) bad |= (x[i] & 0x7ff0000000000000u) == 0x7ff0000000000000u;
  }
  return !bad;
}

static int all_finite(const char *start, long elements, long size) {
  const long block = 16384;
  int good = 1;
  if (elements <= block) return is_finite(start, elements, size);
#pragma omp parallel for reduction(& : good)
  for (long i = 0; i < elements; i += block)
    good &= is_finite(start + i * size, elements - i < block ? elements - i : block, size);
  return good;
}

static int pass(const Check *check, char **m) {
  for (const Numbers *n = check->numbers; n < check->numbers + check->count; n++)
    if (!all_finite(m[n->place] + n->offset, n->elements, n->size)) return 0;
  return 1;
}

/* What is too small to be an ordinary number, such as the velocity of a dead unit, counts as zero: it costs more. */
#ifdef __SSE2__
static unsigned flush(void) {
  const unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | 0x8040u);
  return before;
}
static void restore(unsigned before) { __builtin_ia32_ldmxcsr(before); }
#else
static unsigned flush(void) { return 0; }
static void restore(unsigned before) { (void)before; }
#endif

/* Does a part for the nth time, where its walks have come to; tells whether its indices were in range, and its numbers
   are finite. */
static int turn(const Part *part, long n) {
  for (const Walk *w = part->walk; w < part->walk + part->walks; w++) part->m[w->place] = w->start + n * w->bytes;
  return !part->run(part->m) && pass(&part->check, part->m);
}

static long steps_that_went_well(long steps, long steps_per_epoch, const Part *step, const Part *rest,
                                 const Part *evaluation, const Part *update, const double *rows, long width,
                                 double *numbers) {
  long done = 0;
  for (long s = 0; s < steps; s++) {
    const long epoch = s / steps_per_epoch;
    const int ends = (s + 1) % steps_per_epoch == 0;
    for (int r = 0; r <= (ends && rest); r++) {
      if (!(r ? turn(rest, epoch) : turn(step, s))) return done;
      for (long i = 0; i < width; i++) numbers[i] = rows[done * width + i];
      if (update->run(update->m)) return done;
      done++;
    }
    if (ends && !(pass(&update->check, update->m) && (!evaluation || turn(evaluation, epoch)))) return done - 1;
  }
  return done;
}

/* Does the steps, each by its row of numbers; at the end of each epoch the one on the remaining points, a check of the
   weights, and the evaluation. Returns how many steps went well: one ends before the update if its gradient is not
   finite. */
long train(long steps, long steps_per_epoch, const Part *step, const Part *rest, const Part *evaluation,
           const Part *update, const double *rows, long width, double *numbers) {
  const unsigned before = flush();
  const long done = steps_that_went_well(
      steps, steps_per_epoch, step, rest, evaluation, update, rows, width, numbers);
  restore(before);
  return done;
}
"""


_CHUNK = 256  # steps in one call
_KEPT = 2**24  # bytes to keep of batches, random numbers, and outputs, which the loss checks afterwards


class CompiledLoop:
    """A compiled step and a compiled update, to be done many times.

    In each step the memories of input, target, random numbers, output and loss are others: a walk along the data.

    ``apply`` is the update as a function of C.

    Raises:
        NotRecordable: the step is no single compiled function, or keeps its numbers elsewhere.
    """

    def __init__(
        self,
        recorded: RecordedStep,
        update: RecordedUpdate,
        apply: Function,
        optimizer: Optimizer,
    ) -> None:
        self.recorded, self.update, self.apply = recorded, update, apply
        layout = optimizer.layout
        self.step = step_part(recorded, layout.gradients())
        self.weights = Part(apply, checked=layout.weights())
        self.max_steps = self._most = most_turns(self.step.nbytes)

    def run(
        self, inputs: Tensors, targets: Tensors, numbers: Numbers, steps_per_epoch: int
    ) -> tuple[int, list[Tensor]]:
        """Do a step for each row of numbers; return how many went well, and the results of all, until the next run.

        After ``steps_per_epoch`` so many.
        """
        steps, start = len(numbers), perf_counter()
        self.step.make_room(steps)
        self.step.give(steps, *each_of(inputs), *each_of(targets))
        for _ in self.step.drawing(steps):
            pass
        done = self.train(steps, steps_per_epoch, numbers)
        self.max_steps = max(1, min(self._most, int(SECONDS * steps / (perf_counter() - start))))
        return done, self.step.made(steps)

    def train(
        self,
        steps: int,
        steps_per_epoch: int,
        numbers: Numbers,
        rest: Part | None = None,
        evaluation: Part | None = None,
    ) -> int:
        """Do so many steps, and what comes after each epoch of them; return how many steps went well."""
        width = len(self.update.at)
        done: int = _train()(
            ctypes.c_long(steps),
            ctypes.c_long(steps_per_epoch),
            *(None if part is None else part.reference() for part in (self.step, rest, evaluation, self.weights)),
            (ctypes.c_double * (len(numbers) * width))(*chain.from_iterable(numbers)),
            ctypes.c_long(width),
            ctypes.c_void_p(self.update.numbers.data_ptr()),
        )
        return done

    def nbytes(self) -> int:
        """Return the size of all memories that the two functions work on."""
        return sum(each.nbytes() for part in (self.step, self.weights) for each in part.storages)


def step_part(recorded: RecordedStep, gradients: Sequence[Tensor]) -> Part:
    """Return a recorded step as a part of a loop.

    Raises:
        NotRecordable: it is no single compiled function, or keeps its numbers elsewhere.
    """
    draws, function = one_function(recorded.calls)
    return Part(function, draws, recorded.given, recorded.results, [recorded.value, *gradients])


def most_turns(nbytes: int) -> int:
    """Return how many turns of so many bytes one call takes."""
    return max(1, min(_CHUNK, _KEPT // max(1, nbytes)))


def one_function(calls: Sequence[Call]) -> tuple[list[Draw], Function]:
    """Return the draws at the start of ``calls`` and the one function after them."""
    *before, last = calls
    draws = [each for each in before if isinstance(each, Draw)]
    if not isinstance(last, Function) or len(draws) < len(before):
        unknown = next(each for each in calls if not isinstance(each, (Draw, Function)))
        raise NotRecordable(f"not every kernel of it is known in C ({kernel_of(unknown)})")
    return draws, last


def _train() -> Any:
    train = cc.library(_SOURCE).train
    train.restype = ctypes.c_long
    return train
