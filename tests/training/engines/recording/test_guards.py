"""What models, losses and rules have as settings is seen to change, and a step of training changes none of it."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.recording import reachable
from corenet.training.engines.recording.guards import Guards

FACTOR = 2.0


class Scaled(cn.Module):
    """y = c x, with a factor in its class."""

    factor = 2.0

    def forward(self, input):
        return self.factor * input

    def backward(self, grad_output):
        return self.factor * grad_output


def network():
    return cn.Sequential(cn.Linear(2, 3), cn.Dropout(0.5), cn.Linear(3, 1))


def set_p(model):
    model[1].p = 0.4


def replace_weight(model):
    model[0].weight = cn.Parameter(model[0].weight)


def move_weight(model):
    model[0].weight.data = model[0].weight.data.clone()


def replace_gradient(model):
    model[0].weight.grad = torch.zeros(3, 2)


def keep_more(model):
    model[1].more = 1


CHANGES = [set_p, replace_weight, move_weight, replace_gradient, keep_more, lambda model: model.eval()]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_a_model_is_seen(change):
    model = network()
    guards = Guards.of_step(model, cn.MSELoss())
    assert guards.changed() is None
    change(model)
    assert guards.changed().startswith("model.")


def watched(guards):
    return sorted((type(each).__name__, getattr(each, "_path", "")) for each in (*guards._own, *guards._shared))


@pytest.mark.parametrize("change", CHANGES)
def test_guards_of_a_like_model_watch_what_those_of_its_own_would(change):
    earlier, model = network(), network()
    like = Guards.of_step(earlier, cn.MSELoss()).of_like(model, cn.MSELoss())
    assert watched(like) == watched(Guards.of_step(model, cn.MSELoss()))
    change(earlier)
    assert like.changed() is None
    change(model)
    assert like.changed().startswith("model.")


def test_a_walk_that_knows_the_names_reads_each_thing_once(monkeypatch):
    guards, starts = Guards.of_step(network(), cn.MSELoss()), []
    deque = reachable.deque
    monkeypatch.setattr(reachable, "deque", lambda roots: starts.append(roots) or deque(roots))
    guards.of_like(network(), cn.MSELoss())
    assert len(starts) == 1
    Guards.of_step(network(), cn.MSELoss())
    assert len(starts) > 2


def test_a_change_of_the_loss_is_seen():
    loss = cn.MSELoss()
    guards = Guards.of_step(network(), loss)
    loss.reduction = "sum"
    assert guards.changed() == "loss.reduction"


def test_a_training_step_changes_nothing():
    model, loss = network(), cn.MSELoss()
    optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    step, update = Guards.of_step(model, loss), Guards.of_update(optimizer)
    optimizer.lr = 0.2
    for _ in range(2):
        cn.train_step(model, loss, optimizer, torch.randn(4, 2), torch.randn(4, 1))
    assert (step.changed(), update.changed()) == (None, None)


class Falls(cn.SGD):
    """A rule with a setting in its class, and one in a global."""

    scale = 1.0

    def update(self, param, grad, state):
        param.sub_(self.scale * FACTOR * grad, alpha=self.current_lr)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda optimizer, patch: patch.setattr(Falls, "scale", 2.0), "Falls.scale"),
        (lambda optimizer, patch: patch.setitem(globals(), "FACTOR", 3.0), f"{__name__}.FACTOR"),
        (lambda optimizer, patch: setattr(optimizer, "momentum", 0.5), "optimizer.momentum"),
        (lambda optimizer, patch: patch.setattr(Falls, "update", cn.SGD.update), "Falls.update"),
        (lambda optimizer, patch: setattr(optimizer, "scale", 1.0), "optimizer.scale"),
    ],
)
def test_a_change_of_a_rule_is_seen(change, path, monkeypatch):
    optimizer = Falls(cn.Linear(2, 1).parameters(), lr=0.1, momentum=0.9)
    guards = Guards.of_update(optimizer)
    assert guards.changed() is None
    change(optimizer, monkeypatch)
    assert guards.changed() == path


def test_what_is_shared_with_other_models_is_told_from_a_model_s_own(monkeypatch):
    module = Scaled()
    guards = Guards.of_step(cn.Sequential(module), cn.MSELoss()).of_code()
    module.factor = 5.0
    assert guards.changed() is None
    monkeypatch.setattr(Scaled, "factor", 3.0)
    assert guards.changed() == "Scaled.factor"
