"""Several models trained in one batched run."""
