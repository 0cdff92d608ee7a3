"""Where along a dimension the largest or smallest element is, the first of several, and what it is."""

from __future__ import annotations

from torch import Tensor

from corenet.training.engines.cpu.kernel import Kernel
from corenet.training.engines.cpu.loop_nest import TYPES, Access, index, loops, merged, without
from corenet.training.engines.recording.op_log import Operation

_COMPARED = {"argmax": ">", "argmin": "<", "max": ">", "min": "<"}


def extreme(operation: Operation) -> Kernel | None:
    """Return ``operation`` in C, or None if it is no search for an extreme along one dimension."""
    if operation.name not in _COMPARED or operation.keywords:
        return None
    input, given, keep = (*operation.arguments, None, False)[:3]
    if operation.name.startswith("arg"):
        results = {"place": operation.result}
    elif isinstance(operation.result, (list, tuple)):
        results = dict(zip(("value", "place"), operation.result, strict=True))
    else:
        return None
    if given is None:
        input, given = _as_row(input), 0
    if input is None or input.dim() == 0 or input.numel() == 0 or input.dtype not in TYPES:
        return None
    dim = given % input.dim()
    outs = {name: each if keep else each.unsqueeze(dim) for name, each in results.items()}
    return _search(input, dim, outs, _COMPARED[operation.name])


def _as_row(input: Tensor) -> Tensor | None:
    """Return all of a tensor as one row, or None if it does not lie so."""
    return input.view(-1) if input.is_contiguous() else None


def _search(input: Tensor, dim: int, outs: dict[str, Tensor], compared: str) -> Kernel:
    shape = tuple(input.shape)
    named = {name: Access.of(each.expand(shape), shape) for name, each in (("x", input), *outs.items())}
    sizes, (read, *writes) = merged(without(shape, dim), [each.without(dim) for each in named.values()])
    type = TYPES[input.dtype]
    element = f"x[{index(read)} + i * {named['x'].strides[dim]}]"
    written = dict(zip(outs, writes, strict=True))
    found = {"value": "top", "place": "best"}
    stores = " ".join(f"{name}[{index(walk)}] = {found[name]};" for name, walk in written.items())
    return Kernel.of(
        named,
        f"{loops(sizes)}{{ long best = 0; {type} top = x[{index(read)}];\n"
        f"for (long i = 1; i < {shape[dim]}; i++) {{ const {type} v = {element};\n"
        f"if (v {compared} top || (v != v && top == top)) {{ top = v; best = i; }} }}\n"
        f"{stores} }}",
    )
