"""That a module's gradients are right for other numbers of rows, magnitudes, patterns and upstream gradients."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from corenet.contracts.case import Case
from corenet.contracts.module import Module
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.checks.module_gradient import GRADIENTS
from corenet.testing.support.forward_backward import drawn_like, forward_backward
from corenet.testing.support.slope import Slopes, slopes
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation

MODULE_ROWS_CHECKS = Checks("module")
ROWS = (7, 33, 130)
MOST_ROWS = 10  # that a message lists
LARGE, SMALL = 30.0, 1e-3
BLOCK = "right on small inputs: look for a block whose rest is lost, a fixed size, a branch on the size or the sign"


@MODULE_ROWS_CHECKS.add(since="0.2", after=GRADIENTS)
def rows(trial: Trial) -> None:
    """Gradients agree for 7, 33 and 130 rows, for large and small numbers, and for rows that are equal or constant."""
    for what, input in _inputs(trial):
        module = trial.build()
        if _is_refused(trial, input):
            continue
        found = _slopes(module, input, trial.seed)
        for seed in (1, 2):
            _must_agree(trial, module, input, found, drawn_like(_output(module, input), seed), f"for {what}")


@MODULE_ROWS_CHECKS.add(since="0.2", after=GRADIENTS)
def upstreams(trial: Trial) -> None:
    """Gradients agree for upstream gradients that are sparse, ones, of one sign, large, small or zero."""
    module, input = trial.build(), trial.input()
    found = _slopes(module, input, trial.seed)
    for what, upstream in _upstreams(_output(module, input)).items():
        _must_agree(trial, module, input, found, upstream, f"with an upstream gradient of {what}")


def _inputs(trial: Trial) -> Iterator[tuple[str, Tensor]]:
    case, input = trial.case, trial.input()
    if len(case.shape) > 1:
        for count in ROWS:
            yield f"{count} rows", trial.input((count, *case.shape[1:]))
        yield "rows that are all the same", input[:1].expand(input.shape).clone()
    if len(case.shape) > 2:
        yield "a last dimension of 33", trial.input((*case.shape[:-1], 33))
    if case.shape:
        yield "rows that are constant", input[..., :1].expand(input.shape).clone()
    if case.domain == Case().domain:
        yield f"numbers up to {LARGE:g}", input * LARGE / case.domain[1]
    if case.domain[0] <= 0 <= case.domain[1]:
        yield f"numbers up to {SMALL:g}", input * SMALL / max(map(abs, case.domain))


def _upstreams(output: Tensor) -> dict[str, Tensor]:
    drawn = drawn_like(output, seed=3)
    zeros, last = drawn.clone(), torch.zeros_like(drawn)
    zeros.view(-1)[::2] = 0
    last.view(-1)[-1:] = 1
    return {
        "zeros and others": zeros,
        "a single 1, the last": last,
        "ones": torch.ones_like(drawn),
        "positive numbers": drawn.abs(),
        "negative numbers": -drawn.abs(),
        "large numbers": 1e4 * drawn,
        "small numbers": 1e-6 * drawn,
        "zeros": torch.zeros_like(drawn),
    }


def _is_refused(trial: Trial, input: Tensor) -> bool:
    """Tell whether forward refuses ``input``, or has no finite output for it."""
    try:
        return not _output(trial.build(), input.clone()).isfinite().all()
    except Exception:  # noqa: BLE001 - a refusal
        return True


def _slopes(module: Module, input: Tensor, seed: int) -> Slopes:
    """Return the slopes of the output along one direction in the input and all parameters."""
    point = input.clone()
    try:
        tensors = {"input": point, **dict(module.named_parameters())}
        return slopes(lambda: _output(module, point), tensors, seed)
    except Exception as error:
        raise NotApplicable(f"it refuses a point beside the input: {reason_of(error)}") from error


def _output(module: Module, input: Tensor) -> Tensor:
    """Return the output in training mode, and leave the module as it was."""
    state = {name: tensor.clone() for name, tensor in module.named_tensors()}
    with seeded(0):
        output = module.train()(input).clone()
    _put_back(module, state)
    return output


def _put_back(module: Module, state: dict[str, Tensor]) -> None:
    module.forget()
    for name, tensor in module.named_tensors():
        tensor.copy_(state[name])


def _must_agree(trial: Trial, module: Module, input: Tensor, found: Slopes, upstream: Tensor, when: str) -> None:
    state = {name: tensor.clone() for name, tensor in module.named_tensors()}
    try:
        by_hand = forward_backward(module, input.clone(), upstream.clone())
    except Violation:
        raise
    except Exception as error:
        raise Violation(f"{when} backward fails: {reason_of(error)}", BLOCK) from error
    _put_back(module, state)
    gradients = {"input": by_hand.grad_input, **by_hand.parameters}
    for name, gradient in gradients.items():
        if gradient.shape != found.directions[name].shape:
            raise Violation(f"{when} the gradient of {name} has the shape {tuple(gradient.shape)}", BLOCK)
    if wrong := found.disagree(gradients, upstream):
        rest = _wrong_rows(module, input, found, upstream) or BLOCK
        raise Violation(f"{when}, an input of {tuple(input.shape)}, the slope in a random direction {wrong}", rest)


def _wrong_rows(module: Module, input: Tensor, found: Slopes, upstream: Tensor) -> str:
    """Return of which rows alone the gradient is wrong; an empty string where that is all of them, or not clear."""
    if input.dim() < 2 or len(upstream) != len(input):
        return ""
    state = {name: tensor.clone() for name, tensor in module.named_tensors()}
    wrong = []
    for row in range(len(input)):
        one = torch.zeros_like(upstream)
        one[row] = upstream[row]
        by_hand = forward_backward(module, input.clone(), one)
        _put_back(module, state)
        if found.disagree({"input": by_hand.grad_input, **by_hand.parameters}, one):
            wrong.append(row)
    if not 0 < len(wrong) < len(input):
        return ""
    if wrong == list(range(wrong[0], len(input))):
        return f"right but for the last {len(wrong)} of {len(input)} rows: a block whose rest is lost"
    return f"right but for the rows {', '.join(map(str, wrong[:MOST_ROWS]))}: look for a condition that is true of them"
