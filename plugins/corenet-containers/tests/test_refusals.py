"""What a container cannot take is named in one line, with its place, and leaves nothing behind."""

from collections.abc import Callable
from typing import Any

import corenet as cn
import pytest
import torch

from corenet_containers import Branches, Concat, JointLoss, Parallel, Repeat, Residual, Select

TWICE = cn.Linear(2, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Parallel(), "Parallel holds at least one module, got none"),
        (lambda: Branches(), "Branches holds at least one module, got none"),
        (lambda: Parallel(cn.ReLU(), cn.Tanh), r"Parallel\[1\] is <class .*, not a Module; write Tanh\(\)"),  # type: ignore[arg-type]
        (lambda: Residual(3), r"Residual\[0\] is 3, not a Module"),  # type: ignore[arg-type]
        (lambda: Parallel(TWICE, TWICE), r"Parallel\[1\]: Linear occurs twice"),
        (lambda: Branches(cn.Sequential(TWICE), TWICE), r"Branches\[1\]: Linear occurs twice"),
        (lambda: Residual(TWICE, cn.Sequential(TWICE)), r"Residual\[1\]: Linear occurs twice"),
        (lambda: JointLoss(), "JointLoss takes losses, at least one"),
        (lambda: JointLoss(cn.MSELoss), "JointLoss takes losses"),  # type: ignore[arg-type]
    ],
)
def test_parts_that_do_not_fit(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(cn.StructureError, match=f"^{message}"):
        make()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Repeat(cn.ReLU(), 0), "times"),
        (lambda: Repeat(cn.ReLU(), True), "times"),
        (lambda: Repeat(cn.ReLU(), 1.5), "times"),  # type: ignore[arg-type]
        (lambda: Concat(0.5), "dim"),  # type: ignore[arg-type]
        (lambda: Select("0"), "index"),  # type: ignore[arg-type]
        (lambda: JointLoss(cn.MSELoss(), weights=(1.0, 2.0)), "weights"),
        (lambda: JointLoss(cn.MSELoss(), weights=(float("nan"),)), "weights"),
    ],
)
def test_arguments_that_cannot_work(make: Callable[[], Any], name: str) -> None:
    with pytest.raises(cn.ConfigError) as caught:
        make()
    assert caught.value.name == name


@pytest.mark.parametrize(
    ("module", "inputs", "message"),
    [
        (Residual(cn.Linear(3, 1)), [(2, 3)], r"its module got \(2, 1\); expected the shape \(2, 3\) .* shortcut="),
        (Parallel(cn.ReLU(), cn.Linear(4, 1)), [(2, 3)], r"Parallel\[1\] Linear\(4 → 1\) got \(2, 3\); expected"),
        (Branches(cn.ReLU(), cn.Linear(4, 1)), [(2, 3)] * 2, r"Branches\[1\] Linear\(4 → 1\) got \(2, 3\)"),
        (Repeat(cn.Linear(3, 2), 2), [(2, 3)], r"Repeat Linear\(3 → 2\) got \(2, 2\); expected last dimension 3"),
        (Concat(1), [(2, 3), (3, 3)], r"Concat\(1\), input 1, got \(3, 3\); expected the shape \(2, 3\) of the first"),
        (Concat(1), [(2,), (2,)], r"Concat\(1\), input 0, got \(2,\); expected a dimension 1"),
        (Concat(-1), [(2, 3), (2,)], r"Concat\(-1\), input 1, got \(2,\)"),
    ],
)
def test_shapes_that_do_not_fit(module: cn.Module, inputs: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(cn.ShapeError, match=message) as caught:
        module(*map(torch.ones, inputs))
    assert "\n" not in str(caught.value)
    with pytest.raises(cn.ShapeError, match=message):  # not that a forward ran twice: nothing was left saved
        module(*map(torch.ones, inputs))


@pytest.mark.parametrize(
    ("module", "count", "message"),
    [
        (Branches(cn.ReLU(), cn.Tanh()), 1, "Branches of 2 modules takes an input for each, got 1"),
        (Branches(cn.ReLU(), cn.Tanh()), 3, "got 3"),
        (Select(2), 2, r"Select\(2\) got 2 inputs, none at index 2"),
        (Select(-3), 2, r"Select\(-3\) got 2 inputs"),
        (Residual(Parallel(cn.ReLU())), 1, r"Residual.module gives 1 outputs, one is needed"),
        (Parallel(cn.ReLU(), Parallel(cn.ReLU(), cn.Tanh())), 1, r"Parallel\[1\] gives 2 outputs"),
        (Residual(cn.ReLU()), 2, r"got 2 inputs, its forward takes \(input\)"),
    ],
)
def test_counts_that_do_not_fit(module: cn.Module, count: int, message: str) -> None:
    with pytest.raises(cn.StructureError, match=message):
        module(*[torch.ones(2, 2)] * count)


def test_inputs_of_two_dtypes_and_of_integers_are_refused() -> None:
    with pytest.raises(cn.DTypeError, match=r"input 1, is torch\.float64, the first is torch\.float32"):
        Concat()(torch.ones(1, 2), torch.ones(1, 2, dtype=torch.float64))
    with pytest.raises(cn.DTypeError, match="takes floating-point input"):
        Concat()(torch.ones(1, 2), torch.tensor([[1]]))


@pytest.mark.parametrize("count", [1, 3])
def test_a_joint_loss_says_how_many_outputs_and_targets_it_takes(count: int) -> None:
    loss = JointLoss(cn.MSELoss(), cn.MAELoss())
    right, wrong = (torch.ones(2),) * 2, (torch.ones(2),) * count
    with pytest.raises(cn.StructureError, match=rf"JointLoss\(.*\) takes a tuple of 2 outputs, got {count}"):
        loss(wrong, right)
    with pytest.raises(cn.StructureError, match=f"takes a tuple of 2 targets, got {count}"):
        loss(right, wrong)


def test_a_joint_loss_lets_each_loss_check_its_own() -> None:
    loss = JointLoss(cn.MSELoss(), cn.BCELoss())
    with pytest.raises(cn.RangeError, match=r"BCELoss\(\) takes input in \[0, 1\]"):
        loss((torch.ones(2), torch.full((2,), 1.5)), (torch.ones(2), torch.ones(2)))
