"""How much memory a step takes, and whether it may be taken in pieces: found out on a few points."""

from __future__ import annotations

import copy

from torch import Tensor

from corenet.contracts.elementwise_loss import ElementwiseLoss
from corenet.contracts.several import Tensors, count, each_of, rows
from corenet.training.engines.additivity import adds_up
from corenet.training.engines.recording.op_log import memory
from corenet.training.engines.recording.rng_state import python_rng_checkpoint, rng_checkpoint
from corenet.training.engines.recording.step_log import log_step
from corenet.training.engines.unsupported import LOG, NotRecordable, Reporter, is_of_ours
from corenet.training.learner import Learner

POINTS = 4
LARGE = 256 * 2**20  # bytes of a step that is worth cutting
PIECE = 64 * 2**20  # bytes of a piece: several matrix products still keep the processor busy


def affordable(learner: Learner, input: Tensors, target: Tensors, batch_size: int) -> int | None:
    """Return how many points to take at a time if the step of a batch is large and its pieces add up to it."""
    if batch_size <= POINTS or count(input) < POINTS or batch_size * _guessed(learner, input) < LARGE:
        return None  # small beyond doubt, so nobody's forward has to be called to find out
    kind = type(learner.loss)
    if kind.forward is not ElementwiseLoss.forward or kind.backward is not ElementwiseLoss.backward:
        return None  # of any other, some batches may add up and others not
    input, target = rows(input, slice(POINTS)), rows(target, slice(POINTS))
    rewinds = rng_checkpoint(), python_rng_checkpoint()
    try:
        tried = copy.deepcopy(learner)  # so that trials leave no trace
        size = _bytes_per_point(tried, input, target)
        if size * batch_size < LARGE or not adds_up(tried, input, target):
            return None
    except NotRecordable as refusal:
        LOG.debug("batches are left whole: %s", refusal)
        return None
    except Exception as error:  # noqa: BLE001 - so few points may be too few for a model; training will say what is wrong
        if is_of_ours(error):
            Reporter().bug("batches are left whole", error)
        LOG.debug("batches are left whole: %r", error)
        return None
    finally:
        for rewind in rewinds:
            rewind()
    return max(1, int(PIECE / size))


def _guessed(learner: Learner, input: Tensors) -> float:
    """Return a generous guess of the bytes that a step makes for each point, from the shapes alone."""
    widths = sum(parameter.shape[0] for parameter in learner.optimizer.parameters if parameter.dim() > 1)
    inputs = each_of(input)
    return 10 * max(each.element_size() for each in inputs) * (widths + sum(each[0].numel() for each in inputs))


def _bytes_per_point(learner: Learner, input: Tensors, target: Tensors) -> float:
    """Return by how much the memory of all that a step makes grows with each point."""
    points = count(input)
    half = slice(points // 2)
    of_half = _bytes(learner, rows(input, half), rows(target, half))
    return (_bytes(learner, input, target) - of_half) / (points - points // 2)


def _bytes(learner: Learner, input: Tensors, target: Tensors) -> int:
    log = log_step(learner, input, target)[1]
    if isinstance(log, NotRecordable):
        raise log
    results = [each.result for each in log.operations if isinstance(each.result, Tensor)]
    return sum({memory(each): each.untyped_storage().nbytes() for each in results}.values())
