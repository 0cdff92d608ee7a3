"""What is looked for in the model of a run: which columns count, where it errs, whether its gradients agree."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from corenet.checkpoint.loading import Loaded
from corenet.contracts.several import each_of, mapped
from corenet.data import Dataset, stream
from corenet.errors import CheckpointError
from corenet.experiments.parts import Parts, rounds_of
from corenet.experiments.run_folder import RunFolder
from corenet.report.model_summary import ModelSummary, summarize
from corenet.report.run.importance import Importance, permutation_importance
from corenet.report.trace.step_trace import StepTrace, trace_step
from corenet.report.trace.tensor_summary import TensorSummary
from corenet.tables.targets import NumberTarget
from corenet.training.draws import drawing_from
from corenet.training.metrics import predict

COLUMNS = 200  # beyond, their importance would take longer than most trainings
ROWS = 2000  # of the part that importance and residuals are looked for in
BATCH = 100  # rows of the step whose gradients are checked
ELEMENTS = 50  # of each of its tensors: a page is made after each training, so its checks take half a second


@dataclass(frozen=True)
class Pairs:
    """Targets and predictions of the rows of a part, in the unit of the target."""

    true: list[float]
    predicted: list[float]

    @property
    def residuals(self) -> TensorSummary:
        """How predictions differ from what is true."""
        return TensorSummary.of(torch.tensor(self.predicted) - torch.tensor(self.true))


@dataclass(frozen=True)
class Findings:
    """What was found with the model of a run; ``part`` is the data that importance and pairs are of.

    ``importance`` is empty where inputs are no rows of numbers, or too many; ``pairs`` is None of classes.
    """

    parts: Parts
    part: str
    importance: list[Importance]
    pairs: Pairs | None
    layers: ModelSummary
    trace: StepTrace


def findings(run: RunFolder) -> Findings:
    """Return what is found with the model of a run on its data, which is read or drawn again.

    Raises:
        OutputError, DataError, ConfigError: the data or the model is not what it was when it was trained.
        CheckpointError: the model cannot be built, or was saved without what trained it.
    """
    recipe = replace(run.experiment.recipe, device="cpu", rounds=1)
    parts, found = next(rounds_of(recipe, run.path)), run.load()
    if found.loss is None or found.optimizer is None:
        raise CheckpointError(f"{run.model} was saved without its loss or its optimizer")
    name = list(parts.named)[-1]
    part = _spread(parts.named[name], ROWS)
    batch = _spread(parts.train, min(BATCH, recipe.batch_size))
    with drawing_from(stream("findings", recipe.seed), torch.device("cpu")):
        return Findings(
            parts,
            name,
            _importance(found, part, parts),
            _pairs(found, part, parts) if run.results["task"] == "values" else None,
            summarize(copy.deepcopy(found.model), *each_of(batch.inputs)),
            _traced(run, batch),
        )


def columns_of(parts: Parts) -> Mapping[str, range]:
    """Return the places of the inputs that each column has: of a table several, of points one; none of other inputs."""
    inputs = parts.train.inputs
    if parts.coding is None:
        is_rows = isinstance(inputs, Tensor) and inputs.dim() == 2
        return {f"x{place}": range(place, place + 1) for place in range(inputs.shape[1])} if is_rows else {}
    found, first = {}, 0
    for column in parts.coding.columns:
        found[column.name] = range(first, first := first + len(column.inputs))
    return found


def _importance(found: Loaded, part: Dataset, parts: Parts) -> list[Importance]:
    columns = columns_of(parts)
    if len(columns) > COLUMNS or found.loss is None:
        return []
    return permutation_importance(found.model, found.loss, part, columns)


def _pairs(found: Loaded, part: Dataset, parts: Parts) -> Pairs | None:
    """Return targets and predictions of one number a row; None where there are several."""
    output = predict(found.model, part)
    if not isinstance(output, Tensor) or output.numel() != len(part):
        return None
    target = None if parts.coding is None else parts.coding.target
    mean, std = (target.mean, target.std) if isinstance(target, NumberTarget) else (0.0, 1.0)
    true, predicted = ((each.double().reshape(-1) * std + mean).tolist() for each in (part.targets, output))
    return Pairs(true, predicted)


def _traced(run: RunFolder, batch: Dataset) -> StepTrace:
    """Return a step of the model, built once more, since a step changes it."""
    found = run.load()
    assert found.loss is not None
    assert found.optimizer is not None
    return trace_step(found.model, found.loss, found.optimizer, batch.inputs, batch.targets, most=ELEMENTS)


def _spread(data: Dataset, most: int) -> Dataset:
    """Return at most so many rows, evenly from first to last: a table may be sorted."""
    if len(data) <= most:
        return data
    rows = torch.arange(most) * len(data) // most
    return Dataset(mapped(lambda each: each[rows], data.inputs), mapped(lambda each: each[rows], data.targets))
