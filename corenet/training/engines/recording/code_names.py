"""The names that Python code reads, found in its compiled form."""

from __future__ import annotations

import dis
from dataclasses import dataclass
from functools import cache
from types import CodeType

# With one of these, code may read an attribute whose name stands nowhere in it.
DYNAMIC = frozenset({"__dict__", "__getattribute__", "eval", "exec", "getattr", "globals", "locals", "vars"})


@dataclass(frozen=True)
class Names:
    """``globals`` are looked up around a function, ``attributes`` on any object, class or module."""

    globals: frozenset[str]
    attributes: frozenset[str]


@cache
def names_in(code: CodeType) -> Names:
    """Return every name that ``code`` may read, that of functions written inside it included.

    A text that could be a name counts as an attribute, such as that of ``getattr(x, "shift")``.

    >>> def f(x):
    ...     return x.scale * getattr(x, "shift") + g(x)
    >>> sorted(names_in(f.__code__).globals), sorted(names_in(f.__code__).attributes)
    (['g', 'getattr'], ['scale', 'shift'])
    """
    instructions = [each for each in dis.get_instructions(code) if isinstance(each.argval, str)]
    looked_up = {each.argval for each in instructions if each.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    attributes = {each.argval for each in instructions if each.opcode in dis.hasname} - looked_up
    texts = {each for each in code.co_consts if isinstance(each, str) and each.isidentifier()}
    inner = [names_in(each) for each in code.co_consts if isinstance(each, CodeType)]
    return Names(
        frozenset(looked_up.union(*(each.globals for each in inner))),
        frozenset((attributes | texts).union(*(each.attributes for each in inner))),
    )
