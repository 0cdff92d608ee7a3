"""Mutants of the source itself: how many of them the project's own tests kill."""
