"""Who may have launches, what goes on where there can be none, and how torch.cuda is asked for them."""

from contextlib import nullcontext

import pytest
import torch

import corenet as cn
from corenet.training.engines.cuda import capture as module
from corenet.training.engines.cuda.capture import Launch
from corenet.training.engines.cuda.engine import _Block
from corenet.training.engines.replay import Replay
from corenet.training.engines.select import RECORDED_FROM, engine_for
from corenet.training.learner import Learner

DATA = cn.data.disk(64, seed=0)
SHORT = {"epochs": 4, "batch_size": 8, "progress": False}
NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture
def stand_in(monkeypatch):
    """Have the processor for a CUDA device; ``refused(number)`` raises in a capture, ``wrong`` ones do nothing."""
    made = []

    class StandIn:
        refused = staticmethod(lambda number: False)
        wrong = False

        def capture(self, do, device):
            made.append(do)
            do()
            if self.refused(len(made)):
                raise RuntimeError("operation not permitted when stream is capturing")
            return (lambda: None) if self.wrong else do

    found = StandIn()
    monkeypatch.setattr(module, "capture", found.capture)
    monkeypatch.setattr(module, "has_graphs", lambda device: True)
    return found


def parts(p=0.2, device="cpu"):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 6), cn.Dropout(p), cn.Linear(6, 1), cn.Sigmoid()).to(device)
    return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.1, momentum=0.9)


def compare(engine="graph", told=None):
    """Train plainly and by launches, and expect to be ``told`` of another ``engine``."""
    trainings = [parts(), parts()]
    plain = cn.fit(*trainings[0], DATA, engine="plain", **SHORT)
    with pytest.warns(cn.EngineWarning, match=told) if told else nullcontext():
        histories = [plain, cn.fit(*trainings[1], DATA, engine="graph", **SHORT)]
    (plain, _, _), (graph, _, _) = trainings
    torch.testing.assert_close(graph.state_dict(), plain.state_dict())
    torch.testing.assert_close(histories[1].losses, histories[0].losses)
    assert histories[1].engine == engine


# What goes on where there can be none.


REFUSED = "torch cannot capture the kernels: operation not permitted when stream is capturing"


def test_a_step_that_cannot_be_captured_is_replayed(stand_in):
    stand_in.refused = lambda number: True
    compare("replay", f"engine 'replay' runs, not 'graph': {REFUSED}")


@pytest.mark.parametrize("number", [2, 3])
def test_many_steps_that_cannot_be_captured_are_undone_and_launched_one_by_one(number, stand_in, caplog):
    stand_in.refused = lambda made: made >= number  # after the step: one in a block, and as many as an epoch has
    with caplog.at_level("INFO", logger="corenet"):
        compare()
    assert f"using single steps: {REFUSED}" in caplog.text


def test_a_launch_that_does_something_else_is_not_believed(stand_in):
    stand_in.wrong = True
    told = "engine 'plain' runs, not 'graph': the recorded step gave another gradient than the plain step"
    compare("plain", told)


def test_many_steps_that_do_something_else_are_not_believed(stand_in, monkeypatch, caplog):
    monkeypatch.setattr(_Block, "__call__", lambda *_: None)
    with caplog.at_level("INFO", logger="corenet"):
        compare()
    assert "using single steps: running many steps per call gave different weights than single steps" in caplog.text


@pytest.mark.parametrize("when", [1, 3, 9, 20])
def test_an_interruption_leaves_weights_and_steps_together(when, stand_in, monkeypatch):
    calls = []
    do = Launch.__call__

    def interrupted(self):
        do(self)
        calls.append(self)
        if len(calls) == when:
            raise KeyboardInterrupt

    monkeypatch.setattr(Launch, "__call__", interrupted)
    model, loss, optimizer = parts()
    with pytest.raises(KeyboardInterrupt):
        cn.fit(model, loss, optimizer, DATA, engine="graph", **SHORT | {"epochs": 30})
    plain = parts()
    with pytest.raises(InterruptedError):
        cn.fit(*plain[:2], _stopping(plain[2], optimizer.steps), DATA, engine="plain", **SHORT | {"epochs": 30})
    torch.testing.assert_close(model.state_dict(), plain[0].state_dict())
    torch.testing.assert_close(optimizer.state_dict()["states"], plain[2].state_dict()["states"])


def _stopping(optimizer, steps):
    """Let an optimizer stop before it does more than so many steps."""
    step = optimizer.step

    def stops():
        if optimizer.steps == steps:
            raise InterruptedError
        step()

    optimizer.step = stops
    return optimizer


# Who may have them.


def test_without_a_device_who_asks_is_told():
    words = r"engine 'graph': the tensors are on cpu, not on one CUDA device; move model and data there with \.to"
    with pytest.raises(cn.ConfigError, match=words):
        cn.fit(*parts(), DATA, engine="graph", **SHORT)
    with pytest.raises(cn.ConfigError, match=words):
        cn.fit_rounds(lambda _: parts(), DATA, rounds=2, engine="graph", **SHORT)


def test_pieces_of_a_batch_are_for_the_plain_step(stand_in):
    with pytest.raises(cn.ConfigError, match="engine 'graph' keeps all of a batch; leave micro_batch_size out"):
        engine_for("graph", Learner(*parts()), DATA, epochs=1, batch_size=10, micro_batch_size=5)


def test_on_another_device_auto_replays(monkeypatch):
    monkeypatch.setattr("corenet.training.engines.select.affordable", lambda *_: None)
    monkeypatch.setattr(DATA, "inputs", DATA.inputs.to("meta"))
    engine = engine_for("auto", Learner(*parts()), DATA, epochs=RECORDED_FROM, batch_size=1)
    assert (type(engine), engine.running) == (Replay, "replay")


def test_numbers_on_the_processor_are_not_captured(stand_in, monkeypatch):
    monkeypatch.setattr(module, "has_graphs", lambda device: device.type == "meta")
    assert module.device_of([torch.ones(1, device="meta")]) == torch.device("meta")
    for tensors in ([torch.ones(1)], [torch.ones(1), torch.ones(1, device="meta")]):
        with pytest.raises(cn.training.engines.unsupported.NotRecordable, match="the tensors are on cpu"):
            module.device_of(tensors)


# Rounds.


def test_rounds_are_launched_one_after_the_other(stand_in):
    results, expected = (
        cn.fit_rounds(lambda _: parts(), DATA, rounds=3, engine=engine, **SHORT) for engine in ("graph", "plain")
    )
    for (model, history), (other, told) in zip(results, expected, strict=True):
        assert history.engine == "graph"
        torch.testing.assert_close(model.state_dict(), other.state_dict())
        torch.testing.assert_close(history.losses, told.losses)


def test_rounds_that_differ_are_launched_one_after_the_other(stand_in):
    def factory(round):
        model = cn.Sequential(cn.Linear(2, 3 + round), cn.Linear(3 + round, 1))
        return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)

    results, expected = (
        cn.fit_rounds(factory, DATA, rounds=2, engine=engine, **SHORT) for engine in ("graph", "plain")
    )
    for (model, history), (other, _) in zip(results, expected, strict=True):
        assert history.engine == "graph"
        torch.testing.assert_close(model.state_dict(), other.state_dict())
