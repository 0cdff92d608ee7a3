"""A training that was killed at any step and goes on is the one that never stopped, bit for bit."""

import random

import pytest
import torch

from corenet.training.engines.cpu.step_loop import CompiledLoop

pytestmark = [
    pytest.mark.usefixtures("needs_compiler"),
    pytest.mark.filterwarnings("ignore::corenet.EngineWarning"),  # the rule of every third step is not followed
]


def told(result):
    model, optimizer, history = result
    records = [(each.epoch, each.loss, each.lr, dict(each.train), dict(each.valid)) for each in history]
    return [model.state_dict(), optimizer.state_dict(), records]


@pytest.fixture
def any_cut(monkeypatch):
    """Let a call of many steps be of any number of them."""
    draw = random.Random(0)
    cuts = property(lambda loop: draw.randint(1, 9), lambda loop, value: None)
    monkeypatch.setattr(CompiledLoop, "max_steps", cuts, raising=False)


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled", "auto"])
@pytest.mark.parametrize("seed", range(6))
def test_a_training_that_is_killed_twice_and_goes_on(tmp_path, drawn, killed, killed_after, any_cut, engine, seed):
    case = drawn(seed, engine)
    whole = case.fit(tmp_path / "whole", every="90 seconds")
    for _ in range(2):
        killed_after(case.draw.randint(1, 15))
        try:
            case.fit(tmp_path / "cut", every="1 steps")
        except killed:
            torch.rand(3)
    killed_after(None)
    cut = case.fit(tmp_path / "cut", every="1 steps")
    torch.testing.assert_close(
        told(cut), told(whole), rtol=0, atol=0, equal_nan=True, msg=lambda text: f"{case}: {text}"
    )
    assert cut[2].engine == whole[2].engine
