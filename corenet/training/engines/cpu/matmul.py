"""Products of matrices, in tiles that stay in registers."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import torch

from corenet.training.engines.cpu.kernel import Kernel
from corenet.training.engines.cpu.loop_nest import TYPES, Access
from corenet.training.engines.recording.op_log import Operation, memory

LARGEST = 2**22  # multiplications, on a processor whose libraries these tiles were not measured against
_BYTES = {"AVX512": 64, "AVX2": 32}  # of a register
_ROWS = {"AVX512": 24, "AVX2": 12}  # accumulators that fit into registers, rows times vectors
_VECTORS = 4  # of columns in a panel
_SHARED = 2**18  # multiplications that are worth sharing out among threads
_STREAMS = 8  # columns to copy side by side: as many lines as a cache keeps that lie a power of two apart
_DEEP = 256  # rows of the right matrix that are laid out at a time


def product(operation: Operation) -> Kernel | None:
    """Return ``operation`` in C, or None if it is no product of matrices of a small size."""
    if operation.name not in ("mm", "addmm", "addmm_", "bmm") or operation.keywords:
        return None
    *bias, left, right = operation.arguments
    result = operation.result
    if operation.writes:
        if memory(result) in map(memory, (left, right)):
            return None
        bias = []  # it is in the result already
    if result.dtype not in (torch.float32, torch.float64) or 0 in (left.numel(), right.numel()):
        return None
    capability = torch.backends.cpu.get_cpu_capability()
    if (
        left.numel() * right.shape[-1] > (inf if capability in _BYTES else LARGEST)
        or result.stride(-1) != 1
        or any(each.dim() > 1 for each in bias)
    ):
        return None
    batch = left.shape[0] if operation.name == "bmm" else 1
    bytes = _BYTES.get(capability, 16)
    tile = _Tile(
        type=TYPES[result.dtype],
        size=result.element_size(),
        lanes=bytes // result.element_size(),
        accumulators=_ROWS.get(capability, 12),
        rows=left.shape[-2],
        depth=left.shape[-1],
        columns=right.shape[-1],
        left=left.stride()[-2:],
        right=right.stride()[-2:],
        result=result.stride(-2),
        bias=bias[0].expand(right.shape[-1]).stride(0) if bias else None,
        adds=operation.writes,
    )
    named = {"left": left, "right": right, "to": result, **({"q": bias[0]} if bias else {})}
    heads = " ".join(
        f"{tile.type} *{short} = {name}{f' + z * {named[name].stride(0)}' if batch > 1 else ''};"
        for short, name in (("a", "left"), ("b", "right"), ("r", "to"))
    )
    loop = f"for (long z = 0; z < {batch}; z++) " if batch > 1 else ""
    accesses = {name: Access.of(each, tuple(each.shape)) for name, each in named.items()}
    return Kernel.of(accesses, f"{loop}{{ {heads}\n{tile.source()} }}")


@dataclass(frozen=True)
class _Tile:
    """A product ``r = a b``, or ``q + a b``, of one size, or what adds it to r; strides are (row, column)."""

    type: str
    size: int
    lanes: int
    accumulators: int
    rows: int
    depth: int
    columns: int
    left: tuple[int, ...]
    right: tuple[int, ...]
    result: int
    bias: int | None
    adds: bool

    def source(self) -> str:
        """Return the loops: over panels of columns, each laid out in full vectors, over depths, over rows."""
        width = _VECTORS * self.lanes
        whole = self.columns // width * width
        lines = []
        if whole:
            head = f"for (long n = 0; n < {whole}; n += {width})"
            parallel = '_Pragma("omp parallel for")\n' if self._work() >= _SHARED else ""
            lines.append(f"{parallel}{head} {self._panel(width)}")
        if whole < self.columns:
            lines.append(f"{{ const long n = {whole}; {self._panel(self.columns - whole)} }}")
        return "\n".join(lines)

    def _work(self) -> int:
        return self.rows * self.depth * self.columns

    def _panel(self, size: int) -> str:
        """Return the product with ``size`` columns, from column n on."""
        vectors = -(-size // self.lanes)
        width = vectors * self.lanes
        high = max(1, min(8, self.accumulators // vectors))
        whole = self.rows // high * high
        deep = min(_DEEP, self.depth)
        lines = [f"{{ {self.type} w[{deep}][{width}] __attribute__((aligned(64)));"]
        if self.bias is not None:
            lines.append(
                f"{self.type} s[{width}] __attribute__((aligned(64))) = {{0}}; "
                f"for (long j = 0; j < {size}; j++) s[j] = q[(n + j) * {self.bias}];"
            )
        if self.depth > deep:
            lines.append(f"for (long d = 0; d < {self.depth}; d += {deep})")
            until = f"(d + {deep} < {self.depth} ? {deep} : {self.depth} - d)"
        else:
            lines.append("for (long d = 0; d < 1; d++)")
            until = str(deep)
        lines += [
            f"{{ const long end = {until};",
            *self._laid_out(size, width),
        ]
        if whole:
            lines.append(f"for (long i = 0; i < {whole}; i += {high}) {self._tile('i', high, size)}")
        if whole < self.rows:
            lines.append(self._tile(str(whole), self.rows - whole, size))
        return "\n".join([*lines, "} }"])

    def _laid_out(self, size: int, width: int) -> list[str]:
        """Return the loops that copy a block of the right matrix to ``w``, along the lines of the cache."""
        element = f"w[k][j] = b[(d + k) * {self.right[0]} + (n + j) * {self.right[1]}];"
        if self.right[0] >= self.right[1]:
            copy = [f"for (long k = 0; k < end; k++) for (long j = 0; j < {size}; j++) {element}"]
        else:
            copy = [
                f"for (long o = 0; o < {size}; o += {_STREAMS}) for (long k = 0; k < end; k++)",
                f"for (long j = o; j < o + {_STREAMS} && j < {size}; j++) {element}",
            ]
        rest = f"for (long k = 0; k < end; k++) for (long j = {size}; j < {width}; j++) w[k][j] = 0;"
        return copy + [rest] * (size < width)

    def _tile(self, first: str, high: int, size: int) -> str:
        """Return ``high`` rows of a panel, from row ``first`` on, added up in registers."""
        vectors = -(-size // self.lanes)
        row = f"r + ({first} + h) * {self.result} + n"
        bytes = size * self.size
        each = f"for (int h = 0; h < {high}; h++)"
        begin = ""
        if self.bias is not None:
            begin += f"{each} for (int v = 0; v < {vectors}; v++) t[h][v] = *(V *)(s + v * {self.lanes});\n"
        if self.adds or self.depth > _DEEP:
            begin += f"if ({int(self.adds)} || d) {each} __builtin_memcpy(t[h], {row}, {bytes});\n"
        return (
            f"{{ typedef {self.type} V __attribute__((vector_size({self.lanes * self.size}), may_alias));\n"
            f"V t[{high}][{vectors}] = {{0}};\n{begin}"
            f"for (long k = 0; k < end; k++) for (int v = 0; v < {vectors}; v++) {{"
            f" const V x = *(V *)(w[k] + v * {self.lanes});\n"
            "UNROLLED\n"
            f"{each} t[h][v] += a[({first} + h) * {self.left[0]} + (d + k) * {self.left[1]}] * x; }}\n"
            f"{each} __builtin_memcpy({row}, t[h], {bytes}); }}"
        )
