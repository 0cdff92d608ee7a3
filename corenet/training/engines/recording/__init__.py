"""A training step as the log of its operations, and what guards a recording."""
