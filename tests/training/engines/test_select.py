"""Which engine trains."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.cpu.cc import compiler
from corenet.training.engines.cpu.engine import Compiled
from corenet.training.engines.select import COMPILED_FROM, RECORDED_FROM, engine_for, pays_to_compile
from corenet.training.learner import Learner

DATA = cn.data.disk(40, seed=0)


def parts():
    model = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 1))
    return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)


@pytest.mark.parametrize(
    ("name", "steps", "runs"),
    [
        ("plain", 10**6, "plain"),
        ("replay", 1, "replay"),
        ("auto", RECORDED_FROM - 1, "plain"),
        ("auto", RECORDED_FROM, "replay"),
    ],
)
def test_auto_records_what_is_earned_back(name, steps, runs):
    assert engine_for(name, Learner(*parts()), DATA, epochs=steps, batch_size=40).running == runs


@pytest.mark.parametrize(("batch_size", "steps"), [(13, 2), (39, 2), (40, 1), (20, 1), (100, 1)])
def test_a_last_batch_of_another_size_is_recorded_too(batch_size, steps):
    epochs = -(-RECORDED_FROM * steps // -(-40 // batch_size))
    engines = [
        engine_for("auto", Learner(*parts()), DATA, epochs=epochs - less, batch_size=batch_size) for less in (1, 0)
    ]
    assert [engine.running for engine in engines] == ["plain", "replay"]


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize(
    ("name", "epochs", "runs"),
    [
        ("compiled", 1, "compiled"),
        ("auto", COMPILED_FROM // 4 - 1, "replay"),
        ("auto", COMPILED_FROM // 4, "compiled"),
    ],
)
def test_auto_compiles_what_is_earned_back(name, epochs, runs):
    engine = engine_for(name, Learner(*parts()), DATA, epochs=epochs, batch_size=12)  # 12, 12, 12 and 4 points
    assert engine.running == runs
    assert isinstance(engine, Compiled) == (runs == "compiled")


@pytest.fixture
def no_compiler(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    compiler.cache_clear()
    yield
    compiler.cache_clear()


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_steps_are_replayed_and_who_asks_for_one_is_told():
    assert engine_for("auto", Learner(*parts()), DATA, epochs=COMPILED_FROM, batch_size=40).running == "replay"
    with pytest.raises(cn.ConfigError, match="engine 'compiled' needs a C compiler; install one as cc, or set CC"):
        cn.fit(*parts(), DATA, epochs=1, batch_size=10, engine="compiled", progress=False)


@pytest.mark.usefixtures("needs_compiler")
def test_data_on_another_device_are_not_compiled(monkeypatch):
    learner = Learner(*parts())
    assert pays_to_compile(COMPILED_FROM, 40, learner, DATA)
    monkeypatch.setattr(DATA, "inputs", DATA.inputs.to("meta"))
    assert not pays_to_compile(COMPILED_FROM, 40, learner, DATA)


@pytest.mark.usefixtures("needs_compiler")
def test_fewer_steps_of_a_wide_network_earn_it_back(monkeypatch):
    model = cn.Linear(2000, 500)
    wide = Learner(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1))
    few = COMPILED_FROM // 2
    assert not pays_to_compile(few, 9, wide, DATA)  # 9 · 1,000,500 products a step
    assert pays_to_compile(few, 10, wide, DATA)
    monkeypatch.setattr("corenet.training.engines.select.HEAVY", 1e8)  # to verify it takes longer than to compile it
    assert not pays_to_compile(few, 10, wide, DATA)


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("engine", ["replay", "compiled"])
def test_pieces_of_a_batch_are_for_the_plain_step(engine):
    with pytest.raises(cn.ConfigError, match=f"engine '{engine}' keeps all of a batch; leave micro_batch_size out"):
        engine_for(engine, Learner(*parts()), DATA, epochs=1, batch_size=10, micro_batch_size=5)


@pytest.mark.usefixtures("needs_compiler")
def test_batches_that_take_too_much_memory_are_cut_however_long_they_are_trained(monkeypatch):
    monkeypatch.setattr("corenet.training.engines.select.affordable", lambda *_: 5)
    assert engine_for("auto", Learner(*parts()), DATA, epochs=COMPILED_FROM, batch_size=40).running == "plain"


@pytest.mark.parametrize("name", ["fast", "", None, 3])
def test_an_unknown_engine_is_refused(name):
    with pytest.raises(cn.ConfigError, match="engine must be 'auto', 'plain', 'replay', 'compiled' or 'graph', not"):
        cn.fit(*parts(), DATA, epochs=1, batch_size=10, engine=name, progress=False)


@pytest.mark.parametrize(("epochs", "runs"), [(1, "plain"), (RECORDED_FROM, "replay")])
def test_the_history_says_which_engine_ran(epochs, runs):
    history = cn.fit(*parts(), DATA, epochs=epochs, batch_size=40, progress=False)
    assert history.engine == history[:1].engine == runs


@pytest.mark.usefixtures("needs_compiler")
def test_the_history_says_that_steps_were_compiled():
    history = cn.fit(*parts(), DATA, epochs=2, batch_size=10, engine="compiled", progress=False)
    assert history.engine == history[:1].engine == "compiled"


@pytest.mark.usefixtures("needs_compiler")
def test_what_auto_chooses_trains_alike(monkeypatch):
    monkeypatch.setattr("corenet.training.engines.select.COMPILED_FROM", 40)
    monkeypatch.setattr("corenet.training.engines.select.RECORDED_FROM", 20)
    for epochs, runs in ((4, "plain"), (5, "replay"), (10, "compiled")):
        losses = []
        for engine in ("plain", "auto"):
            torch.manual_seed(0)
            history = cn.fit(*parts(), DATA, epochs=epochs, batch_size=10, engine=engine, progress=False)
            losses.append(history.losses)
        assert history.engine == runs
        assert losses[1] == pytest.approx(losses[0], rel=1e-5)
