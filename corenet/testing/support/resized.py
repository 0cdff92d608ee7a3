"""A trial of other sizes: wider inputs, and arguments of the constructor to match."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from corenet.contracts.case import Case
from corenet.contracts.several import Tensors, each_of, like
from corenet.testing.support.point import is_quick, is_refused
from corenet.testing.support.trial import Trial

MOST_NUMBERS = 100_000  # of parameters and buffers
MOST_TENSORS = 100  # as of layers whose number was taken for a size
NARROW = 35  # where 303 would be too many: of blocks of up to 32 a part is left over


def wider(trial: Trial, width: int) -> Iterator[tuple[str, Trial]]:
    """Yield the trial with one size of its inputs, or of its parameters alone, grown to about ``width``; and in words.

    Arguments of the constructor that are the same integer as the size grow with it, or none does: the first is taken
    that the module accepts. Where it takes multiples alone, as of a number of groups, the size is the next odd one.

    >>> import corenet as cn
    >>> linear = Trial(cn.Linear, cn.Case({"in_features": 3, "out_features": 4}, shape=(5, 3)))
    >>> for what, each in wider(linear, 303):
    ...     print(what, dict(each.case.arguments), each.case.shape)
    dimension 1 of 303 {'in_features': 303, 'out_features': 4} (5, 303)
    a size of 303 in the place of 4 {'in_features': 3, 'out_features': 303} (5, 3)
    """
    inputs = trial.inputs()
    sizes = list(inputs[0].shape)
    for dimension in range(int(len(sizes) > 1), len(sizes)):
        size = sizes[dimension]
        for grown in _grown(size, width):
            tried = (_of_width(trial, case, dimension, size, grown) for case in _cases(trial.case, size, grown))
            if found := next((each for each in tried if _is_taken(each)), None):
                yield f"dimension {dimension} of {grown}", found
                break
    own = {size for each in trial.build().parameters() for size in each.shape}
    for size in sorted(own - set(sizes) - {0, 1}):
        for grown in _grown(size, width):
            tried = (replace(trial, case=case) for case in _cases(trial.case, size, grown) if case is not trial.case)
            if found := next((each for each in tried if _is_taken(each)), None):
                yield f"a size of {grown} in the place of {size}", found
                break


def _grown(size: int, width: int) -> tuple[int, ...]:
    """Return the sizes to try: ``width``, the odd multiple of ``size`` that is near, or one that is smaller."""
    return (width, size * (width // size | 1), NARROW) if size > 1 else ()


def _cases(case: Case, size: int, grown: int) -> Iterator[Case]:
    """Yield the case as it is, with each argument of this size grown, and with all of them."""
    yield case
    arguments: dict[Any, Any] = {**dict(enumerate(case.args)), **case.arguments}
    equal = [name for name, value in arguments.items() if _put(value, size, grown) is not value]
    for chosen in [*([each] for each in equal), *([equal] if len(equal) > 1 else [])]:
        new = {name: _put(value, size, grown) if name in chosen else value for name, value in arguments.items()}
        args = tuple(new.pop(place) for place in range(len(case.args)))
        yield replace(case, args=args, arguments=new)


def _put(value: Any, size: int, grown: int) -> Any:
    """Return an integer of this size, or a tuple with such, with the other in its place; anything else as it is."""
    if isinstance(value, int) and not isinstance(value, bool):
        return grown if value == size else value
    if isinstance(value, tuple) and size in value:
        return tuple(_put(each, size, grown) for each in value)
    return value


def _of_width(trial: Trial, case: Case, dimension: int, size: int, grown: int) -> Trial:
    if trial.draws:
        draw = partial(_drawn_wide, case.inputs, dimension, size, grown)
        return replace(trial, case=replace(case, inputs=draw))
    shape = (*case.shape[:dimension], grown, *case.shape[dimension + 1 :])
    return replace(trial, case=replace(case, shape=shape))


def _drawn_wide(draw: Any, dimension: int, size: int, grown: int, generator: torch.Generator) -> Tensors:
    """Return several draws side by side along a dimension, for each tensor that has this size there."""
    drawn = [draw(generator) for _ in range(-(-grown // size))]
    tensors = []
    for several in zip(*map(each_of, drawn), strict=True):
        same = several[0].dim() > dimension and several[0].shape[dimension] == size
        tensors.append(torch.cat(several, dimension).narrow(dimension, 0, grown) if same else several[0])
    return like(drawn[0], tuple(tensors))


def _is_taken(trial: Trial) -> bool:
    """Tell whether a trial can be built, without many parameters, takes its inputs, and is quick."""
    try:
        with torch.device("meta"):  # where numbers take no memory
            built = trial.factory(*copy.deepcopy(trial.case.args), **copy.deepcopy(dict(trial.case.arguments)))
        sizes = [each.numel() for _, each in built.named_tensors()]
        if sum(sizes) > MOST_NUMBERS or len(sizes) > MOST_TENSORS:
            return False
        inputs = trial.inputs()
        return not is_refused(trial, inputs) and is_quick(trial, inputs)
    except Exception:  # noqa: BLE001 - a stranger's code may raise anything
        return False
