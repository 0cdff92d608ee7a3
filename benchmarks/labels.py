"""What a figure calls a contestant."""

from __future__ import annotations

LABELS = {
    "torch_eager": "PyTorch, eager",
    "torch_fused": "PyTorch, fused optimizer",
    "torch_compile": "PyTorch, torch.compile",
    "torch_cudagraph": "PyTorch, CUDA graphs",
    "torch_sequential": "PyTorch, rounds in turn",
    "jax_step": "JAX, jitted step",
    "jax_scan": "JAX, scan",
    "jax_scan_shuffles": "JAX, scan that shuffles",
    "jax_vmap": "JAX, vmap over rounds",
    "sklearn_mlp": "scikit-learn",
    "thinc_chain": "Thinc",
    "corenet_loop": "corenet, own loop",
    "corenet_step": "corenet, compile_step",
    "corenet_fit": "corenet fit",
    "corenet_plain": "corenet fit, plain",
    "corenet_replay": "corenet fit, replay",
    "corenet_compiled": "corenet fit, compiled",
    "corenet_graph": "corenet fit, CUDA graphs",
    "corenet_rounds": "corenet fit_rounds",
    "corenet_rounds_graph": "corenet fit_rounds, CUDA graphs",
}
