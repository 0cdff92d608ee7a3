"""How good a model is: predictions and error rates, always in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from corenet.contracts.evaluating import evaluating
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.several import Tensors, each_of
from corenet.data import Dataset
from corenet.errors import ConfigError, ShapeError
from corenet.training.arguments import refuse_other_kinds
from corenet.training.coding import ERROR_RATE, coding_of
from corenet.training.codings import Coding


def predict(model: Module, inputs: Tensors | Dataset) -> Tensor:
    """Return the model's output in evaluation mode, leaving each module in the mode it was in.

    What the output means is known to the loss: see ``loss.probabilities(output)`` and ``loss.predictions(output)``.

    >>> import corenet as cn
    >>> predict(cn.Sequential(cn.Dropout(1.0)), cn.data.disk(3, seed=0)).shape
    torch.Size([3, 2])
    """
    refuse_other_kinds("predict", (model, Module))
    if isinstance(inputs, tuple) and not inputs:
        raise ConfigError("predict takes a model's inputs, and got ()", name="inputs", value=inputs)
    with evaluating(model):
        return model(*each_of(inputs.inputs if isinstance(inputs, Dataset) else inputs))


def error_rate(model: Module, data: Dataset, loss: Loss | None = None) -> float:
    """Return the fraction of points, in [0, 1], that the model puts in the wrong class.

    The targets are classes in one of three codings: two values (0 and 1, −1 and 1), a column for each class with a
    single 1, or integer indices where the output has a column for each class. The class of an output is the value
    nearer to it, or its largest column. Outputs that are no such values, such as logits, need the ``loss`` that the
    model was trained by, which is asked for its ``predictions``; :func:`~corenet.fit` asks it by itself. It also says
    which dimension has the columns, if not the last, and which targets it ignores: they count for nothing. The class
    of targets that are probabilities is the most probable one.

    Raises:
        ShapeError: the output does not have the shape that the targets call for.
        DataError: the targets are in no such coding, so there are no classes.
        ConfigError: ``loss`` is no loss.

    >>> import corenet as cn, torch
    >>> data = cn.data.Dataset(torch.tensor([[0.2], [0.9]]), torch.tensor([[0.0], [0.0]]))
    >>> error_rate(cn.Sequential(), data)
    0.5
    >>> error_rate(cn.Sequential(), data, cn.BCEWithLogitsLoss())  # a logit of 0.2 says: more likely 1
    1.0
    """
    return _rate_of_errors(ERROR_RATE, model, data, loss)


def accuracy(model: Module, data: Dataset, loss: Loss | None = None) -> float:
    """Return the fraction of points that the model puts in the right class: 1 − :func:`error_rate`."""
    return 1 - _rate_of_errors("accuracy", model, data, loss)


def _rate_of_errors(metric: str, model: Module, data: Dataset, loss: Loss | None) -> float:
    """Return the error rate; what is raised is about the ``metric`` that was asked for."""
    if loss is not None and not isinstance(loss, Loss):
        hint = f"; write {loss.__name__}(...)" if isinstance(loss, type) else ""
        raise ConfigError(f"{metric} takes a Loss here, not {loss!r:.80}{hint}", name="loss", value=loss)
    refuse_other_kinds(metric, (model, Module), (data, Dataset))
    output = predict(model, data)
    coding = coding_of(data.targets, output, loss=loss, metric=metric)
    return wrong_against(data.targets, coding, loss, metric)(output).item()


def wrong_against(
    targets: Tensor, coding: Coding, loss: Loss | None = None, metric: str = ERROR_RATE
) -> Callable[[Tensor], Tensor]:
    """Return the function that tells the fraction of an output's rows whose class is not that of ``targets``.

    >>> import torch
    >>> from corenet.training.codings import TwoValues
    >>> wrong_against(torch.tensor([[0.0], [1.0]]), TwoValues(0.0, 1.0))(torch.tensor([[0.4], [torch.nan]])).item()
    0.5
    """
    classes, expected = coding.classes(targets), coding.output_shape(targets)
    judged = coding.judged(targets)
    count = classes.numel() if judged is None else int(judged.sum())

    def fraction(output: Tensor) -> Tensor:
        if output.shape != expected:
            raise ShapeError(metric, output.shape, f"expected the targets' shape {expected}")
        predicted = output if loss is None else loss.predictions(output)
        if predicted.shape not in (expected, classes.shape):
            raise ShapeError(f"{metric} by the predictions of {loss!r}", predicted.shape, f"expected {expected}")
        wrong = coding.right(output, predicted, classes).logical_not()
        return (wrong if judged is None else wrong & judged).double().sum() / count

    return fraction


def classes(output: Tensor, targets: Tensor, loss: Loss | None = None) -> Tensor:
    """Return the class of each row of ``output``, as ``targets`` code the classes."""
    return coding_of(targets, output, loss=loss).read(output, output if loss is None else loss.predictions(output))
