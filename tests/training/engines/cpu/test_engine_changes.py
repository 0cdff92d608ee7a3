"""What changes on the way is heeded by a compiled training, and what cannot be compiled is trained otherwise."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.cpu import cc, codegen
from corenet.training.engines.cpu.engine import CFunctions
from corenet.training.engines.cpu.step_loop import CompiledLoop

pytestmark = pytest.mark.usefixtures("needs_compiler")

FLOAT = cn.data.disk(70, seed=0)
DATA = cn.data.Dataset(FLOAT.inputs.double(), FLOAT.targets.double())


def build(*middle, end=cn.Sigmoid, loss=cn.BCELoss, optimizer=cn.SGD, dtype=torch.float64, width=6, **settings):
    """Return what makes a model with ``middle`` inside, its loss and its optimizer."""
    settings = {"lr": 0.1} | ({"momentum": 0.9, "lr_decay": 0.01} if optimizer is cn.SGD else {}) | settings

    def make():
        parts = [each() for each in middle]
        model = cn.Sequential(cn.Linear(2, width), cn.Tanh(), *parts, cn.Linear(width, 1), end())
        model.to(dtype=dtype)
        return model, loss(), optimizer(model.parameters(), **settings)

    return make


# Changes between epochs.


def lr(epoch, model, loss, optimizer, data):
    optimizer.lr = 0.02 * (epoch + 1)


def momentum(epoch, model, loss, optimizer, data):
    optimizer.momentum = 0.1 * (epoch + 1)


def weights(epoch, model, loss, optimizer, data):
    model[0].weight.data = model[0].weight.data.clone() * 0.5


def model_state(epoch, model, loss, optimizer, data):
    model.load_state_dict({name: 0.9 * tensor for name, tensor in model.state_dict().items()})


def optimizer_state(epoch, model, loss, optimizer, data):
    state = optimizer.state_dict()
    state["states"] = [{name: 0.5 * tensor for name, tensor in each.items()} for each in state["states"]]
    optimizer.load_state_dict(state | {"lr": 0.03, "steps": 7 * epoch})


def steps_from_anew(epoch, model, loss, optimizer, data):
    optimizer.steps = 0  # so the velocity is replaced by the next step


def setting(epoch, model, loss, optimizer, data):
    model[2].factor = 1.0 + 0.1 * epoch


def gradient_replaced(epoch, model, loss, optimizer, data):
    model[0].weight.grad = torch.ones_like(model[0].weight)


def loss_setting(epoch, model, loss, optimizer, data):
    loss.reduction = "sum" if epoch == 2 else "mean"


CHANGES = [
    lr,
    momentum,
    weights,
    model_state,
    optimizer_state,
    steps_from_anew,
    setting,
    gradient_replaced,
    loss_setting,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("batch_size", [1, 8])
def test_what_changes_between_epochs_is_heeded(change, batch_size, alike, odd, monkeypatch):
    monkeypatch.setattr("corenet.training.engines.cpu.step_loop._CHUNK", 20)
    monkeypatch.setattr("corenet.training.engines.cpu.engine.LIBRARIES", 20)
    alike(build(odd["Scaled"], lr=0.02), DATA, epochs=5, change=change, batch_size=batch_size)


@pytest.mark.parametrize("part", ["model", "inputs", "targets"])
def test_another_dtype_is_refused_as_by_the_plain_step(part, alike):
    def change(epoch, model, loss, optimizer, data):
        if epoch == 0:
            return
        if part == "model":
            model.to(dtype=torch.float32)
        else:
            object.__setattr__(data, part, getattr(data, part).float())

    assert isinstance(alike(build(), DATA, change=change).error, cn.DTypeError)


def test_what_changes_in_every_epoch_is_compiled_a_few_times_only(alike, odd, monkeypatch, caplog):
    monkeypatch.setattr("corenet.training.engines.cpu.engine.LIBRARIES", 3)
    told = "this training had 3 libraries compiled already: what it does changes too often; "
    told += "use batches of fewer sizes, and change settings less often"
    left = alike(build(odd["Scaled"]), DATA, epochs=6, change=setting, engine="replay")
    assert left.told == [f"engine 'replay' runs, not 'compiled': {told}"]
    with caplog.at_level("INFO", logger="corenet"):
        alike(build(odd["Scaled"]), DATA, epochs=6, change=momentum)
    assert f"using single steps: {told}" in caplog.text


def test_each_training_has_its_own_budget_of_libraries(alike, monkeypatch):
    monkeypatch.setattr("corenet.training.engines.cpu.engine.LIBRARIES", 3)
    for width in (3, 4, 5):  # each is another source
        alike(build(width=width), DATA)


# What cannot be compiled.


@pytest.mark.parametrize("middle", ["Looks", "Counts", "Hides"])
def test_what_cannot_be_recorded_is_trained_by_the_plain_step_bit_for_bit(middle, odd, alike):
    alike(build(odd[middle]), DATA, engine="plain", exact=True, many=False, batch_size=30, epochs=4)


def test_a_step_of_the_optimizers_own_is_taken(odd, alike):
    alike(build(optimizer=odd["Clips"]), DATA, engine="plain", exact=True, many=False)


class Alone(cn.Tanh):
    """Looks at its numbers in a small batch."""

    def forward(self, input):
        if len(input) < 8 and input.sum().item() > 1e9:
            raise cn.RangeError("Alone() takes input up to 1e9")
        return super().forward(input)


def test_where_one_shape_cannot_be_recorded_no_other_is_compiled(alike):
    alike(build(Alone), DATA, engine="plain")


def test_a_loop_that_comes_to_other_weights_is_not_believed(alike, monkeypatch, caplog):
    wrong = "corenet.training.engines.recording.recorded_update.rates_of_groups"
    monkeypatch.setattr(wrong, lambda optimizer, steps: [(0.3,) for _ in steps])
    with caplog.at_level("INFO", logger="corenet"):
        alike(build(lambda: cn.Dropout(0.2)), DATA, many=False)
    assert "using single steps: running many steps per call gave different weights than single steps" in caplog.text


@pytest.fixture
def failing_compiler(monkeypatch, tmp_path):
    caches = cc.compiler, cc.library, cc.key_of, cc._command
    monkeypatch.setenv("CC", "false")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for each in caches:
        each.cache_clear()
    yield
    for each in caches:
        each.cache_clear()


@pytest.mark.usefixtures("failing_compiler")
def test_a_compiler_that_fails_is_told_once_and_the_kernels_go_on(alike):
    left = alike(build(), DATA, engine="replay", many=False)
    assert left.told == ["engine 'replay' runs, not 'compiled': false refused: exit status 1"]


@pytest.fixture
def planted_bug(monkeypatch):
    """Let the code generator ask for what is not there."""
    for name in ("CORENET_STRICT", "CORENET_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(codegen, "reduction", lambda operation: operation.no_such_attribute)


TOLD = "AttributeError: 'Operation' object has no attribute 'no_such_attribute'"


@pytest.mark.usefixtures("planted_bug")
def test_a_bug_in_the_code_generator_is_a_warning_and_the_kernels_go_on(alike):
    left = alike(build(), DATA, engine="replay", many=False)
    assert left.told == [f"engine 'replay' runs, not 'compiled': a bug in corenet, please report it: {TOLD}"]


@pytest.mark.usefixtures("planted_bug")
def test_a_bug_is_a_warning_for_auto_too():
    model, loss, optimizer = build()()
    with pytest.warns(cn.EngineWarning, match=TOLD):
        cn.fit(model, loss, optimizer, DATA, epochs=60, batch_size=8, progress=False)


@pytest.mark.usefixtures("planted_bug")
@pytest.mark.parametrize("name", ["CORENET_STRICT", "CORENET_DEBUG"])
def test_a_bug_in_the_code_generator_is_raised_where_bugs_are_looked_for(name, trained, monkeypatch):
    monkeypatch.setenv(name, "1")
    error = trained(build(), "compiled", DATA).error
    assert isinstance(error, AttributeError)
    assert TOLD.endswith(str(error))


def test_a_bug_in_the_loop_is_a_warning_and_its_call_is_undone(trained, monkeypatch):
    for name in ("CORENET_STRICT", "CORENET_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    run, runs = CompiledLoop.run, []

    def fails(self, *arguments):
        runs.append(run(self, *arguments))
        if len(runs) == 3:
            raise KeyError("no such thing")
        return runs[-1]

    monkeypatch.setattr(CompiledLoop, "run", fails)
    plain, left = (trained(build(lambda: cn.Dropout(0.2)), engine, DATA) for engine in ("plain", "compiled"))
    torch.testing.assert_close(left.everything(), plain.everything(), rtol=1e-11, atol=1e-12)
    assert left.told == ["using single steps: a bug in corenet, please report it: KeyError: 'no such thing'"]
    assert (len(runs), left.history.engine) == (3, "compiled")


def test_kernels_in_c_that_disagree_are_not_believed(trained, monkeypatch):
    lowered = CFunctions.__call__

    def faulty(self, operations, gradients, kept):
        return [*lowered(self, operations, gradients, kept), lambda: gradients[0].add_(1)]

    monkeypatch.setattr(CFunctions, "__call__", faulty)
    compiled = trained(build(), "compiled", DATA, epochs=4)
    assert compiled.history.engine == "plain"
    told = "engine 'plain' runs, not 'compiled': the recorded step gave another gradient than the plain step"
    assert compiled.told == [told]
    torch.testing.assert_close(compiled.everything(), trained(build(), "plain", DATA, epochs=4).everything())
