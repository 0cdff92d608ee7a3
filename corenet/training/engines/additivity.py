"""Whether the steps of the pieces of a batch add up to that of the whole: tried on a copy of a learner."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from corenet.contracts.loss import Loss, averages
from corenet.contracts.parameter import gradient
from corenet.contracts.several import Tensors, count, each_of, mapped
from corenet.data import Dataset, pieces
from corenet.errors import ConfigError
from corenet.training.engines.microbatch import gradients_in_pieces
from corenet.training.engines.optimizer_adapter import trained
from corenet.training.engines.recording.agreement import agree
from corenet.training.engines.recording.moving import buffers
from corenet.training.engines.recording.rng_state import python_rng_checkpoint, rng_checkpoint
from corenet.training.engines.unsupported import Reporter, is_of_ours
from corenet.training.learner import Learner

POINTS = 64  # to try it on, at most


def refuse_what_does_not_add_up(learner: Learner, train: Dataset, size: int) -> None:
    """Refuse pieces of ``size`` points that take another step than the batch, such as those of a weighted mean.

    Raises:
        ConfigError: they do not add up.
    """
    culprit = what_does_not_add_up(learner, train, size)
    if culprit is not None:
        raise ConfigError(
            f"micro_batch_size: {culprit}, so its pieces would take another step than the batch; "
            "leave micro_batch_size out",
            name="micro_batch_size",
            value=size,
        )


def what_does_not_add_up(learner: Learner, train: Dataset, size: int, most: int = POINTS) -> str | None:
    """Say what lets pieces of ``size`` points take another step than the batch, None if nothing does.

    It is tried on as many points as a piece has, ``most`` at most, and halves of them, whose targets differ most. A
    model that draws random numbers draws others in pieces, so that the loss is tried alone there. What fails when it is
    tried is not refused: training will say what is wrong.
    """
    input, target = _most_unlike(train, min(max(2, size), most, count(train.inputs)))
    rewinds = rng_checkpoint(), python_rng_checkpoint()
    try:
        if not learner.loss.weighs_points_alike(train.targets):
            return f"{learner.loss!r} does not weigh all points alike"
        return _culprit(copy.deepcopy(learner), input, target, count(input) // 2)
    except Exception as error:  # noqa: BLE001 - so few points may be too few for a model
        if is_of_ours(error):
            Reporter().bug("nobody knows whether pieces add up", error)
        return None
    finally:
        for rewind in rewinds:
            rewind()


def adds_up(learner: Learner, input: Tensors, target: Tensors) -> bool:
    """Tell whether the gradients of two halves add up to those of the whole, and nothing else moves."""
    moving = [torch.get_rng_state(), *_buffers(learner)]
    whole = _step(learner, input, target, count(input))
    if not all(map(torch.equal, [torch.get_rng_state(), *buffers(learner)], moving)):
        return False
    return agree(_step(learner, input, target, count(input) // 2), whole)


def _culprit(learner: Learner, input: Tensors, target: Tensors, size: int) -> str | None:
    """Say what does not add up; None if everything does, as far as can be seen."""
    before = _buffers(learner)
    whole = _step(learner, input, target, count(input))
    if not all(map(torch.equal, buffers(learner), before)):
        return "the model changes a buffer with each batch"
    if agree(_step(learner, input, target, size), whole):
        return None
    if not _loss_adds_up(learner, input, target, size):
        return f"{learner.loss!r} is no mean or sum over points"
    draws = not agree(_step(learner, input, target, count(input)), whole)
    return None if draws else "the model looks at its batch as a whole"


def _step(learner: Learner, input: Tensors, target: Tensors, size: int) -> list[Tensor]:
    """Return the loss, and some thousand elements from all over each gradient: all of it would be memory again."""
    value = gradients_in_pieces(learner, input, target, size)
    gradients = [gradient(each).reshape(-1) for each in trained(learner.optimizer)]
    return [value, *(each[:: max(1, each.numel() // 10_000)].clone() for each in gradients)]


def _loss_adds_up(learner: Learner, input: Tensors, target: Tensors, size: int) -> bool:
    """Tell the same of the loss alone, or that it is another each time."""
    output = learner.model(*each_of(input))
    learner.model.forget()
    sizes = count(input), count(input), size
    whole, again, parts = (_loss_in_pieces(learner.loss, output, target, each) for each in sizes)
    return agree(parts, whole) or not agree(again, whole)


def _loss_in_pieces(loss: Loss, output: Tensors, target: Tensors, size: int) -> list[Tensor]:
    """Return loss and gradient, put together from pieces."""
    values, gradients = [], []
    for piece, aim in zip(pieces(output, size), pieces(target, size), strict=True):
        share = count(piece) / count(output) if averages(loss) else 1.0
        values.append(share * loss(piece, aim).sum())
        gradients.append([share * each for each in each_of(loss.backward())])
    return [torch.stack(values).sum(), *map(torch.cat, zip(*gradients, strict=True))]


def _buffers(learner: Learner) -> list[Tensor]:
    return [each.clone() for each in buffers(learner)]


def _most_unlike(data: Dataset, points: int) -> tuple[Tensors, Tensors]:
    """Return points with targets from the smallest to the largest, in this order: no two halves are alike.

    Of data that are read block by block they are some of the sample.
    """
    held = count(data.inputs)
    numbers = torch.cat([each.reshape(held, -1).double() for each in each_of(data.targets)], 1)
    columns = torch.arange(1.0, numbers.shape[1] + 1, dtype=numbers.dtype, device=numbers.device)
    order = (numbers @ columns).argsort(stable=True)
    places = order[torch.linspace(0, held - 1, points, device=order.device).round().long()]
    return mapped(lambda each: each[places], data.inputs), mapped(lambda each: each[places], data.targets)
