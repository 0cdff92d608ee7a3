"""Reports on training: figures as PNG files, a text map, tables, traces of a step, pages of components."""

from corenet.report.plots.decision_surface import DecisionSurface
from corenet.report.plots.figures import curves, output_map, true_and_predicted
from corenet.report.plots.text_map import decision_map

__all__ = ["DecisionSurface", "curves", "decision_map", "output_map", "true_and_predicted"]
