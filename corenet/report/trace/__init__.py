"""The trace of one training step, layer by layer: as data, as tables, as an HTML page."""
