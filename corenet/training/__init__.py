"""Training: the plain step, the loop around it, and its history."""
