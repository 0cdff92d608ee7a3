"""Figures as PNG files, and a map of the output as text."""
