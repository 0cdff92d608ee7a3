"""Assignments of textbook layers, and the points that a submission gets."""
