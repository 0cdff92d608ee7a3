"""Values and gradients are those of PyTorch's modules put together in the same way."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import corenet as cn
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from corenet_containers import Branches, Concat, JointLoss, Parallel, Repeat, Residual, Select

SIZES = st.integers(1, 5)


def drawn(*shapes: tuple[int, ...]) -> list[Tensor]:
    return [torch.randn(shape, dtype=torch.float64) for shape in shapes]


def dense(inside: int, outside: int) -> tuple[cn.Module, nn.Module]:
    """Return a layer twice, with the same weights: ours and PyTorch's."""
    theirs = nn.Sequential(nn.Linear(inside, outside), nn.Tanh()).double()
    ours = cn.Sequential(cn.Linear(inside, outside), cn.Tanh()).to(torch.float64)
    ours.load_state_dict({name: value.detach() for name, value in theirs.named_parameters()})
    return ours, theirs


def assert_alike(
    ours: cn.Module, theirs: Callable[..., Any], layers: Sequence[tuple[cn.Module, nn.Module]], *inputs: Tensor
) -> None:
    """Compare outputs, and the gradients of inputs and parameters for random gradients of the outputs."""
    found = ours(*inputs)
    leaves = [input.clone().requires_grad_() for input in inputs]
    expected = theirs(*leaves)
    assert type(found) is type(expected)
    outputs, ends = (value if isinstance(value, tuple) else (value,) for value in (found, expected))
    upstream = drawn(*[tuple(output.shape) for output in outputs])
    gradients = ours.backward(*upstream)
    torch.autograd.backward(ends, upstream)
    close(outputs, [end.detach() for end in ends])
    close(gradients if isinstance(gradients, tuple) else (gradients,), [leaf.grad for leaf in leaves])
    for mine, other in layers:
        close([each.grad for each in mine.parameters()], [each.grad for each in other.parameters()])


def close(found: Sequence[Any], expected: Sequence[Any]) -> None:
    torch.testing.assert_close(list(found), list(expected), rtol=1e-10, atol=1e-10)


@given(SIZES, SIZES, SIZES)
@settings(max_examples=10, deadline=None)
def test_residual(rows: int, width: int, hidden: int) -> None:
    inner, outer = dense(width, hidden), dense(hidden, width)
    around = Residual(cn.Sequential(inner[0], outer[0]))
    assert_alike(around, lambda x: x + outer[1](inner[1](x)), [inner, outer], *drawn((rows, width)))


@given(SIZES, SIZES, SIZES)
@settings(max_examples=10, deadline=None)
def test_residual_with_a_shortcut(rows: int, width: int, hidden: int) -> None:
    inner, short = dense(width, hidden), dense(width, hidden)
    around = Residual(inner[0], short[0])
    assert_alike(around, lambda x: short[1](x) + inner[1](x), [inner, short], *drawn((rows, 2, width)))


@given(SIZES, SIZES, st.integers(1, 4))
@settings(max_examples=10, deadline=None)
def test_repeat(rows: int, width: int, times: int) -> None:
    layer = dense(width, width)

    def repeated(x: Tensor) -> Tensor:
        for _ in range(times):
            x = layer[1](x)
        return x

    assert_alike(Repeat(layer[0], times), repeated, [layer], *drawn((rows, width)))


@given(SIZES, SIZES, st.lists(SIZES, min_size=1, max_size=3))
@settings(max_examples=10, deadline=None)
def test_parallel(rows: int, width: int, widths: list[int]) -> None:
    layers = [dense(width, each) for each in widths]
    side_by_side = Parallel(*[mine for mine, _ in layers])
    assert_alike(side_by_side, lambda x: tuple(other(x) for _, other in layers), layers, *drawn((rows, width)))


@given(SIZES, st.lists(st.tuples(SIZES, SIZES), min_size=1, max_size=3))
@settings(max_examples=10, deadline=None)
def test_branches(rows: int, sizes: list[tuple[int, int]]) -> None:
    layers = [dense(*size) for size in sizes]
    inputs = drawn(*[(rows, width) for width, _ in sizes])
    branches = Branches(*[mine for mine, _ in layers])

    def theirs(*xs: Tensor) -> tuple[Tensor, ...]:
        return tuple(other(x) for (_, other), x in zip(layers, xs, strict=True))

    assert_alike(branches, theirs, layers, *inputs)


@given(st.integers(-3, 2), st.lists(SIZES, min_size=1, max_size=4))
@settings(max_examples=20, deadline=None)
def test_concat(dim: int, widths: list[int]) -> None:
    shapes = []
    for width in widths:
        shape = [2, 3, 4]
        shape[dim] = width
        shapes.append(tuple(shape))
    assert_alike(Concat(dim), lambda *xs: torch.cat(xs, dim), [], *drawn(*shapes))


@pytest.mark.parametrize("index", [0, 1, 2, -1, -3])
def test_select(index: int) -> None:
    inputs = drawn((2, 3), (4,), (3, 1, 2))
    select = Select(index)
    assert torch.equal(select(*inputs), inputs[index])
    (upstream,) = drawn(tuple(inputs[index].shape))
    gradients = select.backward(upstream)
    for place, (gradient, input) in enumerate(zip(gradients, inputs, strict=True)):
        assert torch.equal(gradient, upstream if place == index % 3 else torch.zeros_like(input))


def test_integers_beside_what_is_selected_have_no_gradient() -> None:
    select = Select(0)
    select(torch.ones(2), torch.tensor([3]))
    assert select.backward(torch.ones(2))[1] is None


@given(SIZES, st.lists(st.floats(-2, 2), min_size=1, max_size=3))
@settings(max_examples=10, deadline=None)
def test_joint_loss(rows: int, weights: list[float]) -> None:
    pairs = [
        (cn.MSELoss(), nn.MSELoss()),
        (cn.MAELoss("sum"), nn.L1Loss(reduction="sum")),
        (cn.MSELoss(), nn.MSELoss()),
    ]
    pairs = pairs[: len(weights)]
    outputs, targets = (tuple(drawn(*[(rows, place + 1) for place in range(len(pairs))])) for _ in range(2))
    loss = JointLoss(*[mine for mine, _ in pairs], weights=weights)
    found = loss(outputs, targets)
    leaves = [output.clone().requires_grad_() for output in outputs]
    values = [other(leaf, target) for (_, other), leaf, target in zip(pairs, leaves, targets, strict=True)]
    expected = sum(weight * value for weight, value in zip(weights, values, strict=True))
    expected.backward()
    close([found, *loss.backward()], [expected.detach(), *[leaf.grad for leaf in leaves]])


def test_weights_of_a_joint_loss_are_ones_by_default() -> None:
    output, target = (torch.tensor([3.0]), torch.tensor([5.0])), (torch.tensor([1.0]), torch.tensor([4.0]))
    assert JointLoss(cn.MSELoss(), cn.MSELoss())(output, target).item() == 5


def containers() -> Iterator[tuple[cn.Module, Sequence[Tensor]]]:
    def layer() -> cn.Module:
        return cn.Sequential(cn.Linear(3, 3), cn.Tanh()).to(torch.float64)

    yield Residual(layer()), drawn((2, 3))
    yield Residual(layer(), layer()), drawn((2, 3))
    yield Repeat(layer(), 3), drawn((2, 3))
    yield Parallel(layer(), layer()), drawn((2, 3))
    yield Branches(layer(), layer()), drawn((2, 3), (4, 3))


@pytest.mark.parametrize(("container", "inputs"), list(containers()), ids=lambda each: type(each).__name__)
def test_the_half_of_the_parameters_is_the_same(container: cn.Module, inputs: Sequence[Tensor]) -> None:
    outputs = container(*inputs)
    upstream = drawn(*[tuple(each.shape) for each in (outputs if isinstance(outputs, tuple) else (outputs,))])
    container.backward(*upstream)
    expected = [parameter.grad.clone() for parameter in container.parameters()]
    container.zero_grad()
    container(*inputs)
    container.backward_parameters(*upstream)
    close([parameter.grad for parameter in container.parameters()], expected)


def test_parallel_takes_several_inputs_and_integers() -> None:
    class Picked(cn.Module):
        """The columns of a tensor that integers pick, times a number."""

        def __init__(self, factor: float) -> None:
            self.factor = factor

        def forward(self, input: Tensor, index: Tensor) -> Tensor:
            self.save(index, input.shape[1])
            return self.factor * input.index_select(1, index)

        def backward(self, grad_output: Tensor) -> tuple[Tensor, None]:
            index, width = self.saved()
            gradient = grad_output.new_zeros(len(grad_output), width)  # type: ignore[call-overload]
            return gradient.index_add_(1, index, self.factor * grad_output), None

    parallel = Parallel(Picked(2.0), Picked(3.0))
    parallel(torch.ones(1, 3), torch.tensor([2, 2]))
    gradient, nothing = parallel.backward(torch.ones(1, 2), torch.ones(1, 2))
    assert gradient.tolist() == [[0, 0, 10]]
    assert nothing is None
