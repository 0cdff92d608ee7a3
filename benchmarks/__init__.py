"""corenet side by side with torch.nn, JAX, scikit-learn and Thinc: ``python -m benchmarks small``."""
