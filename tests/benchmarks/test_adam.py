"""The benchmarks' Adam: PyTorch's numbers, by every contestant and every engine."""

import logging

import pytest
import torch

pytest.importorskip("benchmarks")

import corenet as cn
from benchmarks.adam import Adam
from benchmarks.problem import Settings
from benchmarks.race import race
from corenet.training.engines.cpu.cc import compiler

SHAPES = (3, 2), (4,)


def test_it_is_the_one_of_torch_over_twenty_steps():
    random = torch.Generator().manual_seed(0)
    first = [torch.randn(shape, generator=random, dtype=torch.float64) for shape in SHAPES]
    own, theirs = [cn.Parameter(each.clone()) for each in first], [each.clone().requires_grad_() for each in first]
    optimizer, expected = Adam(own), torch.optim.Adam(theirs)
    for step in range(20):
        for one, other in zip(own, theirs, strict=True):
            grad = torch.randn(one.shape, generator=random, dtype=torch.float64) * 10.0 ** (step - 15)
            one.grad.copy_(grad)
            other.grad = grad
        optimizer.step()
        expected.step()
    for one, other in zip(own, theirs, strict=True):
        torch.testing.assert_close(one.data, other.detach(), rtol=0, atol=1e-12)


@pytest.mark.skipif(compiler() is None, reason="no C compiler")
def test_the_compiled_engine_takes_it_whole(caplog):
    points = torch.linspace(0, 1, 200, dtype=torch.float64).view(100, 2)
    data = cn.data.Dataset(points, points.prod(1, keepdim=True))
    trained = []
    for engine in ("plain", "compiled"):
        model = cn.Sequential(cn.Linear(2, 5, dtype=torch.float64), cn.ReLU(), cn.Linear(5, 1, dtype=torch.float64))
        for number, parameter in enumerate(model.parameters()):
            parameter.copy_(torch.linspace(-1, 1, parameter.numel()).view_as(parameter) + 0.1 * number)
        parts = model, cn.MSELoss(), Adam(model.parameters()), data
        with caplog.at_level(logging.INFO, "corenet"):
            history = cn.fit(*parts, epochs=5, batch_size=10, progress=False, engine=engine)
        assert history.engine == engine
        trained.append(torch.cat([parameter.flatten() for parameter in model.parameters()]))
    assert caplog.messages == []  # it would say that steps are compiled one by one
    torch.testing.assert_close(trained[1], trained[0], rtol=0, atol=1e-12)


def refuse_others(*contestants):
    settings = Settings(epochs=2, optimizer="adam", lr=1e-3, tolerance=1e-4)
    rows = race(settings, contestants, 0)
    assert [row.skipped for row in rows] == [""] * len(rows)
    assert all(0 < row.error < settings.tolerance for row in rows)


@pytest.mark.usefixtures("in_process")
def test_each_contestant_of_corenet_trains_by_it():
    refuse_others("corenet_loop", "corenet_replay")


def test_each_contestant_of_jax_trains_by_it():
    pytest.importorskip("jax")
    refuse_others("jax_scan", "jax_step")
