"""Text that strangers wrote, made fit to print."""

from __future__ import annotations

from unicodedata import category

LONGEST = 200


def plain(text: str) -> str:
    r"""Return ``text`` as one line of at most 200 characters that cannot steer a terminal.

    White space becomes single spaces. Control characters and those that turn the direction
    of writing are left out, and so are lone surrogates, which no file can hold.

    >>> plain("red\x1b[31m\non \u202eblack")
    'red[31m on black'
    """
    kept = "".join(each for each in text if each.isspace() or not category(each).startswith("C"))
    printable = " ".join(kept.split())
    return printable if len(printable) <= LONGEST else printable[: LONGEST - 1] + "…"
