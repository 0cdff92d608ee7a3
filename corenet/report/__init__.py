"""What training found, drawn: figures as PNG files, and a map in the terminal."""

from corenet.report.figures import curves, output_map, true_and_predicted
from corenet.report.surface import Surface
from corenet.report.terminal import decision_map

__all__ = ["Surface", "curves", "decision_map", "output_map", "true_and_predicted"]
