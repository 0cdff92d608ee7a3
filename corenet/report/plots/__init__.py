"""Figures and text maps."""
