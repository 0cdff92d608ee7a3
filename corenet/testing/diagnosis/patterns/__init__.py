"""The patterns that wrong gradients follow, each with what it likely means."""
