"""An optimizer's rule as a log: what is believed of it, what is refused, and that nothing is moved by looking."""

import math
import random

import numpy
import pytest
import torch

import corenet as cn
from corenet.training.engines.optimizer_adapter import learning_rates, tensors_of
from corenet.training.engines.recording.recorded_update import record_update, recorded_state
from corenet.training.engines.unsupported import NotRecordable


def made(update, elementwise=True, states=("velocity",), **attributes):
    """Return an optimizer with such an ``update(self, param, grad, state)``, after a step."""
    rule = type(
        "Rule",
        (cn.Optimizer,),
        {
            "elementwise": elementwise,
            "init_state": lambda self, param: {name: torch.full_like(param, 0.5) for name in states},
            "update": lambda self, param, grad, state: None,
        },
    )
    optimizer = rule([cn.Parameter(torch.tensor([1.0, -2.0])), cn.Parameter(torch.ones(2, 3))], lr=0.25)
    vars(optimizer).update(attributes)
    for parameter in optimizer.parameters:
        parameter.grad += 3
    optimizer.step()
    rule.update = update
    return optimizer


def descend(self, param, grad, state):
    param.sub_(grad, alpha=self.current_lr)


def states_of(optimizer):
    return [slot.state for slot in optimizer.layout.slots]


def everything(optimizer):
    """Return all that recording might move."""
    states = [tensor for state in states_of(optimizer) for tensor in state.values()]
    gradients = [parameter.grad for parameter in optimizer.parameters]
    return [
        [tensor.clone() for tensor in (*optimizer.parameters, *gradients, *states)],
        [id(tensor) for tensor in (*gradients, *states)],
        [list(state) for state in states_of(optimizer)],
        dict(vars(optimizer)),
        type(optimizer),
        (torch.get_rng_state().tolist(), random.getstate(), numpy.random.get_state()[1].tolist()),
    ]


def assert_untouched(optimizer, before):
    numbers, *others = everything(optimizer)
    torch.testing.assert_close(numbers, before[0], rtol=0, atol=0)
    assert others == before[1:]


def test_the_operations_are_those_of_a_step():
    optimizer = made(descend)
    update = record_update(optimizer)
    (operation,) = update.operations
    assert operation.name == "sub_"
    assert operation.arguments[0].data_ptr() == optimizer.parameters[0].data_ptr()
    assert operation.keywords["alpha"] is update.parts[0]
    assert update.numbers_of(optimizer, range(1, 3)) == [(0.25,), (0.25,)]


def test_a_rule_that_is_not_elementwise_is_recorded_for_each_parameter():
    update = record_update(made(descend, elementwise=False))
    assert [operation.arguments[0].shape for operation in update.operations] == [(2,), (2, 3)]


def add_to(name):
    def rule(self, param, grad, state):
        setattr(self, name, getattr(self, name, 0) + 1)

    return rule


def replaced(self, param, grad, state):
    state["velocity"] = state["velocity"] + grad


def moved(self, param, grad, state):
    state["velocity"].data = state["velocity"].data.clone()


def by_its_rate(self, param, grad, state):
    param.sub_(grad if self.current_lr > 0.1 else 2 * grad)


REFUSED = [
    (lambda self, p, g, s: p.sub_(g, alpha=self.lr), "reads lr, not current_lr"),
    (lambda self, p, g, s: p.sub_(g, alpha=self._lr), "reads lr, not current_lr"),
    (lambda self, p, g, s: p.sub_(g, alpha=self.schedule(self.steps)), "reads schedule, not current_lr"),
    (lambda self, p, g, s: p.sub_(g, alpha=min(self.current_lr, 5.0)), "compares its rate"),
    (lambda self, p, g, s: p.sub_(g, alpha=max(self.steps, self.current_lr)), "compares its rate"),
    (lambda self, p, g, s: p.sub_(g) if self.current_lr else None, "compares its rate"),
    (by_its_rate, "compares its rate"),
    (lambda self, p, g, s: p.sub_(g, alpha=int(self.current_lr)), "takes int of a number that depends"),
    (lambda self, p, g, s: p.sub_(g, alpha=abs(self.current_lr)), "takes abs of a number that depends"),
    (lambda self, p, g, s: p.sub_(g, alpha=self.steps % 5), "takes mod of a number that depends"),
    (lambda self, p, g, s: p.sub_(g, alpha=5 // self.steps), "takes rfloordiv of a number that depends"),
    (lambda self, p, g, s: p.sub_(g, alpha=float(self.steps)), "takes float of a number that depends"),
    (lambda self, p, g, s: p.sub_(g, alpha=float(f"{self.steps}")), "takes format of a number that depends"),
    (lambda self, p, g, s: p.sub_(g, alpha=[0.1, 0.2][self.steps]), "raised TypeError when it was tried"),
    (lambda self, p, g, s: p.sub_(g, alpha={1: 0.1}[self.steps]), "raised TypeError when it was tried"),
    (lambda self, p, g, s: p.sub_(g, alpha=math.sqrt(self.steps)), "out of sight, as math.sqrt does"),
    (lambda self, p, g, s: p.sub_(g, alpha=self.current_lr * math.exp(self.steps)), "out of sight, as math.sqrt does"),
    (
        lambda self, p, g, s: p.sub_(g, alpha=self.current_lr / (self.steps - 1)),
        "cannot be computed: .*division by zero",
    ),
    (lambda self, p, g, s: p.sub_(g * p.sum().item()), "reads a tensor's values in Python"),
    (lambda self, p, g, s: p.sub_(g) if p[0] > 0 else None, "reads a tensor's values in Python"),
    (lambda self, p, g, s: p.sub_(torch.rand_like(g)), "draws random numbers"),
    (lambda self, p, g, s: p.sub_(torch.empty_like(g).normal_()), "draws random numbers"),
    (lambda self, p, g, s: p.sub_(g, alpha=random.random()), "may change without being seen"),
    (lambda self, p, g, s: p.sub_(g, alpha=float(numpy.random.random())), "out of sight"),
    (add_to("count"), "may set setattr"),
    (add_to("_lr_seen"), "may set setattr"),
    (lambda self, p, g, s: s.update(another=g.clone()), "creates new state"),
    (lambda self, p, g, s: s.update(velocity=s["velocity"][:]), "creates new state"),
    (lambda self, p, g, s: s.update(count=1), "creates new state"),
    (lambda self, p, g, s: s.clear(), "creates new state"),
    (replaced, "creates new state"),
    (moved, "may set data"),
]


@pytest.mark.parametrize(("rule", "reason"), REFUSED)
def test_a_rule_that_may_do_another_thing_is_refused(rule, reason):
    optimizer = made(rule)
    before = everything(optimizer)
    with pytest.raises(NotRecordable, match=reason):
        record_update(optimizer)
    assert_untouched(optimizer, before)


@pytest.mark.parametrize("value", [[0.9], {"beta": 0.9}, torch.ones(1), object(), (0.9, [0.5])])
def test_what_may_change_beside_the_state_is_refused(value):
    with pytest.raises(NotRecordable, match="beta, which is neither a constant nor in the state"):
        record_update(made(descend, beta=value))


@pytest.mark.parametrize("value", [0.9, 3, True, None, "fast", (0.9, (0.99, None)), descend, float])
def test_constants_may_be_kept(value):
    optimizer = made(descend, beta=value)
    assert len(record_update(optimizer).operations) == 1


def test_a_state_that_is_no_tensor_is_refused():
    optimizer = made(descend)
    optimizer.layout.slots[0].state["count"] = 1
    with pytest.raises(NotRecordable, match="not everything in the rule's state is a tensor"):
        record_update(optimizer)


@pytest.mark.parametrize("rate", [lambda self: self.parameters[0].sum().item(), lambda self: self.parameters[0].sum()])
def test_a_rate_that_comes_of_tensors_is_refused(rate):
    optimizer = made(descend)
    type(optimizer).current_lr = property(rate)
    with pytest.raises(NotRecordable, match=r"computed from tensors|reads a tensor's values in Python"):
        record_update(optimizer)


def test_recording_moves_nothing():
    def rule(self, param, grad, state):
        state["velocity"].mul_(0.9).add_(grad)
        grad.zero_()
        param.sub_(state["velocity"], alpha=self.current_lr)

    optimizer = made(rule)
    before = everything(optimizer)
    record_update(optimizer)
    assert_untouched(optimizer, before)


@pytest.mark.parametrize(
    ("error", "raised"), [(ZeroDivisionError, NotRecordable), (KeyboardInterrupt, KeyboardInterrupt)]
)
def test_recording_moves_nothing_where_the_rule_raises(error, raised):
    def rule(self, param, grad, state):
        param.zero_()
        state["velocity"].zero_()
        state["another"] = torch.rand(2)
        state["drawn"] = torch.tensor(numpy.random.random())
        raise error

    optimizer = made(rule, count=0)
    before = everything(optimizer)
    with pytest.raises(raised):
        record_update(optimizer)
    assert_untouched(optimizer, before)


@pytest.mark.parametrize(
    "change",
    [
        lambda optimizer: setattr(optimizer, "momentum", 0.8),
        lambda optimizer: setattr(optimizer, "momentum", torch.ones(2)),
        lambda optimizer: setattr(optimizer, "lr_decay", 0.1),
        lambda optimizer: setattr(optimizer, "another", torch.ones(2)),
        lambda optimizer: optimizer.layout.slots[0].state.update(velocity=torch.ones(2)),
        lambda optimizer: setattr(optimizer.parameters[0], "data", torch.ones(2)) or optimizer.layout,
    ],
)
def test_what_an_update_was_recorded_by_changes_with_it(change):
    optimizer = cn.SGD([cn.Parameter(torch.ones(2))], lr=0.1, momentum=0.9)
    before, kept = recorded_state(optimizer), tensors_of(optimizer)
    assert recorded_state(optimizer) == before
    change(optimizer)
    assert recorded_state(optimizer) != before
    del kept  # so long no other tensor has their place


def test_neither_the_rate_nor_the_count_of_steps_is_taken_for_granted():
    optimizer = made(descend)
    before = recorded_state(optimizer)
    optimizer.lr, optimizer.steps = 0.7, 5
    optimizer.parameters[0].fill_(3)
    assert recorded_state(optimizer) == before


def test_rates_are_those_of_the_steps_to_come():
    optimizer = made(descend)
    optimizer.lr_decay = 0.5
    assert learning_rates(optimizer, range(2, 5)) == [0.25 / 2, 0.25 / 2.5, 0.25 / 3]
    assert optimizer.steps == 1


def test_the_count_of_steps_stays_where_a_schedule_ends():
    optimizer = made(descend)
    type(optimizer).current_lr = property(lambda self: [0.1, 0.2][self.steps])
    with pytest.raises(IndexError):
        learning_rates(optimizer, range(1, 5))
    assert optimizer.steps == 1


def test_numbers_that_depend_on_rates_alone_are_computed_once_for_each_rate():
    asked = []

    class Asked(cn.SGD):
        def update(self, param, grad, state):
            param.sub_(grad, alpha=self.current_lr)

    optimizer = Asked(cn.Linear(2, 1).parameters(), lr=0.5, schedule=lambda step: 1 / (1 + step // 3))
    update = record_update(optimizer)
    (at,) = update.at
    update.at = [lambda step, rates: asked.append(rates) or at(step, rates)]
    assert not update.counts
    assert update.numbers_of(optimizer, range(6)) == [(0.5,)] * 3 + [(0.25,)] * 3
    assert sorted(asked) == [(0.25,), (0.5,)]
    assert record_update(cn.Adam(cn.Linear(2, 1).parameters())).counts
