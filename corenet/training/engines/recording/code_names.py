"""The names that Python code reads and sets, found in its compiled form."""

from __future__ import annotations

import dis
import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from types import CodeType

# With one of these, code may read an attribute whose name stands nowhere in it.
DYNAMIC = frozenset(
    {
        *("__dict__", "__getattribute__", "__match_args__", "attrgetter", "eval", "exec", "getattr", "getattr_static"),
        *("getmembers", "globals", "locals", "methodcaller", "vars"),
    }
)
MADE = frozenset({"__init__", "__new__", "__post_init__"})  # run where an object is made
_SHOWN = frozenset({"__format__", "__repr__", "__str__"})
_COPIED = frozenset({"__copy__", "__deepcopy__", "__getstate__", "__new__", "__reduce__", "__reduce_ex__"})
# Special methods that Python calls for one of these, whatever object it is of.
_CALLED_BY = {
    **dict.fromkeys(("ascii", "format", "print", "repr", "str"), _SHOWN),
    **dict.fromkeys(("copy", "deepcopy", "dumps", "loads"), _COPIED | {"__setstate__"}),
    **dict.fromkeys(("__class__", "replace", "type"), MADE),
    "dir": frozenset({"__dir__"}),
    "getsizeof": frozenset({"__sizeof__"}),
}
_LOOKS_UP = ("LOAD_GLOBAL", "LOAD_NAME")
_NO_ATTRIBUTE = (*_LOOKS_UP, "IMPORT_NAME")
_SETTERS = ("setattr", "delattr", "__setattr__", "__delattr__")
_SETS = ("STORE_ATTR", "DELETE_ATTR", "STORE_GLOBAL", "DELETE_GLOBAL")


@dataclass(frozen=True)
class Names:
    """What code names.

    ``globals`` are looked up around a function, ``attributes`` on any object, class or module; ``imports`` are modules,
    each with the number of dots before it; ``sets`` is what is given another value outside of the function, but for
    ``makes``, attributes of the very object that an ``__init__`` or its like is about. ``makes_again`` tells that other
    code calls one of these by its name, on an object that is there already.
    """

    globals: frozenset[str]
    attributes: frozenset[str]
    imports: frozenset[tuple[str, int]]
    sets: frozenset[str]
    makes: frozenset[str]
    makes_again: bool


@cache
def names_in(code: CodeType) -> Names:
    """Return every name that ``code`` may read, that of functions written inside it included.

    A text that could be a name counts as an attribute, such as that of ``getattr(x, "shift")``, and so do special
    methods that Python calls to show, copy or make an object.

    >>> def f(x):
    ...     return x.scale * getattr(x, "shift") + g(x)
    >>> sorted(names_in(f.__code__).globals), sorted(names_in(f.__code__).attributes)
    (['g', 'getattr'], ['scale', 'shift'])
    """
    instructions = [*dis.get_instructions(code)]
    named = [each for each in instructions if isinstance(each.argval, str)]
    looked_up = {each.argval for each in named if each.opname in _LOOKS_UP}
    attributes = {each.argval for each in named if each.opcode in dis.hasname and each.opname not in _NO_ATTRIBUTE}
    texts = [text for constant in code.co_consts for text in _texts(constant)]
    attributes |= {name for text in texts for name in re.findall(r"[A-Za-z_]\w*", text)}
    operations = {each.opname for each in instructions}
    if any("%" in text for text in texts) or any(each.startswith(("FORMAT_", "CONVERT_")) for each in operations):
        attributes |= _SHOWN
    if "LOAD_BUILD_CLASS" in operations:
        attributes |= {"__init_subclass__", "__set_name__"}
    if "MATCH_CLASS" in operations:
        attributes.add("__match_args__")
    sets, makes = _sets(code, instructions)
    if sets or makes:
        attributes |= {"__setattr__", "__delattr__"}
    attributes.update(*(_CALLED_BY.get(name, ()) for name in looked_up | attributes))
    inner = [names_in(each) for each in code.co_consts if isinstance(each, CodeType)]
    return Names(
        frozenset(looked_up.union(*(each.globals for each in inner))),
        frozenset(attributes.union(*(each.attributes for each in inner))),
        _imports(instructions).union(*(each.imports for each in inner)),
        sets.union(*(each.sets for each in inner)) - {*code.co_cellvars},
        makes.union(*(each.makes for each in inner)),
        (code.co_name not in MADE and not MADE.isdisjoint(code.co_names)) or any(each.makes_again for each in inner),
    )


def _texts(constant: object) -> list[str]:
    """Return the texts in a constant; one with a blank in it is a sentence, and no name."""
    if isinstance(constant, (tuple, frozenset)):
        return [text for each in constant for text in _texts(each)]
    return [constant] if isinstance(constant, str) and not re.search(r"\s", constant) else []


def _imports(instructions: list[dis.Instruction]) -> frozenset[tuple[str, int]]:
    """Return what is imported; the number of dots is the constant before the last one."""
    places = [place for place, each in enumerate(instructions) if each.opname == "IMPORT_NAME"]
    return frozenset((instructions[place].argval, instructions[place - 2].argval or 0) for place in places)


def _sets(code: CodeType, instructions: list[dis.Instruction]) -> tuple[frozenset[str], frozenset[str]]:
    """Return what code gives another value, and apart from that what it sets of an object that it makes."""
    named = [each for each in instructions if isinstance(each.argval, str)]
    by_name = {each.argval for each in named if each.argval in _SETTERS}
    around = {each.argval for each in named if each.opname in ("STORE_DEREF", "DELETE_DEREF")} & {*code.co_freevars}
    made = code.co_varnames[0] if code.co_name in MADE and code.co_argcount else None
    stored = [(before, each) for before, each in pairwise(instructions) if each.opname in _SETS]
    makes = {each.argval for before, each in stored if made is not None and _loads(before, made)}
    others = {each.argval for before, each in stored if made is None or not _loads(before, made)}
    return frozenset(around | by_name | others), frozenset(makes)


def _loads(instruction: dis.Instruction, name: str) -> bool:
    """Tell whether an instruction leaves a local variable on top; one may load two."""
    loaded = instruction.argval[-1] if isinstance(instruction.argval, tuple) else instruction.argval
    return instruction.opname.startswith("LOAD_FAST") and loaded == name
