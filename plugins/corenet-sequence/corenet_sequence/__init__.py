"""Sequences: names are resolved when first used, so that listing the components imports no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corenet_sequence.attention.multihead import MultiheadAttention as MultiheadAttention
    from corenet_sequence.bits_per_character import BitsPerCharacter as BitsPerCharacter
    from corenet_sequence.embedding import Embedding as Embedding
    from corenet_sequence.positional_encoding import PositionalEncoding as PositionalEncoding
    from corenet_sequence.recurrent.gru import GRU as GRU
    from corenet_sequence.recurrent.lstm import LSTM as LSTM
    from corenet_sequence.recurrent.rnn import RNN as RNN
    from corenet_sequence.transformer.encoder_layer import TransformerEncoderLayer as TransformerEncoderLayer

_HOMES = {
    "BitsPerCharacter": "bits_per_character",
    "Embedding": "embedding",
    "GRU": "recurrent.gru",
    "LSTM": "recurrent.lstm",
    "MultiheadAttention": "attention.multihead",
    "PositionalEncoding": "positional_encoding",
    "RNN": "recurrent.rnn",
    "TransformerEncoderLayer": "transformer.encoder_layer",
}
__all__ = list(_HOMES)  # noqa: PLE0604 - the names above


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'corenet_sequence' has no attribute {name!r}")
    return getattr(import_module(f"corenet_sequence.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
