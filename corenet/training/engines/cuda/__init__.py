"""A recorded step as one CUDA graph."""
