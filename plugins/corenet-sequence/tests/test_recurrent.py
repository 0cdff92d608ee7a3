"""RNN, GRU and LSTM are PyTorch's, in all options, values, gradients and names of parameters."""

from itertools import product
from typing import Any

import corenet as cn
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sequence_oracle import assert_alike, drawn, with_weights_of
from torch import Tensor, nn

from corenet_sequence import GRU, LSTM, RNN

KINDS = {"RNN": (RNN, nn.RNN), "GRU": (GRU, nn.GRU), "LSTM": (LSTM, nn.LSTM)}
OPTIONS = [
    dict(zip(("num_layers", "bias", "batch_first", "bidirectional"), each, strict=True))
    for each in product([1, 2], [True, False], [True, False], [True, False])
]


def call(module: nn.Module, input: Tensor, *states: Tensor) -> Any:
    return module(input, *([states] if len(states) == 2 else states))


def states_of(kind: str, *shape: int) -> list[Tensor]:
    return drawn(*[shape] * (2 if kind == "LSTM" else 1))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.booleans(), st.booleans())
@settings(max_examples=5, deadline=None)
def test_every_option(
    kind: str,
    options: dict[str, Any],
    steps: int,
    batch: int,
    width: int,
    hidden: int,
    has_states: bool,
    is_single: bool,
) -> None:
    ours, theirs = (each(width, hidden, **options) for each in KINDS[kind])
    with_weights_of(theirs, ours)
    layers = options["num_layers"] * (2 if options["bidirectional"] else 1)
    order = (batch, steps, width) if options["batch_first"] else (steps, batch, width)
    (input,) = drawn((steps, width) if is_single else order)
    states = states_of(kind, layers, *(() if is_single else (batch,)), hidden) if has_states else []
    assert_alike(ours, theirs, call, [input, *states])


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_between_layers_and_none_after_the_last(kind: str) -> None:
    ours, theirs = (each(3, 4, num_layers=3, dropout=0.4, bidirectional=True) for each in KINDS[kind])
    with_weights_of(theirs, ours)
    assert_alike(ours, theirs, call, drawn((5, 2, 3)), seed=3)
    ours.eval(), theirs.eval()
    (input,) = drawn((5, 2, 3))
    torch.testing.assert_close(ours(input)[0], theirs(input)[0].detach())


def test_the_rectifier_as_nonlinearity() -> None:
    ours, theirs = (each(3, 4, num_layers=2, nonlinearity="relu") for each in KINDS["RNN"])
    assert_alike(with_weights_of(theirs, ours), theirs, call, drawn((3, 2, 3)))


@pytest.mark.parametrize("kind", KINDS)
def test_first_weights_are_those_of_pytorch(kind: str) -> None:
    states = []
    for each in KINDS[kind]:
        torch.manual_seed(1)
        states.append(each(3, 5, num_layers=2, bidirectional=True).state_dict())
    mine, other = states
    assert mine.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in mine.items())


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_weights_get_no_gradient_and_hand_theirs_on(kind: str) -> None:
    ours = KINDS[kind][0](3, 4).to(torch.float64)
    (input,) = drawn((4, 2, 3))
    output, *states = ours(input)
    upstream = [torch.ones_like(each) for each in (output, *states)]
    expected = ours.backward(*upstream)
    ours.zero_grad()
    ours.freeze()
    ours(input)
    torch.testing.assert_close(ours.backward(*upstream), expected)
    assert not any(parameter.grad.any() for parameter in ours.parameters())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ({}, (4, 2, 5), r"got \(4, 2, 5\); expected \(L, N, 3\) or \(L, 3\) with L ≥ 1"),
        ({"batch_first": True}, (4, 2, 5), r"expected \(N, L, 3\) or \(L, 3\) with L ≥ 1"),
        ({}, (0, 2, 3), "with L ≥ 1"),
        ({"batch_first": True}, (2, 0, 3), "with L ≥ 1"),
        ({}, (3,), "expected"),
        ({}, (1, 4, 2, 3), "expected"),
    ],
)
def test_shapes_that_do_not_fit(kind: str, options: dict[str, Any], shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(cn.ShapeError, match=rf"{kind}\(3 → 4\).*{message}"):
        KINDS[kind][0](3, 4, **options)(torch.ones(shape))


@pytest.mark.parametrize("kind", KINDS)
def test_first_states_that_do_not_fit(kind: str) -> None:
    module = KINDS[kind][0](3, 4, num_layers=2)
    states = 2 if kind == "LSTM" else 1
    with pytest.raises(cn.ShapeError, match=r"a first state got \(2, 1, 4\); expected \(2, 5, 4\)"):
        module(torch.ones(6, 5, 3), *[torch.ones(2, 1, 4)] * states)
    with pytest.raises(cn.StructureError, match=f"takes the input and no first state or {states} of them, got"):
        module(torch.ones(6, 5, 3), *[torch.ones(2, 5, 4)] * (states % 2 + 1))
    with pytest.raises(cn.DTypeError, match=r"torch\.float32 parameters and got torch\.float64"):
        module(torch.ones(6, 5, 3), *[torch.ones(2, 5, 4, dtype=torch.float64)] * states)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"input_size": 0}, "input_size"),
        ({"hidden_size": 1.5}, "hidden_size"),
        ({"num_layers": True}, "num_layers"),
        ({"dropout": 1.5}, "dropout"),
        ({"dropout": float("nan")}, "dropout"),
    ],
)
def test_arguments_that_cannot_work(kind: str, arguments: dict[str, Any], name: str) -> None:
    with pytest.raises(cn.ConfigError, match=f"^{kind}: {name} must be") as caught:
        KINDS[kind][0](**{"input_size": 2, "hidden_size": 3, **arguments})
    assert caught.value.name == name


def test_a_nonlinearity_that_there_is_not() -> None:
    with pytest.raises(cn.ConfigError, match="nonlinearity must be 'tanh' or 'relu', not 'sigmoid'"):
        RNN(2, 3, nonlinearity="sigmoid")


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_batch_is_taken(kind: str) -> None:
    layer = KINDS[kind][0](4, 3, num_layers=2, bidirectional=True)
    output, *states = layer(torch.empty(5, 0, 4))
    assert output.shape == (5, 0, 6)
    assert {tuple(each.shape) for each in states} == {(4, 0, 3)}
    gradient = layer.backward(output, *states)
    assert gradient.shape == (5, 0, 4)
    assert not any(parameter.grad.any() for parameter in layer.parameters())
