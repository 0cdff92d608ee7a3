"""What tables and figures call a contestant."""

from __future__ import annotations

LABELS = {
    "torch_eager": "PyTorch eager",
    "torch_fused": "PyTorch, fused optimizer",
    "torch_compile": "PyTorch, torch.compile",
    "torch_cudagraph": "PyTorch, CUDA graphs",
    "torch_sequential": "PyTorch, round by round",
    "jax_step": "JAX, jitted step",
    "jax_scan": "JAX scan",
    "jax_scan_shuffles": "JAX scan, shuffling",
    "jax_vmap": "JAX vmap",
    "sklearn_mlp": "scikit-learn",
    "thinc_chain": "Thinc",
    "corenet_loop": "corenet loop",
    "corenet_step": "corenet compile_step",
    "corenet_plain": "corenet fit, plain",
    "corenet_replay": "corenet fit, replay",
    "corenet_compiled": "corenet fit, compiled",
    "corenet_graph": "corenet fit, graph",
    "corenet_fit": "corenet fit, auto",
    "corenet_rounds": "corenet fit_rounds, auto",
    "corenet_rounds_graph": "corenet fit_rounds, graph",
}


def label_of(contestant: str, engine: str | None = None) -> str:
    """Return what to call a contestant, and which engine it chose if the choice was its own.

    >>> label_of("corenet_fit", "compiled"), label_of("corenet_replay", "replay")
    ('corenet fit, auto (compiled)', 'corenet fit, replay')
    """
    label = LABELS.get(contestant, contestant)
    return f"{label} ({engine})" if engine and not label.endswith(f", {engine}") else label
