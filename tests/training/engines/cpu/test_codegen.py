"""A log as calls: known kernels as functions of C, others as they are, random numbers in their order."""

import pytest
import torch
import torch.nn.functional as F

from corenet.training.engines.cpu.codegen import Draw, Function, compile_calls
from corenet.training.engines.cpu.distinct import MOST
from corenet.training.engines.recording.op_log import Operation, OpLog
from corenet.training.engines.unsupported import CannotCompile

pytestmark = pytest.mark.usefixtures("needs_compiler")


def taped(function, *inputs):
    with OpLog() as log:
        result = function(*inputs)
    return result, compile_calls(log.operations, [], [result])


def kinds(calls):
    return [type(call).__name__ if isinstance(call, (Draw, Function)) else "torch" for call in calls]


def dropout(x, p=0.3):
    return x * torch.empty_like(x).bernoulli_(1 - p) / (1 - p)


def drawn_twice(x):
    noise = torch.rand_like(x)
    return noise * 2 + noise.normal_() + torch.randn_like(x)


def drawn_in_parts(x):
    noise = torch.empty_like(x)
    noise[:20].uniform_(-1, 1)
    noise[20:].normal_()
    return torch.rand(x.shape) + noise


def by_chance(x):
    return torch.bernoulli(x.sigmoid()) + torch.rand_like(x) * x


DRAWS = {
    "bernoulli_": lambda x: torch.empty_like(x).bernoulli_(0.3) * x,
    "rand": lambda x: x + torch.rand(x.shape),
    "rand_like": lambda x: torch.rand_like(x) * x,
    "randn": lambda x: torch.randn(x.shape) - x,
    "uniform_": lambda x: torch.empty_like(x).uniform_(-2, 3) * x,
    "flags": lambda x: torch.where(torch.rand_like(x) > 0.5, x, 0.0),
    "a chain": lambda x: dropout(torch.tanh(dropout(x, 0.1) + torch.randn_like(x))),
    "drawn twice into one": drawn_twice,
    "drawn in parts": drawn_in_parts,
    "by a computed chance": by_chance,
    "torch's own dropout": lambda x: F.dropout(torch.rand_like(x) + x, 0.4) + torch.rand_like(x),
    "what is there is drawn over": lambda x: x.clone().uniform_() + x,
    "normal around a tensor": lambda x: torch.normal(x, 1.0) + torch.randn_like(x),
    "a permutation": lambda x: x[torch.randperm(len(x))] + torch.rand_like(x),
}


@pytest.mark.parametrize("name", DRAWS)
def test_the_numbers_drawn_are_those_of_the_function_itself(name):
    x = torch.randn(50, 4)
    result, calls = taped(DRAWS[name], x)
    for seed in range(3):
        x.copy_(torch.randn_like(x))
        torch.manual_seed(seed)
        for call in calls:
            call()
        after = torch.rand(1)
        torch.manual_seed(seed)
        torch.testing.assert_close(result, DRAWS[name](x))
        assert torch.equal(after, torch.rand(1)), "the stream goes on elsewhere"


def test_draws_come_first_and_part_nothing():
    x = torch.randn(6)
    assert kinds(taped(DRAWS["a chain"], x)[1]) == ["Draw", "Draw", "Draw", "Function"]


def test_a_draw_by_a_computed_chance_stays_in_its_place():
    assert kinds(taped(by_chance, torch.randn(6))[1]) == ["Function", "torch", "torch", "Function"]


def test_what_is_unknown_parts_two_functions():
    x = torch.randn(6)
    result, calls = taped(lambda x: (x * 2).cumsum(0).exp(), x)
    assert kinds(calls) == ["Function", "torch", "Function"]
    x.fill_(0.5)
    for call in calls:
        call()
    torch.testing.assert_close(result, torch.arange(1.0, 7).exp())


def test_what_an_unknown_kernel_reads_later_is_written_before(assert_as_torch):
    def function(x):
        one, two = x + 1, x * 2
        first = (one - two).cumsum(0)
        return {"first": first * one, "second": two.sum(0).cumsum(0) + (one * 3)[0].sort().values}

    assert_as_torch(function, lambda: [torch.randn(4, 5)], in_c=False)


def test_a_function_knows_its_memories():
    x = torch.randn(6)
    result, (call,) = taped(lambda x: x[2:].tanh() @ torch.ones(4, 1), x)
    assert call.place(x) == call.place(x[3:]) is not None
    assert call.place(result) not in (None, call.place(x))
    assert call.place(torch.ones(1)) is None


SEEN_OTHERWISE_IN_PLACE = {
    "a row": lambda x, y: x[0] @ y,
    "squeezed": lambda x, y: (x[:1] + 1).squeeze_() * y[:, 0],
    "unsqueezed": lambda x, y: (x + 1).unsqueeze_(0).tanh().sum(1),
    "turned": lambda x, y: ((x @ y).t_() + 1).transpose_(0, 1) @ y,
    "turned where nobody sees it by the shape": lambda x, y: ((y @ y).t_() * y).sum(0),
}


def test_what_is_seen_otherwise_in_place_was_another_before(assert_as_torch):
    def function(x, y):
        return {name: each(x, y) for name, each in SEEN_OTHERWISE_IN_PLACE.items()}

    assert_as_torch(function, lambda: [torch.randn(5, 4), torch.randn(4, 4)], rtol=1e-5, atol=1e-5)


def test_memories_are_kept_alive():
    x = torch.randn(1000)
    result, calls = taped(lambda x: (x + 1).cumsum(0) * 2, x)
    for _ in range(20):
        torch.full((1000,), 5.0)  # would take memory that was let go
        for call in calls:
            call()
    torch.testing.assert_close(result, (x + 1).cumsum(0) * 2)


@pytest.mark.parametrize("times", [0, 1, 2])
def test_gradients_start_at_zero_and_are_added_to(assert_as_torch, times):
    def function(x, flat, first, second, own):
        for _ in range(times):
            own.add_(x * 2)
            first.add_(x.sum(0))
            second.add_(x.T @ x)
        return {"after": first * 2}

    def make():
        flat = torch.randn(20)
        return [torch.randn(5, 4), flat, flat[:4], flat[4:].view(4, 4), torch.randn(5, 4)]

    assert_as_torch(function, make, gradients=lambda x, flat, *gradients: gradients)


def test_a_gradient_in_other_precision_than_what_is_added(assert_as_torch):
    def function(x, sum, product, each):
        sum.add_(x.sum(0)), product.add_(x.T @ x), each.add_(x * 1e200 * 1e-200)
        return {}

    def make():
        return [torch.randn(5, 4).double(), torch.randn(4), torch.randn(4, 4), torch.randn(5, 4)]

    assert_as_torch(function, make, in_c=None, gradients=lambda x, *gradients: gradients)


def test_tensors_on_another_device_are_refused():
    x = torch.randn(3, device="meta")
    with pytest.raises(CannotCompile, match="another device"):
        taped(lambda x: x + 1, x)
    here, copy = torch.ones(3), torch.ops.aten._to_copy.default
    with pytest.raises(CannotCompile, match="another device"):
        compile_calls([Operation(copy, (x,), {"device": torch.device("cpu")}, here)], [], [here])


def test_a_tape_of_nothing_that_is_known_is_refused():
    with pytest.raises(CannotCompile, match=r"no kernel of the step is known in C \(cumsum\)$"):
        taped(lambda x: x.cumsum(0).sort().values, torch.randn(3))
    with pytest.raises(CannotCompile, match=r"known in C$"):
        compile_calls([], [])


def test_memories_that_overlap_are_refused():
    """Such as slices of one array of numpy: torch takes them for different memories."""
    numbers = torch.randn(10).numpy()
    first, second = torch.from_numpy(numbers[:6]), torch.from_numpy(numbers[3:])
    with pytest.raises(CannotCompile, match="share memory"):
        taped(lambda first, second: second.mul_(first[:1]) + first.add_(1)[:1], first, second)


def logged(function, x):
    with OpLog() as log:
        function(x)
    return log.operations


def test_a_step_of_very_many_kernels_is_not_compiled():
    def many(x):
        for _ in range(MOST + 1):
            x = x.sin()

    told = f"the step has {MOST + 1} kernels; at most {MOST} are compiled"
    with pytest.raises(CannotCompile, match=told):
        compile_calls(logged(many, torch.ones(3)), [])
