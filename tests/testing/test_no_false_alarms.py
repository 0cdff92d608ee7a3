"""Right components that checks once accused: of another error type, of printing, of torch's own warnings."""

import warnings

import pytest
import torch

import corenet as cn
from corenet.testing import Case, check_component


class HeavyBall(cn.Optimizer):
    """Refuses a bad momentum with a plain ValueError."""

    elementwise = True

    def __init__(self, parameters, lr, momentum=0.9):
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum is {momentum}")
        self.momentum = momentum
        super().__init__(parameters, lr)

    def init_state(self, param):
        return {"v": torch.zeros_like(param)}

    def update(self, param, grad, state):
        state["v"].mul_(self.momentum).add_(grad)
        param.sub_(state["v"], alpha=self.current_lr)


class Unguarded(HeavyBall):
    def __init__(self, parameters, lr, momentum=0.9):
        self.momentum = momentum
        cn.Optimizer.__init__(self, parameters, lr)


class AnotherError(HeavyBall):
    def __init__(self, parameters, lr, momentum=0.9):
        if not 0 <= momentum < 1:
            raise ArithmeticError(f"momentum is {momentum}")
        super().__init__(parameters, lr, momentum)


class Prints(cn.Module):
    def forward(self, input):
        print("input of", input.shape, "mean", input.mean().item() if input.numel() else 0)
        self.save(input)
        return input**3

    def backward(self, grad_output):
        (input,) = self.saved()
        return 3 * input**2 * grad_output


class Running(cn.Module):
    """Keeps a running mean, by an operation of which torch.vmap warns that it is slow."""

    def __init__(self, features: int):
        self.mean = cn.Buffer(torch.zeros(features))

    def forward(self, input):
        if self.training:
            self.mean.lerp_(input.reshape(-1, input.shape[-1]).mean(0), 0.1)
        return 2 * input

    def backward(self, grad_output):
        return 2 * grad_output


@pytest.mark.parametrize(("rule", "ok"), [(HeavyBall, True), (Unguarded, False), (AnotherError, False)])
def test_a_value_error_refuses_as_well_as_a_config_error(rule, ok):
    failed = [each.check for each in check_component(rule).failures]
    assert failed == ([] if ok else ["optimizer.refuses_non_finite"])


def test_a_layer_may_print_and_its_words_are_no_part_of_the_report(capsys):
    assert check_component(Prints, cases=[Case()]).ok
    printed = capsys.readouterr()
    assert (printed.out, "input of torch.Size([4, 3])" in printed.err) == ("", True)


def test_warnings_of_torchs_speed_accuse_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = check_component(Running, cases=[Case({"features": 3})])
    assert report.ok, report
