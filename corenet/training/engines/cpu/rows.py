"""Softmax and its like along one dimension: each row is read several times while it is in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch

from corenet.training.engines.cpu.kernel import Kernel
from corenet.training.engines.cpu.loop_nest import TYPES, WORTH_SHARING, Access, index, loops, merged, without
from corenet.training.engines.cpu.reduction import LARGEST, SUM, Rule, along, dimensions
from corenet.training.engines.recording.op_log import Operation


def row_by_row(operation: Operation) -> Kernel | None:
    """Return ``operation`` in C, or None if it is none of these, or over several dimensions."""
    body = _BODIES.get(operation.name)
    if body is None:
        return None
    input, given, *_ = operation.arguments
    result, dims = operation.result, dimensions(input, given)
    is_float = input.dtype is result.dtype and input.dtype in (torch.float32, torch.float64)
    if not is_float or input.numel() == 0 or len(dims) != 1:
        return None
    (dim,) = dims
    shape = tuple(input.shape)
    out = result if result.dim() == input.dim() else result.unsqueeze(dim)
    named = {"p": Access.of(out, shape), "q": Access.of(input, shape)}
    sizes, walks = merged(without(shape, dim), [each.without(dim) for each in named.values()])
    write, read = ([*walk, each.strides[dim]] for walk, each in zip(walks, named.values(), strict=True))
    row = _Row(TYPES[input.dtype], [*sizes, shape[dim]], read, write)
    parallel = '_Pragma("omp parallel for")\n' if sizes and prod(shape) >= WORTH_SHARING else ""
    return Kernel.of(named, f"{parallel}{loops(sizes)}{{ {body(row)} }}")


@dataclass(frozen=True)
class _Row:
    """A row of ``q`` and of ``p``, within loops over rows: all sizes and strides, those of the row last."""

    type: str
    sizes: list[int]
    read: list[int]
    write: list[int]

    @property
    def f(self) -> str:
        """The suffix of functions of this precision."""
        return "f" if self.type == "float" else ""

    def reduced(self, name: str, rule: Rule, of: str = "q") -> str:
        """Return what declares ``name``, the reduction of the row that is read or, of ``p``, written."""
        walk = self.read if of == "q" else self.write
        body = along(self.type, self.type, self.sizes, walk, len(self.sizes) - 1, rule)
        pointer = "" if of == "q" else f"const {self.type} *q = {of}; "
        return f"{self.type} {name}; {{ {pointer}{body} {name} = s; }}\n"

    def each(self, expression: str) -> str:
        """Return what writes an expression of ``x``, the element that is read, and ``y``, the one that is written."""
        head = f"for (long i = 0; i < {self.sizes[-1]}; i++)"
        x, y = (self._element(*each) for each in (("q", self.read), ("p", self.write)))
        return f"\nINDEPENDENT\n{head} {y} = {expression.format(x=x, y=y, f=self.f)};\n"

    def first(self, expression: str) -> str:
        """Return what writes an expression to the only element of the row."""
        return f"p[{index(self.write[:-1])}] = {expression.format(f=self.f)};"

    def exponentials(self, base: str) -> Rule:
        """Return the rule that adds up exponentials of what is above ``base``."""
        return Rule("0", f"{{s}} += exp{self.f}({{x}} - {base})")

    @staticmethod
    def _element(name: str, walk: list[int]) -> str:
        return f"{name}[{index(walk[:-1])} + i * {walk[-1]}]"


def _softmax(row: _Row) -> str:
    head = row.reduced("top", LARGEST) + row.each("exp{f}({x} - top)")
    return head + row.reduced("total", SUM, of="p") + row.each("{y} / total")


def _log_softmax(row: _Row) -> str:
    head = row.reduced("top", LARGEST) + row.reduced("total", row.exponentials("top"))
    return f"{head}const {row.type} log_total = log{row.f}(total);" + row.each("{x} - top - log_total")


def _logsumexp(row: _Row) -> str:
    head = row.reduced("top", LARGEST) + f"const {row.type} base = isinf(top) ? 0 : top;\n"  # inf - inf is no number
    return head + row.reduced("total", row.exponentials("base")) + row.first("log{f}(total) + base")


_BODIES = {"_softmax": _softmax, "_log_softmax": _log_softmax, "logsumexp": _logsumexp}
