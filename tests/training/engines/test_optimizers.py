"""Groups, clipping, schedules, Adam and all of it together: the same training by every engine."""

import math

import pytest
import torch

import corenet as cn
from corenet.data import stream
from corenet.training.engines.cpu.cc import compiler

FLOAT = cn.data.disk(70, seed=0)
DATA = cn.data.Dataset(FLOAT.inputs.double(), FLOAT.targets.double())


def falling(step):
    return 1 / (1 + step)


class Waves:
    """A schedule that is an object, and rises and falls."""

    def __init__(self, length):
        self.length = length

    def __call__(self, step):
        return 1.5 + math.sin(step / self.length)


def halves(model, **own):
    parameters = list(model.parameters())
    return [{"params": parameters[::2]}, {"params": parameters[1::2], **own}]


class Shaped(cn.Optimizer):
    """A rule over each parameter in its shape, with a state and a hyper-parameter."""

    def __init__(self, parameters, lr, keep=0.5, **options):
        self.keep = keep
        super().__init__(parameters, lr, **options)

    def init_state(self, param):
        return {"mean": torch.zeros_like(param)}

    def update(self, param, grad, state):
        mean = state["mean"].mul_(self.keep).add_(grad)
        param.sub_(mean / (1 + mean.square().sum().sqrt()), alpha=self.current_lr)


OPTIMIZERS = {
    "groups": lambda model: cn.SGD(halves(model, lr=0.02, momentum=0.4, weight_decay=0.1), lr=0.05, momentum=0.9),
    "groups of a rule for whole parameters": lambda model: Shaped(halves(model, lr=0.02, keep=0.75), lr=0.05),
    "momentum in one group": lambda model: cn.SGD(halves(model, momentum=0.8), lr=0.05, lr_decay=0.3),
    "clipping": lambda model: cn.SGD(model.parameters(), lr=0.3, momentum=0.5, max_grad_norm=0.05),
    "clipping now and then": lambda model: cn.SGD(model.parameters(), lr=0.3, max_grad_norm=0.3),
    "clipping of groups": lambda model: Shaped(halves(model, lr=0.9), lr=0.2, max_grad_norm=0.1),
    "schedule": lambda model: cn.SGD(model.parameters(), lr=0.3, momentum=0.5, schedule=falling),
    "schedule of groups": lambda model: cn.SGD(halves(model, lr=0.01), lr=0.3, lr_decay=0.1, schedule=Waves(2.5)),
    "adam": lambda model: cn.Adam(model.parameters(), lr=0.02, betas=(0.7, 0.95), weight_decay=0.01),
    "amsgrad": lambda model: cn.Adam(model.parameters(), lr=0.02, amsgrad=True, maximize=True),
    "adamw": lambda model: cn.AdamW(model.parameters(), lr=0.02, weight_decay=0.3, max_grad_norm=0.2),
    "all of it": lambda model: cn.AdamW(
        halves(model, lr=0.05, betas=(0.5, 0.9)), lr=0.02, max_grad_norm=0.1, schedule=Waves(3)
    ),
}


@pytest.fixture(params=OPTIMIZERS)
def make(request):
    def build():
        layers = cn.Linear(2, 6), cn.Tanh(), cn.Dropout(0.2), cn.Linear(6, 1), cn.Sigmoid()
        model = cn.Sequential(*layers).to(dtype=torch.float64)
        return model, cn.MSELoss(), OPTIMIZERS[request.param](model)

    return build


@pytest.mark.usefixtures("needs_compiler")
def test_compiled_as_plain_many_steps_in_one_call(make, alike, monkeypatch):
    monkeypatch.setattr("corenet.training.engines.cpu.step_loop._CHUNK", 9)
    alike(make, DATA, epochs=4)


def test_replayed_as_plain(make, trained):
    plain, replayed = (trained(make, engine, DATA) for engine in ("plain", "replay"))
    assert (replayed.history.engine, replayed.told) == ("replay", [])
    torch.testing.assert_close(replayed.everything(), plain.everything(), rtol=1e-11, atol=1e-12)


def test_in_pieces_as_plain(make):
    found = []
    for size in (None, 3):
        torch.manual_seed(2)
        model, loss, optimizer = make()
        model[2].p = 0.0
        cn.fit(
            model, loss, optimizer, DATA, epochs=2, batch_size=8, micro_batch_size=size, engine="plain", progress=False
        )
        found.append([model.state_dict(), optimizer.state_dict()])
    torch.testing.assert_close(found[1], found[0], rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("needs_compiler")
def test_steps_of_ones_own_loop_as_plain(make):
    found = []
    for compiling in (False, True):
        torch.manual_seed(2)
        model, loss, optimizer = make()
        step = cn.compile_step(model, loss, optimizer) if compiling else None
        for input, target in (each for epoch in range(3) for each in DATA.batches(10, seed=0, epoch=epoch)):
            step(input, target) if step else cn.train_step(model, loss, optimizer, input, target)
        found.append([model.state_dict(), optimizer.state_dict()])
    torch.testing.assert_close(found[1], found[0], rtol=1e-11, atol=1e-12)


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
def test_rounds_as_single_trainings(make, monkeypatch):
    monkeypatch.setattr("corenet.training.engines.cpu.step_loop._CHUNK", 9)

    def factory(round):
        model, loss, optimizer = make()
        optimizer.lr *= 1 + round
        return model, loss, optimizer

    options = {"epochs": 4, "batch_size": 10, "progress": False}
    together = cn.fit_rounds(factory, DATA, rounds=3, engine="compiled", seed=5, **options)
    assert [history.engine for _, history in together] == ["compiled"] * 3
    for round, (model, history) in enumerate(together):
        torch.manual_seed(stream("weights", 5 + round))
        alone, loss, optimizer = factory(round)
        expected = cn.fit(alone, loss, optimizer, DATA, engine="plain", seed=5 + round, **options)
        torch.testing.assert_close(model.state_dict(), alone.state_dict(), rtol=1e-11, atol=1e-12)
        torch.testing.assert_close(history.losses, expected.losses, rtol=1e-11, atol=1e-12)


@pytest.mark.usefixtures("needs_compiler")
def test_what_is_changed_between_epochs_is_followed(alike):
    def change(epoch, model, loss, optimizer, data):
        if epoch == 2:
            optimizer.groups[1]["lr"] = 0.2
        if epoch == 3:
            optimizer.groups[1]["weight_decay"] = 0.4
        if epoch == 4:
            optimizer.max_grad_norm = 0.02
        if epoch == 5:
            optimizer.schedule = falling

    def build():
        model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 1)).to(dtype=torch.float64)
        return model, cn.MSELoss(), cn.SGD(halves(model, lr=0.02), lr=0.05, momentum=0.9)

    alike(build, DATA, epochs=7, change=change)


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled"])
def test_a_schedule_need_not_go_on_behind_the_last_step(engine, trained):
    factors = [0.5 + step / 100 for step in range(27)]

    def build():
        model = cn.Sequential(cn.Linear(2, 3), cn.Linear(3, 1)).to(dtype=torch.float64)
        return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.5, schedule=factors.__getitem__)

    left = trained(build, engine, DATA)
    assert (left.error, left.optimizer.steps) == (None, 27)
    assert [epoch.lr for epoch in left.history] == [0.5 * factors[step] for step in (0, 9, 18)]


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("value", [math.nan, -1.0, "high"])
def test_a_schedule_that_goes_wrong_raises_where_plain_steps_do(value, trained):
    def wrong(step):
        return value if step == 20 else 0.5

    def build():
        model = cn.Sequential(cn.Linear(2, 3), cn.Linear(3, 1)).to(dtype=torch.float64)
        return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.05, schedule=wrong)

    for engine in ("plain", "replay", "compiled"):
        left = trained(build, engine, DATA)
        assert isinstance(left.error, cn.ConfigError), engine
        assert f"the schedule gives {value!r} at step 20" in str(left.error)
        assert left.optimizer.steps == 20
