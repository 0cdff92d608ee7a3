"""Each built-in schedule is the same training in every engine, compiled where it can be."""

import pytest
import torch

import corenet as cn

TRAIN = cn.data.disk(52, seed=0)  # 7 steps an epoch, of which the last is smaller
SCHEDULES = {
    "constant": cn.ConstantSchedule(0.3, 50),
    "step": cn.StepSchedule(40, 0.5),
    "exponential": cn.ExponentialSchedule(0.99),
    "cosine": cn.CosineSchedule(210, 0.05),
    "one cycle": cn.OneCycleSchedule(210),
    "warmup": cn.WarmupSchedule(30, 0.1, after=cn.CosineSchedule(180)),
}
pytestmark = pytest.mark.usefixtures("needs_compiler")


def trained(schedule, engine, make=cn.SGD, lr=0.4):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 1), cn.Sigmoid())
    optimizer = make(model.parameters(), lr=lr, schedule=schedule)
    history = cn.fit(
        model, cn.BCELoss(), optimizer, TRAIN, epochs=30, batch_size=8, seed=3, engine=engine, progress=False
    )
    return model, history


@pytest.mark.parametrize("engine", ["replay", "compiled"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_it_is_the_plain_training(name, engine):
    schedule = SCHEDULES[name]
    plain, told = trained(schedule, "plain")
    fast, found = trained(schedule, engine)
    assert found.engine == engine
    assert [each.lr for each in found] == [each.lr for each in told] == [0.4 * schedule(7 * k) for k in range(30)]
    torch.testing.assert_close(fast.state_dict(), plain.state_dict(), rtol=1e-3, atol=1e-4)


def test_with_adam_too():
    schedule = SCHEDULES["warmup"]
    plain, told = trained(schedule, "plain", cn.Adam, 0.05)
    fast, found = trained(schedule, "compiled", cn.Adam, 0.05)
    assert found.engine == "compiled"
    assert [each.lr for each in found] == [each.lr for each in told]
    torch.testing.assert_close(fast.state_dict(), plain.state_dict(), rtol=1e-2, atol=1e-3)


def test_a_schedule_is_kept_when_an_optimizer_is_copied_and_pickled():
    import copy
    import pickle

    optimizer = cn.SGD(cn.Linear(2, 1).parameters(), lr=0.4, schedule=SCHEDULES["warmup"])
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        other.steps = 100
        assert other.current_lr == 0.4 * SCHEDULES["warmup"](100)
