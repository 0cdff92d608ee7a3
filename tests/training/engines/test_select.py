"""Which engine trains."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.cpu.background import BackgroundFunctions
from corenet.training.engines.cpu.cc import compiler
from corenet.training.engines.cpu.engine import CFunctions, Compiled
from corenet.training.engines.plain import Plain
from corenet.training.engines.replay import Replay
from corenet.training.engines.select import RECALLED_FROM, RECORDED_FROM, REPEATED_FROM, engine_for
from corenet.training.learner import Learner

DATA = cn.data.disk(40, seed=0)


def parts():
    model = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 1))
    return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)


@pytest.mark.parametrize(("name", "steps", "kind"), [("plain", 10**6, Plain), ("replay", 1, Replay)])
def test_who_is_asked_for_by_name_trains(name, steps, kind):
    assert type(engine_for(name, Learner(*parts()), DATA, epochs=steps, batch_size=40)) is kind


@pytest.mark.usefixtures("needs_compiler")
def test_compiled_asked_for_by_name_waits_for_the_compiler():
    engine = engine_for("compiled", Learner(*parts()), DATA, epochs=1, batch_size=40)
    assert (type(engine), engine.running) == (Compiled, "compiled")
    assert type(engine._single.recorder.lowering) is CFunctions


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize(
    ("steps", "kind"), [(1, Plain), (RECORDED_FROM - 1, Plain), (RECORDED_FROM, Compiled), (10**6, Compiled)]
)
def test_auto_records_what_is_earned_back_and_compiles_beside(steps, kind):
    engine = engine_for("auto", Learner(*parts()), DATA, epochs=steps, batch_size=40)
    assert type(engine) is kind
    if kind is Compiled:
        assert type(engine._single.recorder.lowering) is BackgroundFunctions


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize(("batch_size", "steps"), [(13, 2), (39, 2), (40, 1), (20, 1), (100, 1)])
def test_a_last_batch_of_another_size_is_recorded_too(batch_size, steps):
    epochs = -(-RECORDED_FROM * steps // -(-40 // batch_size))
    learner = Learner(*parts())
    engines = [engine_for("auto", learner, DATA, epochs=each, batch_size=batch_size) for each in (epochs - 1, epochs)]
    assert list(map(type, engines)) == [Plain, Compiled]


@pytest.mark.usefixtures("needs_compiler")
def test_a_learner_like_an_earlier_one_is_worth_fewer_steps():
    options = {"batch_size": 40, "progress": False}
    first, other = parts(), parts()
    other[0].train()  # as fit does before it chooses
    cn.fit(*first, DATA, epochs=10, engine="compiled", **options)
    kinds = [
        type(engine_for("auto", learner, DATA, epochs=epochs, batch_size=40))
        for learner in (Learner(*other), Learner(*first))
        for epochs in (1, RECALLED_FROM - 1, RECALLED_FROM)
    ]
    assert kinds == [Plain, Plain, Compiled, Compiled, Compiled, Compiled]  # the very one goes on where it was
    assert type(engine_for("auto", Learner(*wide()), DATA, epochs=RECALLED_FROM, batch_size=40)) is Plain


def odd():
    model = cn.Sequential(cn.Linear(2, 5), cn.Tanh(), cn.Linear(5, 1))
    return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)


@pytest.mark.usefixtures("needs_compiler")
def test_short_trainings_of_one_kind_are_recorded_once_they_are_many(monkeypatch):
    at_work = []
    monkeypatch.setattr("corenet.training.engines.select.is_at_work", lambda: bool(at_work))

    def chosen(steps=RECORDED_FROM - 1, make=odd):
        return type(engine_for("auto", Learner(*make()), DATA, epochs=steps, batch_size=40))

    count = -(-REPEATED_FROM // (RECORDED_FROM - 1))
    assert [chosen() for _ in range(count)] == [Plain] * (count - 1) + [Compiled]
    assert [chosen(RECALLED_FROM - 1), chosen(make=wide)] == [Plain, Plain]  # too short; of another kind
    at_work.append("the compiler")
    assert chosen() is Plain
    at_work.clear()
    assert chosen() is Compiled


def wide():
    model = cn.Sequential(cn.Linear(2, 4), cn.ReLU(), cn.Linear(4, 1))
    return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)


@pytest.fixture
def no_compiler(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    compiler.cache_clear()
    yield
    compiler.cache_clear()


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_steps_are_replayed_and_who_asks_for_one_is_told():
    for epochs, kind in ((RECORDED_FROM - 1, Plain), (RECORDED_FROM, Replay)):
        assert type(engine_for("auto", Learner(*parts()), DATA, epochs=epochs, batch_size=40)) is kind
    with pytest.raises(cn.ConfigError, match="engine 'compiled' needs a C compiler; install one as cc, or set CC"):
        cn.fit(*parts(), DATA, epochs=1, batch_size=10, engine="compiled", progress=False)


@pytest.mark.usefixtures("needs_compiler")
def test_data_on_another_device_are_not_compiled(monkeypatch):
    monkeypatch.setattr("corenet.training.engines.select.affordable", lambda *_: None)
    monkeypatch.setattr(DATA, "inputs", DATA.inputs.to("meta"))
    assert type(engine_for("auto", Learner(*parts()), DATA, epochs=RECORDED_FROM, batch_size=40)) is Replay


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("engine", ["replay", "compiled"])
def test_pieces_of_a_batch_are_for_the_plain_step(engine):
    with pytest.raises(cn.ConfigError, match=f"engine '{engine}' keeps all of a batch; leave micro_batch_size out"):
        engine_for(engine, Learner(*parts()), DATA, epochs=1, batch_size=10, micro_batch_size=5)


@pytest.mark.usefixtures("needs_compiler")
def test_batches_that_take_too_much_memory_are_cut_however_long_they_are_trained(monkeypatch):
    monkeypatch.setattr("corenet.training.engines.select.affordable", lambda *_: 5)
    assert engine_for("auto", Learner(*parts()), DATA, epochs=RECORDED_FROM, batch_size=40).size == 5


@pytest.mark.parametrize("name", ["fast", "", None, 3])
def test_an_unknown_engine_is_refused(name):
    with pytest.raises(cn.ConfigError, match="engine must be 'auto', 'plain', 'replay', 'compiled' or 'graph', not"):
        cn.fit(*parts(), DATA, epochs=1, batch_size=10, engine=name, progress=False)


def test_the_history_says_that_the_plain_step_ran():
    history = cn.fit(*parts(), DATA, epochs=1, batch_size=40, progress=False)
    assert history.engine == history[:1].engine == "plain"


@pytest.mark.parametrize("name", ["replay", "compiled"])
def test_the_history_says_which_engine_ran(name, needs_compiler):
    history = cn.fit(*parts(), DATA, epochs=2, batch_size=10, engine=name, progress=False)
    assert history.engine == history[:1].engine == name


@pytest.mark.usefixtures("needs_compiler")
def test_what_auto_chooses_trains_alike():
    for epochs, runs in (
        (4, {"plain"}),
        (RECORDED_FROM, {"replay", "compiled"}),
    ):  # the compiler's speed decides
        losses = []
        for engine in ("plain", "auto"):
            torch.manual_seed(0)
            history = cn.fit(*parts(), DATA, epochs=epochs, batch_size=10, engine=engine, progress=False)
            losses.append(history.losses)
        assert history.engine in runs
        assert losses[1] == pytest.approx(losses[0], rel=1e-5)
