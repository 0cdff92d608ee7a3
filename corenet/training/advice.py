"""What would help a training, told from the data before it and from its history after it, a line each with the fix.

Nothing here is done in a step. Before a training some hundred rows are looked at, after it the history; the model is
asked only if its loss has not moved.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.evaluating import evaluating
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.sequential import Sequential, label
from corenet.data import Dataset
from corenet.errors import AdviceWarning
from corenet.history import History
from corenet.training.engines.recording.restore import restored
from corenet.training.mean_loss import mean_loss

ROWS, NUMBERS = 256, 2**14  # that are looked at, at most
LARGE = 50.0  # root mean square of an input: about a hundred times what a layer is made for
MOST = 0.95  # of the targets are of one class
FEWEST = 50  # targets tell how uneven classes are
EPOCHS = 20  # at least: a loss may rest for some on its way
FLAT = 0.01  # of the loss, within which it has not moved
NO_MORE = 0.98  # of a constant's loss: the outputs tell nothing of the inputs
NEARLY_ALL = 0.9  # units
RISEN = 1.5  # times the least


def advise(advice: Iterator[AdviceWarning]) -> None:
    """Show each as a warning, at the caller of the function that calls this."""
    for each in advice:
        warnings.warn(each, stacklevel=3)


def before(model: Module, loss: Loss, train: Dataset) -> Iterator[AdviceWarning]:
    """Yield what the data of a training calls for."""
    inputs, targets = train.inputs, train.targets
    if isinstance(inputs, Tensor) and inputs.is_floating_point():
        yield from _large(model, inputs)
    if isinstance(targets, Tensor):
        yield from _out_of_reach(model, loss, targets)
        yield from _uneven(loss, targets)


def after(
    model: Module, loss: Loss, train: Dataset, history: History, callbacks: Sequence[Any] = ()
) -> Iterator[AdviceWarning]:
    """Yield what a training that has ended calls for; ``callbacks`` may keep the best weights and have seen to it."""
    if not any(hasattr(each, "best") for each in callbacks):
        yield from _rising(history)
    if is_flat(history.losses):
        found: list[AdviceWarning] = []
        with suppress(Exception), evaluating(model), restored(()):  # advice is no reason to fail a training
            found += _unmoved(model, loss, train, history)
        yield from found


def _large(model: Module, inputs: Tensor) -> Iterator[AdviceWarning]:
    """Look for inputs far from 1 where a layer of weights reads them, and none that normalises them before."""
    weights = (getattr(each, "weight", None) for each in leaves(model))
    first = next((each for each in weights if isinstance(each, Tensor)), None)
    if first is None or first.dim() < 2:
        return
    size = _some(inputs, min(ROWS, NUMBERS * len(inputs) // max(1, inputs.numel()))).square().mean(0)
    if size.numel() and LARGE < (largest := float(size.max()) ** 0.5) < torch.inf:
        column = int(size.argmax())
        yield AdviceWarning(
            f"the inputs are not standardised: those of feature {column} are about {largest:.3g} in size, and layers "
            "are made for about 1; use train.normalized(), and valid.normalized(train.statistics())",
            kind="not_standardised",
        )


def _some(data: Tensor, rows: int) -> Tensor:
    """Return so many rows from all over the data, always the same, by a stride that no order of the rows shares."""
    if len(data) <= rows:
        return data
    return data[torch.arange(max(1, rows), device=data.device) * 2654435761 % len(data)]


def _out_of_reach(model: Module, loss: Loss, targets: Tensor) -> Iterator[AdviceWarning]:
    """Compare targets with what the last module can give, if it says so by ``output_range``."""
    last = next(iter(reversed(list(leaves(model)))), None)
    low, high = getattr(last, "output_range", (-torch.inf, torch.inf))
    if loss.class_dim is not None or not targets.is_floating_point() or (low, high) == (-torch.inf, torch.inf):
        return
    least, most = map(float, targets.aminmax())
    if least < low or most > high:
        yield AdviceWarning(
            f"the targets lie between {least:g} and {most:g}, and {label(last)} gives {low:g} to {high:g} alone; scale "
            "the targets, or leave that module out",
            kind="target_out_of_range",
        )


def _uneven(loss: Loss, targets: Tensor) -> Iterator[AdviceWarning]:
    """Look for a class that is nearly all targets, where no weights of classes make up for it."""
    if len(targets) < FEWEST or targets.numel() != len(targets) or getattr(loss, "weight", None) is not None:
        return
    flat = _some(targets, NUMBERS).reshape(-1)
    least, most = flat.aminmax()
    if least == most:
        return
    counts = {float(each): float((flat == each).double().mean()) for each in (least, most)}
    value, share = max(counts.items(), key=lambda each: each[1])
    is_of_two = sum(counts.values()) == 1
    if share >= MOST and (is_of_two or not targets.is_floating_point()):
        yield AdviceWarning(
            f"the classes are very uneven: {share:.1%} of the targets are {value:g}, and a model that says nothing "
            "else is right as often; weigh them, as CrossEntropyLoss(weight=...) does, and look at metrics=['f1']",
            kind="uneven_classes",
        )


def _rising(history: History) -> Iterator[AdviceWarning]:
    """Look for a validation loss that has risen from its least while the training loss fell."""
    found = [each.valid.get("loss") for each in history]
    losses = [each for each in found if isinstance(each, float) and isfinite(each)]
    if len(losses) < EPOCHS or len(losses) < len(found):
        return
    least = min(losses)
    place = losses.index(least)
    late = sorted(losses[-3:])[1]
    if late > RISEN * least > 0 and place < 0.75 * len(losses) and history[-1].loss < history[place].loss:
        yield AdviceWarning(
            f"the validation loss was least after epoch {history[place].epoch}, {least:.3g}, and has risen to "
            f"{losses[-1]:.3g} since while the training loss fell; keep the best weights by "
            "callbacks=[cn.EarlyStopping()], or take Dropout, weight_decay or more data",
            kind="validation_loss_rising",
        )


def is_flat(losses: Sequence[float]) -> bool:
    """Tell whether a loss has not moved from the start on.

    >>> is_flat([0.7, 0.701] * 10), is_flat([0.7, 0.6] * 10), is_flat([0.7])
    (True, False, False)
    """
    return len(losses) >= EPOCHS and losses[0] != 0 and max(losses) - min(losses) <= FLAT * abs(losses[0])


def _unmoved(model: Module, loss: Loss, train: Dataset, history: History) -> Iterator[AdviceWarning]:
    """Look why a loss has not moved, unless the model knows more than a constant: then it was trained before."""
    if not isinstance(train.inputs, Tensor) or not isinstance(train.targets, Tensor):
        return
    inputs, targets = train.inputs[:ROWS], train.targets[:ROWS]
    output = model(inputs)
    constant = output.mean(0, keepdim=True).expand_as(output)
    if bool((targets == targets[:1]).all()):
        return  # a constant is all that there is to learn
    if mean_loss(loss, output, targets) < NO_MORE * mean_loss(loss, constant, targets):
        return
    yield AdviceWarning(
        f"the loss has not moved from {history[0].loss:.4g} in {len(history)} epochs, and the outputs tell no more "
        "than a constant; try another lr (cn.lr_find suggests one), and look at the data",
        kind="flat_loss",
    )
    if isinstance(model, Sequential):
        yield from _idle(leaves(model), inputs)


def _idle(modules: Iterator[Module], values: Tensor) -> Iterator[AdviceWarning]:
    """Look for modules nearly all of whose units are at the ends of their range, where no gradient passes."""
    for module in modules:
        values = module(values)
        low, high = getattr(module, "output_range", (-torch.inf, torch.inf))
        units = values.reshape(len(values), -1)
        if isfinite(low) and isfinite(high):
            margin = 0.01 * (high - low)
            at_end = ((units - low < margin) | (high - units < margin)).double().mean().item()
            if at_end >= NEARLY_ALL:
                yield AdviceWarning(
                    f"{at_end:.0%} of the outputs of {label(module)} are saturated, where its slope is nearly 0; "
                    "standardise the inputs, or take smaller weights or a smaller lr",
                    kind="saturated",
                )
        elif isfinite(low) and (dead := (units <= low).all(0).double().mean().item()) >= NEARLY_ALL:
            yield AdviceWarning(
                f"{dead:.0%} of the units of {label(module)} are dead: they give {low:g} for every point, and learn "
                "nothing; take a smaller lr, or init='he_uniform'",
                kind="dead_units",
            )


def leaves(model: Module) -> Iterator[Module]:
    """Yield the modules in the order of their names; of a :class:`~corenet.Sequential` those in it.

    >>> import corenet as cn
    >>> [label(each) for each in leaves(cn.Sequential(cn.Tanh(), cn.Sequential(cn.ReLU())))]
    ['Tanh()', 'ReLU()']
    """
    if not isinstance(model, Sequential):
        yield model
        return
    for each in model:
        yield from leaves(each)
