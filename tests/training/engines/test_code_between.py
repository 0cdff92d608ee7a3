"""Code that runs although a step is recorded may change what it reads: a data set's, a rule's, the check of a loss."""

import types

import pytest
import torch

import corenet as cn
from corenet.training.engines.replay import Replay
from corenet.training.learner import Learner

INPUTS = torch.randn(80, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
DATA = cn.data.Dataset(INPUTS, INPUTS.sum(1, keepdim=True))


class Reads(cn.Module):
    """y = c x, with a factor in an object."""

    def __init__(self, held):
        self.held = held

    def forward(self, input):
        return self.held.factor * input

    def backward(self, grad_output):
        return self.held.factor * grad_output


class Anneals(cn.data.Dataset):
    """Sets the factor before each epoch."""

    def shuffled(self, seed, *epochs):
        self.held.factor *= 0.9
        return super().shuffled(seed, *epochs)


class Rule(cn.Optimizer):
    """Sets the factor in its 17th step."""

    elementwise = True

    def update(self, param, grad, state):
        param.sub_(grad, alpha=self.current_lr)
        if self.steps == 17:
            self.held.factor = 0.5


class EachStep(Rule):
    def update(self, param, grad, state):
        super().update(param, grad, state)
        self.held.factor *= 0.99


class Checks(cn.MSELoss):
    """Sets the factor when it sees large targets."""

    def check(self, input, target):
        super().check(input, target)
        if target.max() > 2.5:
            self.held.factor = 0.5


def learner(optimizer=cn.SGD, loss=cn.MSELoss):
    torch.manual_seed(0)
    held = types.SimpleNamespace(factor=1.0)
    model = cn.Sequential(cn.Linear(2, 3), Reads(held), cn.Tanh(), cn.Linear(3, 1)).to(torch.float64)
    found = Learner(model, loss(), optimizer(model.parameters(), lr=0.05))
    found.optimizer.held = found.loss.held = held
    return found


def trained(engine, caplog, data=DATA, **parts):
    found = learner(**parts)
    data = type(data)(data.inputs, data.targets)
    data.held = found.optimizer.held
    options = {"epochs": 4, "batch_size": 8, "engine": engine, "progress": False}
    with caplog.at_level("INFO", logger="corenet"):
        cn.fit(found.model, found.loss, found.optimizer, data, **options)
    return [found.model.state_dict(), found.optimizer.held.factor]


@pytest.mark.filterwarnings("ignore::corenet.EngineWarning")
@pytest.mark.parametrize("engine", ["replay", "compiled"])
@pytest.mark.parametrize(
    "parts",
    [{"data": Anneals(DATA.inputs, DATA.targets)}, {"optimizer": Rule}, {"optimizer": EachStep}, {"loss": Checks}],
)
def test_what_it_changes_is_trained_on_from_that_step_on(parts, engine, caplog, request):
    if engine == "compiled":
        request.getfixturevalue("needs_compiler")
    plain, found = (trained(each, caplog, **parts) for each in ("plain", engine))
    torch.testing.assert_close(found, plain, rtol=1e-11, atol=1e-12)


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("points", [80, 77])
def test_what_is_measured_in_one_call_is_measured_anew_after_a_change(points):
    """Whole epochs and their evaluations are recorded with what the step reads: a change drops both."""

    class Once(Anneals):
        epoch = 0

        def shuffled(self, seed, *epochs):
            self.epoch += 1
            if self.epoch == 12:
                self.held.factor = 0.5
            return cn.data.Dataset.shuffled(self, seed, *epochs)

    losses = []
    for engine in ("plain", "compiled"):
        found = learner()
        data = Once(DATA.inputs[:points], DATA.targets[:points])
        data.held = found.optimizer.held
        del found.optimizer.held, found.loss.held  # a rule that holds an object is applied in Python
        options = {"epochs": 20, "batch_size": 8, "engine": engine, "metrics": [], "progress": False}
        history = cn.fit(found.model, found.loss, found.optimizer, data, DATA, **options)
        losses.append([each.valid["loss"] for each in history])
        assert history.engine == engine
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-10, atol=1e-12)


def test_a_check_that_sets_something_is_named():
    engine = Replay(learner(loss=Checks))
    engine.step(DATA.inputs[:8], DATA.targets[:8])
    assert str(engine.recorder.refusal).startswith("the check of the loss may set factor in Checks.check;")


class Scaled(cn.ElementwiseLoss):
    """A loss that sets up itself when it is made, and whose check asks its base, or what it is."""

    def __init__(self):
        super().__init__()
        self.scale = 3.0

    def elements(self, input, target):
        return self.scale * (input - target) ** 2

    def derivative(self, input, target):
        return 2 * self.scale * (input - target)

    def check(self, input, target):
        super().check(input, target)
        if input.dim() > 5:
            raise cn.ShapeError(f"{type(self).__name__} {self!r}", input.shape, "expected fewer dimensions")


class Restarts(Scaled):
    """One whose check makes it anew where it stands."""

    def check(self, input, target):
        self.__init__()


@pytest.mark.parametrize(("loss", "refusal"), [(Scaled, "None"), (Restarts, "the check of the loss may set scale in")])
def test_what_a_loss_sets_of_itself_when_it_is_made_is_none_of_its_check(loss, refusal):
    engine = Replay(learner(loss=loss))
    engine.step(DATA.inputs[:8], DATA.targets[:8])
    assert str(engine.recorder.refusal).startswith(refusal)


def test_a_rule_that_changes_the_step_each_time_is_seen_before_the_recording_is_used():
    engine = Replay(learner(optimizer=EachStep))
    for _ in range(3):
        engine.step(DATA.inputs[:8], DATA.targets[:8])
    assert str(engine.recorder.refusal).startswith("the step changes model.1.held.factor;")


class Caches(cn.Module):
    """Makes what it needs when it is first called."""

    scale = None

    def forward(self, input):
        if self.scale is None:
            self.scale = 1 / input.abs().max()
        return self.scale * input

    def backward(self, grad_output):
        return self.scale * grad_output


def test_what_a_module_makes_in_its_first_step_is_no_reason_to_do_without():
    model = cn.Sequential(cn.Linear(2, 3), Caches(), cn.Linear(3, 1)).to(torch.float64)
    engine = Replay(Learner(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)))
    for _ in range(5):
        engine.step(DATA.inputs, DATA.targets)
    assert engine.running == "replay"
    assert [recorded.verified for recorded in engine.recorder.steps.values()] == [True]


class CountsInItsClass(cn.SGD):
    """A rule that counts in its class, and changes once it is late."""

    count = 0

    def update(self, param, grad, state):
        type(self).count += 1
        super().update(param, grad if self.count < 25 else 0.5 * grad, state)


@pytest.mark.usefixtures("needs_compiler")
def test_a_rule_that_counts_in_its_class_is_not_tried(caplog, monkeypatch):
    counts = []
    for engine in ("plain", "compiled"):
        monkeypatch.setattr(CountsInItsClass, "count", 0)
        counts.append((*trained(engine, caplog, optimizer=CountsInItsClass), CountsInItsClass.count))
    torch.testing.assert_close(counts[1], counts[0], rtol=1e-11, atol=1e-12)
    assert counts[0][2] == 40
    assert "using single steps: the rule may set count in CountsInItsClass.update" in caplog.text


@pytest.mark.usefixtures("needs_compiler")
def test_a_rule_that_reads_the_rate_past_itself_is_applied_in_python(caplog):
    """The shadow that it is tried on has other rates, which such a rule doesn't see."""

    def optimizer(parameters, lr):
        made = cn.SGD(parameters, lr=lr, lr_decay=1e-9)
        made.update = lambda param, grad, state: param.sub_(grad, alpha=made.current_lr)
        return made

    plain, found = (trained(each, caplog, optimizer=optimizer) for each in ("plain", "compiled"))
    torch.testing.assert_close(found, plain, rtol=1e-11, atol=1e-12)
    assert "using single steps" in caplog.text
