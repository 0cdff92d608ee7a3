"""Where numbers first went wrong in a step: the layer, and what its numbers are like."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.parameter import gradient
from corenet.contracts.several import Tensors, each_of
from corenet.errors import CorenetError
from corenet.training.engines.recording.moving import moved_by
from corenet.training.engines.recording.restore import restored
from corenet.training.learner import Learner


def evidence(learner: Learner, input: Tensors) -> str:
    """Return in words which layer first gave numbers that are not finite in a step on a batch, and its statistics.

    Layers are tried forward on the batch once more; if all outputs are finite, the gradients that the step left are
    looked at, in backward order.
    """
    found: list[str] = []
    outputs: tuple[Tensor, ...] = ()
    gradients = _of_gradients(learner.model)
    with restored(moved_by(learner)), _watched(learner.model, found), suppress(CorenetError, RuntimeError):
        outputs = each_of(learner.model(*each_of(input)))
    learner.model.forget()
    if found or gradients:
        return found[0] if found else gradients
    return f"all outputs and gradients are finite, the model's output {', '.join(map(statistics, outputs))}"


@contextmanager
def _watched(model: Module, found: list[str]) -> Iterator[None]:
    """Let each layer that gives numbers which are not finite say so in ``found``."""
    leaves = [(path, each) for path, each in model.named_modules() if len(list(each.named_modules())) == 1]
    before = [dict(vars(module)) for _, module in leaves]
    try:
        for path, module in leaves:
            vars(module)["forward"] = _watching(path, module, found)
        yield
    finally:
        for (_, module), attributes in zip(leaves, before, strict=True):
            vars(module).pop("forward", None)
            if "forward" in attributes:
                vars(module)["forward"] = attributes["forward"]


def _watching(path: str, module: Module, found: list[str]) -> Any:
    forward = module.forward

    def watched(*inputs: Tensor) -> Tensors:
        output: Tensors = forward(*inputs)
        if not found and not all(bool(each.isfinite().all()) for each in each_of(output)):
            weights = [f"{name} {statistics(each)}" for name, each in module.named_parameters()]
            told = [f"input {statistics(each)}" for each in inputs] + weights
            outputs = ", ".join(f"output {statistics(each)}" for each in each_of(output))
            where = f"the first output that is not finite is of {_named(path, module)}"
            found.append(f"{where}: {outputs}; {', '.join(told)}")
        return output

    return watched


def _of_gradients(model: Module) -> str:
    """Return which layer's gradient is the first that is not finite, in backward order, or nothing."""
    for path, module in reversed(list(model.named_modules())):
        own = [(name, each) for name, each in module.named_parameters() if "." not in name]
        for name, parameter in own:
            if not gradient(parameter).isfinite().all():
                told = f"its gradient {statistics(gradient(parameter))}; the numbers {statistics(parameter)}"
                return f"all outputs are finite; {name} of {_named(path, module)}: {told}"
    return ""


def statistics(tensor: Tensor) -> str:
    """Return in words how many numbers are not finite, and how large the others are.

    >>> import torch
    >>> statistics(torch.tensor([1.0, float("nan"), -3.0]))
    '1 of 3 not finite, else up to 3'
    """
    if not tensor.is_floating_point():
        return f"{tuple(tensor.shape)} {tensor.dtype}"
    finite = tensor[tensor.isfinite()].double().abs()
    largest = f"up to {finite.max().item():.3g}" if len(finite.flatten()) else "none finite"
    bad = tensor.numel() - finite.numel()
    return f"{bad} of {tensor.numel()} not finite, else {largest}" if bad else largest


def _named(path: str, module: Module) -> str:
    return f"[{path}] {module!r}" if path else repr(module)
