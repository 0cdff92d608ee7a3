"""Neighbouring elementwise kernels fused into one loop: what one computes, the next reads from a register."""

from __future__ import annotations

from collections.abc import Sequence

from corenet.training.engines.cpu.elementwise import Elementwise
from corenet.training.engines.cpu.kernel import Kernel
from corenet.training.engines.cpu.loop_nest import TYPES, Access, index, merged, nest, shared

MOST = 64  # kernels in one loop: of more, no register is left for what one computes


class Group:
    """Kernels in one loop: what one computes, the next one finds at hand."""

    def __init__(self, first: Elementwise) -> None:
        self.kernels = [first]

    def add(self, kernel: Elementwise) -> bool:
        """Take in another kernel, or tell that it cannot share the loop.

        It can where it walks alike, and touches what the others touched element by element as they did.
        """
        written = {each.result.memory: each.result for each in self.kernels}
        touched = [access for each in self.kernels for access in (each.result, *each.reads)]
        if kernel.shape != self.kernels[0].shape or len(self.kernels) >= MOST:
            return False
        if any(read.memory in written and read != written[read.memory] for read in kernel.reads):
            return False
        if any(access.memory == kernel.result.memory and access != kernel.result for access in touched):
            return False
        self.kernels.append(kernel)
        return True

    def kernel(self, wanted: set[int]) -> Kernel:
        """Return the loop in C; of what it computes only the memories ``wanted`` are written."""
        accesses: list[Access] = []
        for kernel in self.kernels:
            accesses += [each for each in (*kernel.reads, kernel.result) if each not in accesses]
        sizes, strides = merged(self.kernels[0].shape, accesses)
        address = {each: f"p{number}[{index(strides[number])}]" for number, each in enumerate(accesses)}
        known: dict[Access, str] = {}
        lines: list[str] = []
        for number, kernel in enumerate(self.kernels):
            values = [known.get(read, address[read]) for read in kernel.reads]
            type = TYPES[kernel.result.dtype]
            lines.append(f"const {type} v{number} = {kernel.expression.format(*values)};")
            known[kernel.result] = f"v{number}"
        lines += [f"{address[each]} = {value};" for each, value in known.items() if each.memory in wanted]
        used = "\n".join(lines)
        named = {f"p{number}": each for number, each in enumerate(accesses) if f"p{number}[" in used}
        return Kernel.of(named, shared(sizes, nest(sizes, "{ " + used + " }")))


def grouped(kernels: Sequence[Elementwise]) -> list[Group]:
    """Return ``kernels`` in their order, in as few groups as their order gives."""
    groups: list[Group] = []
    for kernel in kernels:
        if not groups or not groups[-1].add(kernel):
            groups.append(Group(kernel))
    return groups
