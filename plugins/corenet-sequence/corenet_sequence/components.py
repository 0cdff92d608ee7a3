"""What this package offers; imported whenever somebody lists components, so it imports no torch."""

from __future__ import annotations

from collections.abc import Iterator

from corenet.registry import ComponentSpec, ExperimentSpec, hookimpl


@hookimpl
def corenet_modules() -> Iterator[ComponentSpec]:
    yield ComponentSpec("embedding", "corenet_sequence.embedding:Embedding", "yₙ = W[xₙ]", tags=("sequence",))
    recurrent = ("sequence", "recurrent")
    yield ComponentSpec("rnn", "corenet_sequence.recurrent.rnn:RNN", "hₜ = tanh(W xₜ + U hₜ₋₁ + b)", tags=recurrent)
    yield ComponentSpec("gru", "corenet_sequence.recurrent.gru:GRU", "hₜ = (1 − z) n + z hₜ₋₁", tags=recurrent)
    yield ComponentSpec(
        "lstm", "corenet_sequence.recurrent.lstm:LSTM", "cₜ = f cₜ₋₁ + i g, hₜ = o tanh cₜ", tags=recurrent
    )
    yield ComponentSpec(
        "multihead_attention",
        "corenet_sequence.attention.multihead:MultiheadAttention",
        "Hᵢ = softmax(Qᵢ Kᵢᵀ / √d + M) Vᵢ, Y = [H₁, …, H_h] Wᵀ + b",
        tags=("sequence", "attention"),
    )
    yield ComponentSpec(
        "positional_encoding",
        "corenet_sequence.positional_encoding:PositionalEncoding",
        "y = x + [sin(t ωᵢ), cos(t ωᵢ)]",
        tags=("sequence",),
    )
    yield ComponentSpec(
        "transformer_encoder_layer",
        "corenet_sequence.transformer.encoder_layer:TransformerEncoderLayer",
        "x₁ = norm(x + attention(x)), y = norm(x₁ + W₂ f(W₁ x₁))",
        tags=("sequence", "attention"),
    )


@hookimpl
def corenet_metrics() -> Iterator[ComponentSpec]:
    target = "corenet_sequence.bits_per_character:BitsPerCharacter"
    yield ComponentSpec("bits_per_character", target, "loss / ln 2", tags=("sequence",))


@hookimpl
def corenet_experiments() -> Iterator[ExperimentSpec]:
    for name in ("adding", "characters", "sorting"):
        yield ExperimentSpec(name, f"corenet_sequence.experiments:{name}.toml")
