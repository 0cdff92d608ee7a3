"""Plugins tried against versions of the core, each in an environment of its own."""
