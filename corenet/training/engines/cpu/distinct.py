"""Kernels that differ in their memories only as one function of C, called in turn from a table of pointers.

A recurrence runs the same few kernels at each of its steps. What a compiler works on is then as long as one step.
"""

from __future__ import annotations

from collections.abc import Sequence

from corenet.training.engines.cpu.kernel import Kernel
from corenet.training.engines.unsupported import CannotCompile

MOST = 10_000  # kernels in all: their tables and tensors are kept
DISTINCT = 400  # kernels to compile: a compiler takes some 10 ms for each

_TURNS = """
typedef struct {{ void (*kernel)(char **at); long pointers; }} Turn;
typedef struct {{ long place, bytes; }} Pointer;

static int in_turn(const Turn *turn, long turns, const Pointer *pointer, char **m) {{
  char *at[{most}];
  out_of_range = 0;
  for (const Turn *end = turn + turns; turn < end; turn++) {{
    for (long n = 0; n < turn->pointers; n++, pointer++) at[n] = m[pointer->place] + pointer->bytes;
    turn->kernel(at);
  }}
  return out_of_range;
}}
"""


class Distinct:
    """The functions of one source, and the kernels that they have in common.

    ``places`` has the number of each memory.

    >>> from corenet.training.engines.cpu.kernel import Pointer
    >>> kernels = [Kernel("{ *at[0] = 1; }", (Pointer(7, each),)) for each in range(5)]
    >>> distinct = Distinct({7: 0})
    >>> distinct.add("run", kernels)
    >>> len(distinct), distinct.source().count("*at[0] = 1")
    (1, 1)
    """

    def __init__(self, places: dict[int, int]) -> None:
        self._places = places
        self._numbers: dict[str, int] = {}
        self._functions: list[str] = []
        self._most_pointers = 1

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, name: str, kernels: Sequence[Kernel]) -> None:
        """Have a function ``name`` that does ``kernels`` in their order, and tells whether an index was out of range.

        Raises:
            CannotCompile: with these there are more distinct kernels than a compiler should work on.
        """
        numbers = [self._numbers.setdefault(each.source, len(self._numbers)) for each in kernels]
        if len(self) > DISTINCT:
            raise CannotCompile(f"the step has more than {DISTINCT} distinct kernels")
        turns = [f"{{k{number}, {len(each.pointers)}}}" for number, each in zip(numbers, kernels, strict=True)]
        pointers = [f"{{{self._places[to.memory]}, {to.bytes}}}" for each in kernels for to in each.pointers]
        self._most_pointers = max(self._most_pointers, *(len(each.pointers) for each in kernels))
        self._functions.append(
            f"static const Turn {name}_turns[] = {{{', '.join(turns)}}};\n"
            f"static const Pointer {name}_pointers[] = {{{', '.join(pointers or ['{0, 0}'])}}};\n"
            f"int {name}(char **m) {{ return in_turn({name}_turns, {len(turns)}, {name}_pointers, m); }}\n"
        )

    def source(self) -> str:
        """Return all of it in C. Each kernel is a function, because a compiler takes long for one large one."""
        kernels = [f"static NOT_INLINED void k{number}(char **at) {text}\n" for text, number in self._numbers.items()]
        return "".join([*kernels, _TURNS.format(most=self._most_pointers), *self._functions])
