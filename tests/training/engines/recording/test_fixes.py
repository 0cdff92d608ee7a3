"""What a refusal advises helps: each step and rule is refused with a fix, and recorded once that was followed."""

import math
import warnings

import pytest
import torch

import corenet as cn
from corenet.training.engines.recording.recorded_update import record_update
from corenet.training.engines.unsupported import NotRecordable

DATA = cn.data.disk(40, seed=0)

# Rules: what is refused, the fix, and what is recorded.


def rule(update, kept=(), **attributes):
    """Return an optimizer with ``update(self, param, grad, state)`` and ``kept`` in its state, after a step."""

    def init_state(self, param):
        return {"velocity": torch.zeros_like(param)} | {name: torch.zeros(()) for name in kept}

    kind = type("Rule", (cn.Optimizer,), {"init_state": init_state, "update": lambda *given: None})
    optimizer = kind([cn.Parameter(torch.ones(3))], lr=0.25)
    vars(optimizer).update(attributes)
    optimizer.step()
    kind.update = update
    return optimizer


def by_the_root_of_the_count_of_steps(self, param, grad, state):
    param.sub_(grad / math.sqrt(self.steps + 1), alpha=self.current_lr)


def by_its_power(self, param, grad, state):
    param.sub_(grad / (self.steps + 1) ** 0.5, alpha=self.current_lr)


def by_the_rest_of_the_count_of_steps(self, param, grad, state):
    param.sub_(grad, alpha=self.current_lr * (self.steps % 5))


def by_a_count_of_its_own(self, param, grad, state):
    state["count"] += 1
    param.sub_(grad * (state["count"] % 5), alpha=self.current_lr)


def by_the_base_rate(self, param, grad, state):
    param.sub_(grad, alpha=self.lr)


def by_the_current_rate(self, param, grad, state):
    param.sub_(grad, alpha=self.current_lr)


def into_a_new_velocity(self, param, grad, state):
    state["velocity"] = 0.9 * state["velocity"] + grad
    param.sub_(state["velocity"], alpha=self.current_lr)


def into_the_velocity(self, param, grad, state):
    state["velocity"].mul_(0.9).add_(grad)
    param.sub_(state["velocity"], alpha=self.current_lr)


IN_SIGHT = "use + - * / and ** on them alone, as x ** 0.5 for math.sqrt(x), and keep anything else in the state"
KEPT = "keep it in a tensor of the state, which init_state makes, and write that in place"
RULES = [
    (lambda: rule(by_the_root_of_the_count_of_steps), IN_SIGHT, lambda: rule(by_its_power)),
    (lambda: rule(by_the_rest_of_the_count_of_steps), IN_SIGHT, lambda: rule(by_a_count_of_its_own, kept=["count"])),
    (lambda: rule(by_the_base_rate), "read current_lr", lambda: rule(by_the_current_rate)),
    (lambda: rule(into_a_new_velocity), KEPT, lambda: rule(into_the_velocity)),
    (lambda: rule(by_the_current_rate, counts=[0]), KEPT, lambda: rule(by_the_current_rate, kept=["counts"])),
]


@pytest.mark.parametrize(("refused", "fix", "mended"), RULES)
def test_a_rule_that_follows_the_fix_is_recorded(refused, fix, mended):
    with pytest.raises(NotRecordable) as caught:
        record_update(refused())
    assert caught.value.fix == fix
    assert record_update(mended()).operations


# Steps: the same.


class Scales(cn.Module):
    """y = f(x), whose derivative is not looked at here."""

    def __init__(self, function, **kept):
        self.function = function
        vars(self).update(kept)

    def forward(self, input):
        return self.function(self, input) if self.training else input

    def backward(self, grad_output):
        return grad_output.clone()


class CountsInABuffer(Scales):
    def __init__(self, function):
        super().__init__(function)
        self.count = cn.Buffer(torch.zeros(()))


def positive_by_a_mask(self, input):
    return torch.zeros_like(input).index_put((input > 0,), input[input > 0])


def positive_by_where(self, input):
    return torch.where(input > 0, input, 0.0)


def resized(self, input):
    return input.clone().resize_(input.shape) * 1.0


def counting(self, input):
    self.count += 1
    return input / (1 + self.count)


def from_a_list(self, input):
    return torch.tensor([1.0]).mul_(2.0) * input


def from_an_operation(self, input):
    return torch.ones(1).mul_(2.0) * input


def by_the_default_dtype(self, input):
    return input.to(torch.get_default_dtype()) * 1.0


def by_what_init_read(self, input):
    return input.to(self.dtype) * 1.0


STEPS = [
    (
        lambda: Scales(positive_by_a_mask),
        "use torch.where or a product with the mask instead of indexing by it",
        lambda: Scales(positive_by_where),
    ),
    (lambda: Scales(resized), "make another tensor", lambda: Scales(positive_by_where)),
    (
        lambda: Scales(counting, count=0),
        "keep a number that changes in a Buffer, written in place",
        lambda: CountsInABuffer(counting),
    ),
    (
        lambda: Scales(from_a_list),
        "make it by torch.zeros or another operation, or clone it first",
        lambda: Scales(from_an_operation),
    ),
    (
        lambda: Scales(by_the_default_dtype),
        "read it once, in __init__, and keep what it gave",
        lambda: Scales(by_what_init_read, dtype=torch.get_default_dtype()),
    ),
]


def trained(layer):
    model = cn.Sequential(cn.Linear(2, 3), layer, cn.Linear(3, 1))
    options = {"epochs": 2, "batch_size": 10, "engine": "replay", "progress": False}
    return cn.fit(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.01), DATA, **options).engine


@pytest.mark.parametrize(("refused", "fix", "mended"), STEPS)
def test_a_step_that_follows_the_fix_is_recorded(refused, fix, mended):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert trained(refused()) == "plain"
    assert [str(each.message).rpartition("; ")[2] for each in told] == [fix]
    assert trained(mended()) == "replay"


def test_a_step_of_the_optimizers_own_is_to_be_an_update(odd):
    model = cn.Linear(2, 1)
    optimizer = odd["Clips"](model.parameters(), lr=0.01)
    told = r"Clips overrides step\(\); write its rule as update\(param, grad, state\)$"
    with pytest.warns(cn.EngineWarning, match=told):
        cn.fit(model, cn.MSELoss(), optimizer, DATA, epochs=1, batch_size=10, engine="replay", progress=False)
