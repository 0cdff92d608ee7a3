"""A training that can be left at any step and goes on from there, in another process, bit for bit."""
