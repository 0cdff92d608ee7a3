"""Kernels of each element read and write what torch's do, alone and in shared loops."""

from itertools import product

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from corenet.training.engines.cpu.codegen import compile_calls
from corenet.training.engines.cpu.elementwise import Elementwise
from corenet.training.engines.cpu.fuse import grouped
from corenet.training.engines.cpu.loop_nest import WORTH_SHARING
from corenet.training.engines.recording.op_log import OpLog

pytestmark = pytest.mark.usefixtures("needs_compiler")

LAYOUTS = {
    "contiguous": lambda: torch.randn(6, 7),
    "transposed": lambda: torch.randn(7, 6).T,
    "sliced": lambda: torch.randn(13, 9)[1::2, 1:8],
    "further on": lambda: torch.randn(50)[3:45].view(6, 7),
    "every third": lambda: torch.randn(18, 7)[::3],
    "overlapping": lambda: torch.randn(12).unfold(0, 7, 1),
    "a row": lambda: torch.randn(7).expand(6, 7),
    "a column": lambda: torch.randn(6, 1).expand(6, 7),
    "broadcast row": lambda: torch.randn(7),
    "broadcast column": lambda: torch.randn(6, 2)[:, 1:],
    "a number": lambda: torch.randn(()),
    "a number of a row": lambda: torch.randn(3)[2],
    "one by one": lambda: torch.randn(1, 1),
}
WRITABLE = ["contiguous", "transposed", "sliced", "further on", "every third"]


def test_arguments_lie_as_they_like(assert_as_torch):
    def function(*tensors):
        named = dict(zip(LAYOUTS, tensors, strict=True))
        results = {f"{a} - {b}": torch.sub(named[a], named[b], alpha=2) for a, b in product(LAYOUTS, LAYOUTS)}
        for name in WRITABLE:  # after all were read
            for other in LAYOUTS:
                named[name].mul_(0.5).add_(named[other])
        return results | {f"where {name}": torch.where(tensors[0] > 0, each, -each) for name, each in named.items()}

    assert_as_torch(function, lambda: [make() for make in LAYOUTS.values()])


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (0,), (3, 0), (2, 3, 4, 5), (1, 5, 1, 3)])
def test_shapes_are_any(assert_as_torch, shape):
    def function(x, y):
        return {"sum": x + y, "turned": (x.movedim(0, -1) if x.dim() else x) * 2, "other": y.exp()}

    assert_as_torch(function, lambda: [torch.randn(shape), torch.randn(4)[:1]], in_c=0 not in shape or None)


@pytest.mark.parametrize("threads", [1, 2])
def test_large_ones_are_shared_out_among_threads(assert_as_torch, threads):
    def function(x, y):
        return {
            "row": x.flatten().exp() + 1,
            "slices": x[:, 1:] * y[1:],
            "transposed": x.T + 1,
        }

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert_as_torch(function, lambda: [torch.randn(5, WORTH_SHARING // 4), torch.randn(WORTH_SHARING // 4)])
    finally:
        torch.set_num_threads(before)


def kernels(function, *inputs):
    with OpLog() as log:
        function(*inputs)
    return [Elementwise.of(each) for each in log.operations if not each.is_view]


def test_neighbours_that_walk_alike_share_a_loop():
    x, y = torch.randn(5, 4), torch.randn(4)
    assert len(grouped(kernels(lambda: ((x + y).tanh() * x).sub_(x.relu())))) == 1
    assert len(grouped(kernels(lambda: (x + 1, y + 1, x + 2)))) == 3
    assert len(grouped(kernels(lambda: (x + 1, x.T + 1)))) == 2  # of another shape
    assert grouped([]) == []


def test_a_loop_is_not_shared_where_one_element_reads_what_another_wrote():
    x, square = torch.randn(8), torch.randn(4, 4)
    assert len(grouped(kernels(lambda: (x[:4].add_(1), x[4:].add_(1))))) == 2
    assert len(grouped(kernels(lambda: (square.add_(1), square.T + 1)))) == 2
    assert len(grouped(kernels(lambda: (square.T + 1, square.add_(1))))) == 2
    assert kernels(lambda: x[::2].add_(x[1::2])) == [None]


def test_what_nobody_reads_after_is_not_written():
    x = torch.randn(5)
    with OpLog() as log:
        between = x + 1
        result = between * 2
        kept = result - 1
    calls = compile_calls(log.operations, [], [kept])
    between.fill_(7), result.fill_(7)
    for call in calls:
        call()
    torch.testing.assert_close(kept, 2 * x + 1)
    assert between.tolist() == result.tolist() == [7.0] * 5


# A chain: each step names what it does, the tensors it does it to, and how it looks at them.
VIEWS = {
    "as it is": lambda x: x,
    "transposed": lambda x: x.T,
    "turned twice": lambda x: x.T.T,
    "first row": lambda x: x[0].expand(4, 4),
    "first column": lambda x: x[:, :1].expand(4, 4),
}
READS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: torch.sub(x, y, alpha=0.5),
    "mul": lambda x, y: x * y.tanh(),
    "relu": lambda x, y: x.relu(),
    "where": lambda x, y: torch.where(x > y, x, y - 1),
    "copy": lambda x, y: x.clone(),
    "mean": lambda x, y: x.mean(0, keepdim=True) + y,
    "sum": lambda x, y: (x * 0.1).sum(1) - y,
    "mm": lambda x, y: (x @ y).tanh(),
    "unknown": lambda x, y: x.cumsum(0) * 0.1,
}
WRITES = {
    "add_": lambda x, y: x.add_(y, alpha=0.5),
    "mul_": lambda x, y: x.mul_(y.sin()),
    "copy_": lambda x, y: x.copy_(y),
    "tanh_": lambda x, y: x.tanh_(),
    "fill_": lambda x, y: x.fill_(0.3),
    "unknown_": lambda x, y: x.atan_(),
}
STEPS = st.tuples(
    st.sampled_from([*READS, *WRITES, *WRITES, "gradient", "gradient of a sum", "gradient of a product"]),
    st.integers(0, 30),
    st.integers(0, 30),
    st.sampled_from([*VIEWS, *["as it is"] * 4]),
    st.sampled_from([*VIEWS, *["as it is"] * 4]),
    st.booleans(),
)


def chain(steps, pool, gradients):
    """Do ``steps`` on tensors of a pool, and return what of the new ones is kept."""
    pool, kept = list(pool), {}
    for number, (name, a, b, view, other, keep) in enumerate(steps):
        x, y = pool[a % len(pool)], VIEWS[other](pool[b % len(pool)])
        if name in WRITES:
            x = x.T if view == "transposed" else x
            WRITES[name](x, y.clone() if share(x, y) else y)
        elif name in READS:
            pool.append(READS[name](VIEWS[view](x), y))
            kept |= {f"{number} {name}": pool[-1]} if keep else {}
        else:
            gradient = gradients[b % len(gradients)]
            added = {"gradient": x * 2, "gradient of a sum": x.sum(0), "gradient of a product": x @ x.T}[name]
            gradient.add_(added if added.shape == gradient.shape else added.sum())
            pool += [gradient] if keep and gradient.dim() == 2 else []
    return kept


def share(x, y):
    """Tell whether torch would refuse to write the one while it reads the other."""
    if x.untyped_storage().data_ptr() != y.untyped_storage().data_ptr():
        return False
    return (x.data_ptr(), x.stride()) != (y.data_ptr(), y.stride())


def memories():
    """Return squares that share one memory or not, and gradients that are slices of one tensor."""
    flat, gradient = torch.randn(40).double(), torch.randn(36).double()
    squares = [flat[start : start + 16].view(4, 4) for start in (0, 8, 16, 24)]
    own = [torch.randn(4, 4).double(), torch.randn(8, 8).double()[::2, 1:5], torch.randn(4, 4).double().T]
    gradients = [gradient[:16].view(4, 4), gradient[16:32].view(4, 4), gradient[32:]]
    return [*squares, *own, *gradients]


@settings(deadline=None, max_examples=25, derandomize=True, phases=[Phase.generate])
@given(st.lists(st.lists(STEPS, min_size=2, max_size=14), min_size=4, max_size=4))
def test_any_chain_gives_what_torch_gives(assert_as_torch, chains):
    """Four chains at a time, on memories of their own, for compiling takes longer; so none is made smaller either."""
    size = len(memories())

    def function(known, *tensors):
        found = {"known": known + 1}
        for number, steps in enumerate(chains):
            own = tensors[number * size : (number + 1) * size]
            found |= {f"{number}: {name}": each for name, each in chain(steps, own[:-3], own[-3:]).items()}
        return found

    def gradients(known, *tensors):
        return [
            each for number in range(len(chains)) for each in tensors[(number + 1) * size - 3 : (number + 1) * size]
        ]

    def make():
        return [torch.ones(1), *(each for _ in chains for each in memories())]

    assert_as_torch(function, make, in_c=None, gradients=gradients, times=1)
