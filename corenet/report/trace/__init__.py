"""One training step, layer by layer."""
