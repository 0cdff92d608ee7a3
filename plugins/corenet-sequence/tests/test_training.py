"""Every engine trains networks of sequences as the plain step does, without falling back to it."""

import logging
from collections.abc import Callable
from typing import Any

import corenet as cn
import pytest
import torch
from torch import Tensor

from corenet_sequence import GRU, LSTM, RNN, Embedding, MultiheadAttention, PositionalEncoding, TransformerEncoderLayer

Training = tuple[cn.Module, cn.Loss, cn.Optimizer]
WORDS, STEPS, WIDTH, POINTS = 5, 4, 6, 43


class Last(cn.Module):
    """What a recurrent network gives at the last step."""

    def __init__(self, recurrent: cn.Module) -> None:
        self.recurrent = recurrent

    def forward(self, input: Tensor) -> Tensor:
        output, *states = self.recurrent(input)
        self.save(output.shape, [state.shape for state in states])
        return output[:, -1].clone()

    def backward(self, grad_output: Tensor) -> Tensor:
        shape, others = self.saved()
        grad = torch.zeros(shape, dtype=grad_output.dtype)
        grad[:, -1] = grad_output
        found: Tensor = self.recurrent.backward(grad, *[torch.zeros(each, dtype=grad.dtype) for each in others])
        return found


class Mean(cn.Module):
    """The mean over the steps."""

    def forward(self, input: Tensor) -> Tensor:
        self.save(input.shape)
        return input.mean(1)

    def backward(self, grad_output: Tensor) -> Tensor:
        (shape,) = self.saved()
        return (grad_output / shape[1])[:, None].expand(shape)


MODELS: dict[str, Callable[[], list[cn.Module]]] = {
    "rnn": lambda: [Last(RNN(WIDTH, WIDTH, batch_first=True))],
    "gru": lambda: [Last(GRU(WIDTH, WIDTH, batch_first=True))],
    "lstm": lambda: [Last(LSTM(WIDTH, WIDTH, batch_first=True))],
    "deep": lambda: [Last(LSTM(WIDTH, WIDTH // 2, 2, batch_first=True, dropout=0.2, bidirectional=True))],
    "attention": lambda: [MultiheadAttention(WIDTH, 2, batch_first=True, need_weights=False, is_causal=True), Mean()],
    "transformer": lambda: [
        PositionalEncoding(WIDTH, 0.1, 9, batch_first=True),
        TransformerEncoderLayer(WIDTH, 3, 8, 0.1, "gelu", batch_first=True),
        Mean(),
    ],
}


def training(name: str) -> Training:
    torch.manual_seed(2)
    model = cn.Sequential(Embedding(WORDS, WIDTH, padding_idx=0), *MODELS[name](), cn.Linear(WIDTH, 1))
    return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.05, momentum=0.9)


def data() -> cn.data.Dataset:
    words = torch.randint(WORDS, (POINTS, STEPS), generator=torch.Generator().manual_seed(5))
    return cn.data.Dataset(words, (words == 3).float().mean(1, keepdim=True) + 0.1 * words[:, -1:])


@pytest.mark.parametrize("engine", ["replay", "compiled"])
@pytest.mark.parametrize("name", MODELS)
def test_engines_agree(name: str, engine: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "corenet")
    states = []
    for each in ("plain", engine):
        model, loss, optimizer = training(name)
        history = cn.fit(
            model, loss, optimizer, data(), epochs=12, batch_size=10, metrics=[], progress=False, engine=each
        )  # a fallback to the plain step is a warning, and so an error here
        assert history.engine == each
        states.append((model.state_dict(), history.losses))
    assert not caplog.messages
    (found, losses), (expected, plain) = states[::-1]
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    assert losses == pytest.approx(plain, rel=1e-3)
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled"])
def test_an_index_out_of_range_is_named_by_every_engine(engine: Any) -> None:
    model, loss, optimizer = training("attention")
    wrong = data()
    wrong.inputs[20, 2] = 7  # type: ignore[index]
    with pytest.raises(cn.RangeError, match=r"Embedding\(5 × 6, padding_idx=0\) got index 7"):
        cn.fit(model, loss, optimizer, wrong, epochs=9, batch_size=10, metrics=[], progress=False, engine=engine)
