"""What training found, drawn: figures as PNG files, and a map in the terminal."""

from corenet.report.plots.decision_surface import Surface
from corenet.report.plots.figures import curves, output_map, true_and_predicted
from corenet.report.plots.text_map import decision_map

__all__ = ["Surface", "curves", "decision_map", "output_map", "true_and_predicted"]
