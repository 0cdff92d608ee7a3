"""Many steps in one call: a compiled step and a compiled update in turn, batch after batch."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from math import nan
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.optimizer import Optimizer
from corenet.training.engines.chunks import SECONDS
from corenet.training.engines.cpu import cc
from corenet.training.engines.cpu.codegen import Draw, Function
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorded_update import RecordedUpdate
from corenet.training.engines.unsupported import NotRecordable

_SOURCE = """
typedef void (*Run)(char **m);
typedef struct { long place, bytes; char *start; } Walk;
typedef struct { long place, offset, elements, size; } Numbers;
typedef struct { long count; const Numbers *numbers; } Check;

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

static long steps_that_went_well(long steps, Run step, char **m, Run update, char **u, const Walk *walk, long walks,
           const Check *gradients, const Check *weights, long every, const double *rates, double *rate,
           double *minus_rate) {
  for (long s = 0; s < steps; s++) {
    for (long w = 0; w < walks; w++) m[walk[w].place] = walk[w].start + s * walk[w].bytes;
    step(m);
    if (!pass(gradients, m)) return s;
    *rate = rates[s];
    *minus_rate = -rates[s];
    update(u);
    if ((s + 1) % every == 0 && !pass(weights, u)) return s;
  }
  return steps;
}

/* Returns how many steps went well: one ends before the update if its gradient is not finite. */
long train(long steps, Run step, char **m, Run update, char **u, const Walk *walk, long walks,
           const Check *gradients, const Check *weights, long every, const double *rates, double *rate,
           double *minus_rate) {
  const unsigned before = flush();
  const long done = steps_that_went_well(
      steps, step, m, update, u, walk, walks, gradients, weights, every, rates, rate, minus_rate);
  restore(before);
  return done;
}
"""


_CHUNK = 256  # steps in one call
_KEPT = 2**24  # bytes to keep of batches, random numbers, and outputs, which the loss checks afterwards


class _Walk(ctypes.Structure):
    _fields_ = (("place", ctypes.c_long), ("bytes", ctypes.c_long), ("start", ctypes.c_void_p))


class _Numbers(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_long) for name in ("place", "offset", "elements", "size"))


class _Check(ctypes.Structure):
    _fields_ = (("count", ctypes.c_long), ("numbers", ctypes.POINTER(_Numbers)))


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
        self._draws, step = one_function(recorded.calls)
        self._given = [recorded.input, recorded.target, *(draw.tensor for draw in self._draws)]
        self._made = [recorded.prediction, recorded.value]
        self._walked = [*self._given, *self._made]
        self._places = [step.place(tensor) for tensor in self._walked]
        used = [place for place in self._places if place is not None]
        if len(set(used)) < len(used) or not all(map(_fills_its_memory, self._walked)):
            raise NotRecordable("the step's output shares memory with another tensor", "let forward return a clone")
        self._checks = _check(step, [recorded.value, *layout.gradients()]), _check(apply, layout.weights())
        self._most = max(1, min(_CHUNK, _KEPT // max(1, sum(each.nbytes for each in self._walked))))
        self.max_steps = self._most
        self._train = cc.library(_SOURCE).train
        self._train.restype = ctypes.c_long
        self._rates = [ctypes.c_void_p(each.data_ptr()) for each in (update.rate, update.minus_rate)]
        self._step = step  # it and apply keep the memories alive
        own = type(step.addresses)(*step.addresses)  # the walk changes it
        self._fixed = (step.function, own, apply.function, apply.addresses)
        self._lay_out(1)

    def run(
        self, inputs: Tensor, targets: Tensor, rates: Sequence[float], steps_per_epoch: int
    ) -> tuple[int, Tensor, Tensor]:
        """Do a step for each rate; return how many went well, the outputs, and the losses, until the next run.

        After ``steps_per_epoch`` so many.
        """
        steps, start = len(rates), perf_counter()
        if steps > len(self._numbers[0]):
            self._lay_out(steps)
        own_inputs, own_targets, *drawn, predictions, values = (each[:steps] for each in self._numbers)
        own_inputs.copy_(inputs.view_as(own_inputs))  # a step may change its batch
        own_targets.copy_(targets.view_as(own_targets))
        for each in zip(*drawn, strict=True):
            for draw, into in zip(self._draws, each, strict=True):
                draw()
                into.copy_(draw.tensor)
        done = self._train(
            ctypes.c_long(steps),
            *self._fixed,
            self._walks,
            ctypes.c_long(len(self._walks)),
            *map(ctypes.byref, self._checks),
            ctypes.c_long(steps_per_epoch),
            (ctypes.c_double * steps)(*rates),
            *self._rates,
        )
        self.max_steps = max(1, min(self._most, int(SECONDS * steps / (perf_counter() - start))))
        return done, predictions, values

    def nbytes(self) -> int:
        """Return the size of all memories that the two functions work on."""
        return sum(each.nbytes() for each in (*self._step.storages, *self.apply.storages))

    def _lay_out(self, steps: int) -> None:
        """Make the memories that so many steps walk along."""
        given = [torch.empty((steps, *each.shape), dtype=each.dtype) for each in self._given]
        # What no step makes, such as an output that is a weight, stays no number: so nobody takes it for one.
        made = [torch.full((steps, *each.shape), nan, dtype=each.dtype) for each in self._made]
        self._numbers = [*given, *made]
        self._walks = _array(
            _Walk,
            (
                _Walk(place, own.nbytes, each.data_ptr())
                for place, own, each in zip(self._places, self._walked, self._numbers, strict=True)
                if place is not None
            ),
        )


def one_function(calls: Sequence[object]) -> tuple[list[Draw], Function]:
    """Return the draws at the start of ``calls`` and the one function after them."""
    *before, last = calls
    draws = [each for each in before if isinstance(each, Draw)]
    if not isinstance(last, Function) or len(draws) < len(before):
        raise NotRecordable("not every kernel of it is known in C")
    return draws, last


def _check(function: Function, tensors: Iterable[Tensor]) -> _Check:
    """Return where a function has the numbers that are looked at."""
    found = _array(
        _Numbers,
        (
            _Numbers(place, each.storage_offset() * each.element_size(), each.numel(), each.element_size())
            for each in tensors
            if (place := function.place(each)) is not None
        ),
    )
    return _Check(len(found), found)


def _array(kind: type[ctypes.Structure], structures: Iterable[ctypes.Structure]) -> Any:
    found = list(structures)
    return (kind * len(found))(*found)


def _fills_its_memory(tensor: Tensor) -> bool:
    return tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.nbytes
