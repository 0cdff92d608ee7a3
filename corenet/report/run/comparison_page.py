"""Runs side by side, as a page: what differs, what came of each, and their curves in one pair of axes."""

from __future__ import annotations

from corenet.report.html.templates import environment
from corenet.report.run.charts import curves_over
from corenet.report.run.comparison import Comparison


def compared(found: Comparison) -> str:
    """Return the page of several runs as HTML; what they say is text in it, never markup."""
    template = environment("corenet.report.run").get_template("comparison.html.jinja")
    title = f"{len(found.runs)} runs side by side"
    return template.render(title=title, found=found, charts=curves_over(found.runs))
