"""Runs side by side, as a page: what differs, what came of each, and their curves in one pair of axes."""

from __future__ import annotations

from corenet.report.html.templates import environment
from corenet.report.run_charts import curves_over
from corenet.report.runs_table import Comparison


def compared(found: Comparison) -> str:
    """Return the page of several runs as HTML; what they say is text in it, never markup."""
    template = environment("corenet.report").get_template("runs_page.html.jinja")
    title = f"{len(found.runs)} runs side by side"
    return template.render(title=title, found=found, charts=curves_over(found.runs))
