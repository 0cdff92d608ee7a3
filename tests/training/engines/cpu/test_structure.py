"""What two trainings have in common: which differences are more than another number, and where memories stand."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.cpu.structure import memories_of, structure_of
from corenet.training.engines.recording.op_log import memory
from corenet.training.learner import Learner


class Each(cn.Optimizer):
    """Leaves each parameter where it lies."""

    def update(self, param, grad, state):
        param.sub_(grad, alpha=self.current_lr)


def a_slice(weight):
    weight.data = torch.zeros(50, dtype=torch.float64)[10:46].view_as(weight)


def learner(change=lambda model: None, **settings):
    """Return a learner with a constant, whose model was changed before its optimizer was made."""
    layers = [cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 6), cn.Linear(6, 6), cn.Linear(6, 1), cn.Sigmoid()]
    model = cn.Sequential(*layers, cn.Dropout(0.3)).to(dtype=torch.float64)
    model.held = torch.zeros(6, 2)
    change(model)
    return Learner(model, cn.BCELoss(), Each(model.parameters(), **{"lr": 0.1} | settings))


@pytest.mark.parametrize(
    "change",
    [
        lambda model: setattr(model[6], "p", 0.4),
        lambda model: setattr(model[3], "weight", model[2].weight),
        lambda model: a_slice(model[2].weight),
        lambda model: setattr(model, "held", torch.zeros(2, 6).T),
        lambda model: setattr(model, "held", torch.ones(6, 2)),
        lambda model: setattr(model[3].weight, "grad", model[2].weight.grad),
    ],
)
def test_a_structure_tells_what_is_more_than_another_number(change):
    assert structure_of(learner()) == structure_of(learner(lr=0.2))
    assert structure_of(learner()) != structure_of(learner(change))


def test_memories_stand_in_the_order_of_the_structure():
    one, other = learner(), learner()
    assert len(memories_of(one)) == len(memories_of(other))
    own = [each.data_ptr() for each in memories_of(one)]
    assert own.index(memory(one.model[2].weight)) == [each.data_ptr() for each in memories_of(other)].index(
        memory(other.model[2].weight)
    )
