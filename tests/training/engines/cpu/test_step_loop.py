"""Many steps in one call are as many steps."""

import platform

import pytest
import torch

import corenet as cn
from corenet.training.engines.cpu.engine import CFunctions
from corenet.training.engines.optimizer_adapter import rates_of_groups, tensors_of
from corenet.training.engines.recording.recorded_update import record_update
from corenet.training.engines.recording.recorder import Recorder
from corenet.training.engines.unsupported import NotRecordable, Reporter
from corenet.training.learner import Learner
from corenet.training.step import train_step

pytestmark = pytest.mark.usefixtures("needs_compiler")

STEPS, BATCH = 6, 4


def parts(*middle, dtype=torch.float64, width=5, optimizer=cn.SGD, loss=cn.MSELoss, lr=0.1, **settings):
    """Return a model, its loss and its optimizer after one step."""
    torch.manual_seed(1)
    model = cn.Sequential(cn.Linear(2, width), cn.Tanh(), *(each() for each in middle), cn.Linear(width, 1))
    model.to(dtype=dtype)
    made = model, loss(), optimizer(model.parameters(), lr=lr, **settings)
    train_step(*made, torch.ones(BATCH, 2, dtype=dtype), torch.ones(BATCH, 1, dtype=dtype))
    return made


def data(dtype=torch.float64, steps=STEPS):
    torch.manual_seed(2)
    return torch.randn(steps * BATCH, 2, dtype=dtype), torch.randn(steps * BATCH, 1, dtype=dtype)


def loop_of(model, loss, optimizer, batch):
    learner, functions = Learner(model, loss, optimizer), CFunctions()
    recorder = Recorder(learner, [functions], Reporter())
    recorder.gradients(*batch)
    (recorded,) = recorder.steps.values()
    return functions.loop(recorded, record_update(optimizer), learner)


def run(loop, optimizer, inputs, targets):
    steps = len(inputs) // BATCH
    return loop.run(inputs, targets, rates_of_groups(optimizer, range(1, 1 + steps)), 1)


def first(inputs, targets):
    return inputs[:BATCH], targets[:BATCH]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9, "lr_decay": 0.3}, {"momentum": 0.5, "nesterov": True}])
@pytest.mark.parametrize("middle", [(), (lambda: cn.Dropout(0.3), lambda: cn.Dropout(0.5))])
def test_weights_outputs_and_losses_are_those_of_single_steps(middle, settings, dtype):
    plain, many = parts(*middle, dtype=dtype, **settings), parts(*middle, dtype=dtype, **settings)
    batches = data(dtype)
    loop = loop_of(*many, first(*batches))
    torch.manual_seed(3)
    done, (predictions, values) = run(loop, many[2], *batches)
    torch.manual_seed(3)
    expected = [train_step(*plain, *batch) for batch in zip(*(each.split(BATCH) for each in batches), strict=True)]
    assert done == STEPS
    tolerance = {"rtol": 1e-12, "atol": 1e-13} if dtype is torch.float64 else {}
    torch.testing.assert_close(values, torch.stack(expected), **tolerance)
    torch.testing.assert_close(many[0].state_dict(), plain[0].state_dict(), **tolerance)
    torch.testing.assert_close(tensors_of(many[2]), tensors_of(plain[2]), **tolerance)
    errors = (predictions - batches[1].view(STEPS, BATCH, 1)).square().mean((1, 2))
    torch.testing.assert_close(errors, values, **tolerance)


def test_it_may_be_run_again_and_the_recorded_step_stays_what_it_is():
    plain, many = parts(momentum=0.9), parts(momentum=0.9)
    batches = data()
    loop = loop_of(*many, first(*batches))
    for _ in range(3):
        run(loop, many[2], *batches)
        for batch in zip(*(each.split(BATCH) for each in batches), strict=True):
            train_step(*plain, *batch)
    torch.testing.assert_close(many[0].state_dict(), plain[0].state_dict(), rtol=1e-12, atol=1e-13)
    kept = batches[0].clone()
    value = loop.recorded.replay(*first(*batches))
    expected = many[1](many[0](batches[0][:BATCH]), batches[1][:BATCH])
    torch.testing.assert_close(value, expected, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(batches[0], kept, rtol=0, atol=0)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("step", [0, 3, STEPS - 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_ends_before_the_write_of_a_number_that_is_not_finite(value, step, dtype):
    plain, many = parts(dtype=dtype, momentum=0.9), parts(dtype=dtype, momentum=0.9)
    inputs, targets = data(dtype)
    loop = loop_of(*many, first(inputs, targets))
    targets[step * BATCH + 2] = value
    done, _ = run(loop, many[2], inputs, targets)
    assert done == step
    for batch in zip(inputs.split(BATCH)[:step], targets.split(BATCH)[:step], strict=True):
        train_step(*plain, *batch)
    torch.testing.assert_close(many[0].state_dict(), plain[0].state_dict())


class Infinite(cn.MSELoss):
    """Its value is infinite where its gradient is not."""

    def elements(self, input, target):
        return torch.exp(1000 + input)


def test_a_loss_that_is_not_finite_ends_it_too():
    with pytest.raises(cn.NonFiniteError):
        parts(loss=Infinite)
    model, _, optimizer = parts()
    batches = data()
    loop = loop_of(model, Infinite(), optimizer, first(*batches))
    assert run(loop, optimizer, *batches)[0] == 0


class Spoils(cn.Tanh):
    """Puts a wrong number into one place of a gradient."""

    place = 0

    def __init__(self):
        self.weight = cn.Parameter(torch.zeros(40_000))
        self.wrong = cn.Buffer(torch.zeros(40_000))

    def backward(self, grad_output):
        self.weight.grad += self.wrong
        return super().backward(grad_output)


@pytest.mark.parametrize("place", [0, 5, 16_383, 16_384, 32_768, 39_999])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_place_of_a_large_gradient_is_looked_at(place, dtype):
    model, loss, optimizer = parts(Spoils, dtype=dtype)
    batches = data(dtype, steps=2)
    loop = loop_of(model, loss, optimizer, first(*batches))
    model[2].wrong.fill_(torch.finfo(dtype).max / 1e6)  # large, and nothing wrong with it
    assert run(loop, optimizer, *batches)[0] == 2
    model[2].wrong[place] = torch.inf
    assert run(loop, optimizer, *batches)[0] == 0


def test_gradients_of_two_dtypes_are_looked_at():
    class Double(Spoils):
        def __init__(self):
            self.weight = cn.Parameter(torch.zeros(3, dtype=torch.float64))
            self.wrong = cn.Buffer(torch.zeros(3, dtype=torch.float64))

    torch.manual_seed(1)
    model = cn.Sequential(cn.Linear(2, 1), Double())
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    batches = data(torch.float32)
    loop = loop_of(model, cn.MSELoss(), optimizer, first(*batches))
    assert run(loop, optimizer, *batches)[0] == STEPS
    model[1].wrong[2] = torch.nan
    assert run(loop, optimizer, *batches)[0] == 0


@pytest.mark.parametrize("own", [0, 2])
def test_gradients_of_others_in_the_same_memory_are_not_looked_at(own):
    torch.manual_seed(1)
    model = cn.Sequential(Spoils(), cn.Linear(2, 2), Spoils(), cn.Linear(2, 1))
    cn.SGD(model.parameters(), lr=0.1)  # lays them side by side
    optimizer = cn.SGD([*model[own].parameters(), *model[own + 1].parameters()], lr=0.1)
    batches = data(torch.float32)
    loop = loop_of(model, cn.MSELoss(), optimizer, first(*batches))
    model[2 - own].wrong.fill_(torch.nan)
    assert run(loop, optimizer, *batches)[0] == STEPS
    model[own].wrong.fill_(torch.nan)
    assert run(loop, optimizer, *batches)[0] == 0


def test_how_long_it_may_be_depends_on_what_a_step_leaves(monkeypatch):
    batches = data()
    assert loop_of(*parts(), first(*batches)).max_steps == 256
    step = 8 * (BATCH * (2 + 1) + BATCH + 1 + BATCH * 5)  # the batch, the output, the loss, and the mask of dropout
    for kept, max_steps in ((3 * step, 3), (4 * step - 1, 3), (1, 1)):
        monkeypatch.setattr("corenet.training.engines.cpu.step_loop._KEPT", kept)
        assert loop_of(*parts(lambda: cn.Dropout(0.5)), first(*batches)).max_steps == max_steps


class Cumulative(cn.Module):
    """Is no one function of C."""

    def forward(self, input):
        return input.cumsum(1)

    def backward(self, grad_output):
        return grad_output.flip(1).cumsum(1).flip(1)


class Sorts(cn.Optimizer):
    elementwise = True

    def update(self, param, grad, state):
        param.sub_(grad.sort().values, alpha=self.current_lr)


class SortsLast(Sorts):
    def update(self, param, grad, state):
        param.sub_(grad, alpha=self.current_lr)
        param.copy_(param.sort().values)


class SortsEach(Sorts):
    elementwise = False


@pytest.mark.parametrize(
    "odd", [{"middle": Cumulative}, {"optimizer": Sorts}, {"optimizer": SortsLast}, {"optimizer": SortsEach}]
)
def test_what_is_no_one_function_of_c_is_refused(odd):
    kernel = "cumsum" if "middle" in odd else "sort"
    middle = [odd.pop("middle")] if "middle" in odd else []
    with pytest.raises(NotRecordable, match=rf"not every kernel of it is known in C \({kernel}\)$"):
        loop_of(*parts(*middle, **odd), first(*data()))


class Same(cn.Module):
    def forward(self, input):
        return input

    def backward(self, grad_output):
        return grad_output


class Constant(Same):
    """The output is a weight."""

    def __init__(self):
        self.weight = cn.Parameter(torch.ones(BATCH, 1, dtype=torch.float64))

    def forward(self, input):
        return self.weight.view(BATCH, 1)


def test_an_output_that_no_step_makes_is_no_number():
    model = cn.Sequential(Constant())
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    batches = data()
    loop = loop_of(model, cn.MSELoss(), optimizer, first(*batches))
    done, (predictions, _) = run(loop, optimizer, *batches)
    assert done == 0
    assert predictions.isnan().all()


class Half(cn.Module):
    """Its output is a part of a larger memory."""

    def forward(self, input):
        return (2 * input.expand(2, *input.shape))[0]

    def backward(self, grad_output):
        return 2 * grad_output


def test_an_output_that_is_a_part_of_something_is_refused():
    model, loss, optimizer = parts()
    with pytest.raises(NotRecordable, match="shares memory with another tensor"):
        loop_of(cn.Sequential(*model, Half()), loss, optimizer, first(*data()))


def test_an_output_that_is_the_input_is_refused():
    weight = cn.Parameter(torch.ones(2, dtype=torch.float64))
    model, optimizer = cn.Sequential(Same()), cn.SGD([weight], lr=0.1)
    inputs, _ = data()
    with pytest.raises(NotRecordable, match="shares memory with another tensor"):
        loop_of(model, cn.MSELoss(), optimizer, (inputs[:BATCH], 1 - inputs[:BATCH]))


def test_a_call_lasts_about_as_long_as_one_waits(monkeypatch):
    loop = loop_of(*parts(), first(*data()))
    inputs, targets = data()
    monkeypatch.setattr("corenet.training.engines.cpu.step_loop.SECONDS", 1e-9)
    loop.run(inputs[: 2 * BATCH], targets[: 2 * BATCH], [(0.1,), (0.1,)], 1)
    assert loop.max_steps == 1
    monkeypatch.setattr("corenet.training.engines.cpu.step_loop.SECONDS", 100)
    loop.run(inputs[: 2 * BATCH], targets[: 2 * BATCH], [(0.1,), (0.1,)], 1)
    assert loop.max_steps == 256


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors are left as they are")
def test_what_is_too_small_to_be_ordinary_counts_as_zero_in_a_call_and_nowhere_else():
    model, loss, optimizer = parts(momentum=0.9)
    loop = loop_of(model, loss, optimizer, first(*data()))
    velocity = optimizer.layout.slots[0].state["velocity"]
    velocity.fill_(torch.finfo(velocity.dtype).tiny)
    optimizer.layout.weights()[0].zero_()  # all units are dead
    inputs, targets = (tensor[: 2 * BATCH] for tensor in data())
    loop.run(torch.zeros_like(inputs), torch.zeros_like(targets), [(0.1,), (0.1,)], 1)
    assert velocity.count_nonzero() == 0
    smallest = torch.tensor([torch.finfo(torch.float64).tiny], dtype=torch.float64)
    assert (smallest / 2).count_nonzero() == 1
