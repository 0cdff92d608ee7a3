"""A kernel in C: its text over pointers that it is handed, and where each of them points."""

from __future__ import annotations

from dataclasses import dataclass

from corenet.training.engines.cpu.loop_nest import TYPES, Access


@dataclass(frozen=True)
class Pointer:
    """A place in a memory, so many bytes from its start."""

    memory: int
    bytes: int


@dataclass(frozen=True)
class Kernel:
    """A body of C in terms of ``at[0]``, ``at[1]``, …, and where these point: no memory is named in the text."""

    source: str
    pointers: tuple[Pointer, ...]

    @classmethod
    def of(cls, named: dict[str, Access], body: str) -> Kernel:
        """Return ``body`` with each of the names pointing to where its access begins.

        >>> import torch
        >>> numbers = torch.zeros(5)
        >>> Kernel.of({"x": Access.of(numbers[2:], (3,))}, "x[0] = 1;").source
        '{ float *x = (float *)at[0];\\nx[0] = 1; }'
        """
        heads = (
            f"{TYPES[each.dtype]} *{name} = ({TYPES[each.dtype]} *)at[{number}];"
            for number, (name, each) in enumerate(named.items())
        )
        pointers = (Pointer(each.memory, each.offset * each.dtype.itemsize) for each in named.values())
        return cls(f"{{ {' '.join(heads)}\n{body} }}", tuple(pointers))
