"""Why something cannot be used, as data: nobody has to read the sentence to know what is the matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from corenet.registry.sanitize import plain

Code = Literal[
    "disabled",  # by the user's settings
    "incompatible",  # it requires another corenet
    "shadowed",  # a built-in has its name
    "ambiguous",  # other plugins have its name
    "not_imported",  # on request
    "unreadable_metadata",
    "invalid_name",
    "invalid_target",
    "announced_twice",  # with two targets
    "missing_module",  # ``subject`` is the module
    "missing_attribute",
    "torch_unavailable",  # torch is missing, or fails when it is imported
    "wrong_kind",  # ``subject`` is the class that it should derive from
    "not_a_command",
    "not_a_checker",
    "raised",  # any other exception
    "process_ended",  # it crashed or ended Python
    "timed_out",
]


@dataclass(frozen=True)
class Reason:
    """Why a plugin, a component or a command stands as it does.

    Args:
        code: what is the matter, for programs.
        text: the same for people, in one line.
        fix: what mends it, if that is known here.
        subject: the name that the code is about, if it needs one.

    >>> print(Reason("shadowed", "the built-in keeps the name", fix="use corenet-x:linear"))
    the built-in keeps the name; use corenet-x:linear
    """

    code: Code
    text: str
    fix: str = ""
    subject: str = ""

    def __post_init__(self) -> None:
        for field in ("text", "fix", "subject"):  # a plugin may have written any of them
            object.__setattr__(self, field, plain(getattr(self, field)))

    def __str__(self) -> str:
        return f"{self.text}; {self.fix}" if self.fix else self.text
