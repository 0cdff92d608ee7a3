"""The templates of the pages: each text in them is escaped, and freed of what could disguise it."""

from __future__ import annotations

from functools import cache
from unicodedata import category

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@cache
def environment(package: str) -> Environment:
    """Return what reads the templates of ``package``, and those that all pages share.

    >>> environment("corenet.report.html").from_string("<b>{{ name }}</b>").render(name="<i>\\u202e")
    '<b>&lt;i&gt;</b>'
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(package, ""), PackageLoader("corenet.report.html", "")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )


def visible(text: str) -> str:
    r"""Return ``text`` without what could make it look like another: control characters and changes of direction.

    >>> visible("a\x1b[31mb\u202ec")
    'a[31mbc'
    """
    return "".join(each for each in text if each in "\n\t" or not category(each).startswith("C"))


def _visible(value: object) -> object:
    """Take from every text what could disguise it; what a macro made has gone through here already."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
