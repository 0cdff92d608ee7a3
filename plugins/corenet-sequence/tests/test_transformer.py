"""The transformer's layer is PyTorch's, and the positional encoding the paper's."""

from math import cos, sin
from typing import Any

import corenet as cn
import pytest
import torch
from sequence_oracle import assert_alike, drawn, with_weights_of
from torch import Tensor, nn

from corenet_sequence import PositionalEncoding, TransformerEncoderLayer

N, L, E = 3, 4, 6


def pair(**options: Any) -> tuple[cn.Module, nn.Module]:
    options = {"dim_feedforward": 7, "dropout": 0.0, **options}
    theirs = nn.TransformerEncoderLayer(E, 2, **options)
    return with_weights_of(theirs, TransformerEncoderLayer(E, 2, **options)), theirs


def call(module: nn.Module, src: Tensor, mask: Tensor | None = None, padding: Tensor | None = None) -> Any:
    return module(src, src_mask=mask, src_key_padding_mask=padding)


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("options", [{}, {"activation": "gelu"}, {"bias": False}, {"layer_norm_eps": 0.5}], ids=str)
def test_every_option(norm_first: bool, batch_first: bool, options: dict[str, Any]) -> None:
    ours, theirs = pair(norm_first=norm_first, batch_first=batch_first, **options)
    assert_alike(ours, theirs, call, drawn((N, L, E) if batch_first else (L, N, E)))


@pytest.mark.parametrize("norm_first", [True, False])
def test_dropouts(norm_first: bool) -> None:
    ours, theirs = pair(norm_first=norm_first, dropout=0.4)
    assert_alike(ours, theirs, call, drawn((9, 1, E)), seed=4)  # of one sequence both lie alike, so draw alike


@pytest.mark.filterwarnings("ignore:Support for mismatched:UserWarning")
@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("which", ["mask", "padding", "both", "numbers"])
def test_masks(norm_first: bool, which: str) -> None:
    ours, theirs = pair(norm_first=norm_first)
    mask = torch.ones(L, L, dtype=torch.bool).triu(1) if which != "numbers" else drawn((L, L))[0]
    padding = torch.arange(L).expand(N, L) >= torch.tensor([[4], [2], [3]])
    masks = {"mask": [mask], "padding": [None, padding], "both": [mask, padding], "numbers": [mask, padding]}[which]
    assert_alike(ours, theirs, call, [*drawn((L, N, E)), *masks])


def test_one_sequence() -> None:
    ours, theirs = pair()
    assert_alike(ours, theirs, call, drawn((L, E)))


def test_a_causal_one() -> None:
    ours = TransformerEncoderLayer(E, 2, 7, 0.0, is_causal=True)
    other = TransformerEncoderLayer(E, 2, 7, 0.0)
    other.load_state_dict(ours.state_dict())
    input = torch.randn(L, N, E)
    torch.testing.assert_close(ours(input), other(input, torch.ones(L, L, dtype=torch.bool).triu(1)))


def test_evaluation_drops_nothing() -> None:
    ours, theirs = pair(dropout=0.5)
    ours.eval(), theirs.eval()
    (input,) = drawn((L, N, E))
    torch.testing.assert_close(ours(input), theirs(input).detach(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [({"nhead": 4}, "num_heads"), ({"dim_feedforward": 0}, "dim_feedforward"), ({"activation": "tanh"}, "activation")],
)
def test_arguments_that_cannot_work(arguments: dict[str, Any], name: str) -> None:
    with pytest.raises(cn.ConfigError) as caught:
        TransformerEncoderLayer(**{"d_model": E, "nhead": 2, **arguments})
    assert caught.value.name == name


def test_a_shape_that_does_not_fit() -> None:
    with pytest.raises(cn.ShapeError, match=r"its query got \(4, 3, 5\); expected \(L, N, 6\)"):
        TransformerEncoderLayer(E, 2)(torch.ones(L, N, 5))


@pytest.mark.parametrize("width", [1, 4, 5])
@pytest.mark.parametrize("form", ["batch_first", "batch_second", "single"])
def test_places_are_added(width: int, form: str) -> None:
    encoding = PositionalEncoding(width, 0.0, max_len=9, batch_first=form == "batch_first").to(torch.float64)
    shape = {"batch_first": (2, 7, width), "batch_second": (7, 2, width), "single": (7, width)}[form]
    (input,) = drawn(shape)
    found = encoding(input) - input
    for place in range(7):
        for each in range(width):
            angle = place / 10000 ** (2 * (each // 2) / width)
            one = found[:, place, each] if form == "batch_first" else found[place, ..., each]
            expected = cos(angle) if each % 2 else sin(angle)
            torch.testing.assert_close(one, torch.full_like(one, expected), rtol=1e-6, atol=1e-6)
    (upstream,) = drawn(shape)
    assert torch.equal(encoding.backward(upstream), upstream)


def test_places_and_input_are_dropped_together() -> None:
    encoding = PositionalEncoding(4, 0.5)
    input = torch.randn(7, 3, 4)
    output = encoding(input)
    kept = output != 0
    whole = input + encoding.pe[:7, None]
    torch.testing.assert_close(output, torch.where(kept, 2 * whole, 0.0))
    assert torch.equal(encoding.backward(torch.ones(7, 3, 4)), 2.0 * kept)


def test_what_a_positional_encoding_cannot_take() -> None:
    encoding = PositionalEncoding(4, max_len=5)
    for shape in ((6, 2, 4), (5, 2, 3), (4,), (1, 2, 3, 4)):
        with pytest.raises(cn.ShapeError, match=r"expected \(L, N, 4\) or \(L, 4\) with L ≤ 5$"):
            encoding(torch.ones(shape))
    with pytest.raises(cn.ConfigError, match="^PositionalEncoding: max_len must be an integer ≥ 1, not 0$"):
        PositionalEncoding(4, max_len=0)
