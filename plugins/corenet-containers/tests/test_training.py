"""Every engine trains networks of containers as the plain step does, without falling back to it."""

import logging
from collections.abc import Callable
from typing import Any

import corenet as cn
import pytest
import torch

from corenet_containers import Branches, Concat, JointLoss, Parallel, Repeat, Residual, Select

Training = tuple[cn.Module, cn.Loss, cn.Optimizer]


def layer(inside: int, outside: int) -> cn.Module:
    return cn.Sequential(cn.Linear(inside, outside), cn.Tanh())


def two_inputs_and_heads() -> Training:
    model = cn.Sequential(
        Branches(layer(4, 5), layer(3, 6)),
        Concat(),
        Residual(layer(11, 11)),
        Repeat(layer(11, 11), 3),
        Parallel(cn.Linear(11, 1), cn.Sequential(cn.Linear(11, 1), cn.Sigmoid())),
    )
    return model, JointLoss(cn.MSELoss(), cn.BCELoss(), weights=(1.0, 0.3)), rule(model)


def one_head_selected() -> Training:
    model = cn.Sequential(Branches(layer(4, 5), layer(3, 5)), Parallel(Concat(), Select(1)), Concat(), cn.Linear(15, 1))
    return model, cn.MSELoss(), rule(model)


def rule(model: cn.Module) -> cn.Optimizer:
    return cn.SGD(model.parameters(), lr=0.05, momentum=0.9)


def data(heads: int) -> cn.data.Dataset:
    generator = torch.Generator().manual_seed(5)
    a, b = torch.randn(83, 4, generator=generator), torch.randn(83, 3, generator=generator)
    value = (a[:, :1] - b[:, :1]).tanh()
    return cn.data.Dataset((a, b), (value, (value > 0).float()) if heads == 2 else value)


@pytest.mark.parametrize("engine", ["replay", "compiled"])
@pytest.mark.parametrize(("make", "heads"), [(two_inputs_and_heads, 2), (one_head_selected, 1)])
def test_engines_agree(make: Callable[[], Training], heads: int, engine: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "corenet")
    states = []
    for name in ("plain", engine):
        torch.manual_seed(2)
        model, loss, optimizer = make()
        history = cn.fit(
            model, loss, optimizer, data(heads), epochs=20, batch_size=10, metrics=[], progress=False, engine=name
        )  # a fallback to the plain step is a warning, and so an error here
        assert history.engine == name
        states.append((model.state_dict(), history.losses))
    assert not caplog.messages
    (found, losses), (expected, plain) = states[::-1]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert losses == pytest.approx(plain, rel=1e-4)
    assert losses[-1] < 0.7 * losses[0]
