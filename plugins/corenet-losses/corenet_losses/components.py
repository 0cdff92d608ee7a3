"""Which components this package has; listing them imports neither torch nor their code."""

from __future__ import annotations

from collections.abc import Iterator

from corenet.registry import ComponentSpec, hookimpl

CLASSES, VALUES, EMBEDDINGS = ("classification",), ("regression",), ("embedding",)


@hookimpl
def corenet_losses() -> Iterator[ComponentSpec]:
    yield _loss("nll", "NLLLoss", "−w_t x_t, of log-probabilities x", CLASSES)
    yield _loss("hinge", "HingeLoss", "max(0, m − t x), t = ±1", CLASSES)
    yield _loss("multi_margin", "MultiMarginLoss", "Σ_c≠t max(0, m − x_t + x_c)ᵖ / C", CLASSES)
    yield _loss("huber", "HuberLoss", "½ d² where |d| < δ, else δ (|d| − ½ δ), d = x − t", VALUES)
    yield _loss("smooth_l1", "SmoothL1Loss", "½ d² / β where |d| < β, else |d| − ½ β, d = x − t", VALUES)
    yield _loss("kl_div", "KLDivLoss", "t (log t − x), of log-probabilities x", CLASSES)
    yield _loss("cosine_embedding", "CosineEmbeddingLoss", "1 − cos, or max(0, cos − m) of what differs", EMBEDDINGS)
    yield _loss("triplet_margin", "TripletMarginLoss", "max(0, m + ‖a − p‖ − ‖a − n‖)", EMBEDDINGS)
    yield _loss("poisson_nll", "PoissonNLLLoss", "eˣ − t x, or x − t log x", VALUES)
    yield _loss("gaussian_nll", "GaussianNLLLoss", "½ (log v + (x − t)² / v), of mean x and variance v", VALUES)
    yield _loss("focal", "FocalLoss", "α_t (1 − p_t)^γ · bce, of logits", CLASSES)


def _loss(name: str, target: str, summary: str, tags: tuple[str, ...]) -> ComponentSpec:
    return ComponentSpec(name, f"corenet_losses:{target}", summary, aliases=(f"{name}_loss",), tags=tags)
