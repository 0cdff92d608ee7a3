"""Text that plugins wrote, made safe to print."""

from __future__ import annotations

import re
from unicodedata import category

LONGEST = 200
NAME = re.compile(r"\w[\w.-]*")  # of a component or a command
READ = 20 * LONGEST  # so that a summary of megabytes costs no time


def plain(text: str) -> str:
    r"""Return ``text`` as one line of at most 200 characters that cannot steer a terminal.

    White space becomes single spaces. Control characters and those that turn the direction
    of writing are left out, and so are lone surrogates, which no file can hold.

    >>> plain("red\x1b[31m\non \u202eblack")
    'red[31m on black'
    """
    kept = "".join(each for each in text[:READ] if each.isspace() or not category(each).startswith("C"))
    printable = " ".join(kept.split())
    if len(printable) <= LONGEST and len(text) <= READ:
        return printable
    return printable[: LONGEST - 1] + "…"


def canonical(name: str) -> str:
    """Return a distribution's name in the spelling that PEP 503 compares.

    >>> canonical("Corenet_Swish")
    'corenet-swish'
    """
    return re.sub(r"[-_.]+", "-", plain(name)).lower()
