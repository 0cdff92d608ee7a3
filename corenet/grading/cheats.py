"""Cheats that can be read in the source of a layer: borrowed gradients, borrowed answers, looks into the grader.

Only what the layer uses counts: an import that nothing uses accuses nobody.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache

from corenet.grading.source import Source
from corenet.registry.registry import builtin_classes

AUTOGRAD = (
    *("torch." + name for name in ("autograd", "func", "enable_grad", "set_grad_enabled")),
    *("autograd", "casadi", "functorch", "jax", "mlx", "mxnet", "tensorflow", "theano", "tinygrad"),
)
LIBRARY = ("torch.ops", "torch._C", "torch.nn.grad", "corenet.builtin", "corenet.get", "corenet.registry")
GRADER = ("corenet.grading", "gc", "sys._getframe", "sys.modules", "inspect.stack", "inspect.currentframe")
HIDDEN = ("importlib", "runpy")
BUILT_IN = ("exec", "eval", "compile", "__import__")
BACKWARDS = ("_backward", "_backward_data")  # how torch's own end


def cheat_in(source: Source, names: Sequence[str]) -> tuple[str, int] | None:
    """Return the first cheat in what ``names`` are made of, with its line; None if there is none.

    >>> from pathlib import Path
    >>> text = "import torch.autograd as a" + chr(10) + "def f(x): return a.grad(x, x)"
    >>> cheat_in(Source(Path("a.py"), text), ["f"])
    ('cheat_autograd', 2)
    """
    found = [(slug, 1) for name in names if (slug := _of_name(source.imported.get(name, "")))]
    found += [each for part in source.parts(names) for node in ast.walk(part) for each in _at(node, source)]
    return min(found, key=lambda each: each[1], default=None)


def _at(node: ast.AST, source: Source) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Name | ast.Attribute) and (slug := _of_name(_dotted(node, source))):
        yield slug, node.lineno
    if isinstance(node, ast.Name) and node.id in BUILT_IN and not {node.id} & {*source.defined, *source.imported}:
        yield "cheat_hidden_code", node.lineno
    if isinstance(node, ast.Attribute) and node.attr == "requires_grad" and isinstance(node.ctx, ast.Store):
        yield "cheat_autograd", node.lineno
    if isinstance(node, ast.Call):
        turned_on = [each for each in node.keywords if each.arg == "requires_grad" and not _is_false(each.value)]
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if turned_on or (method == "requires_grad_" and not (node.args and _is_false(node.args[0]))):
            yield "cheat_autograd", node.lineno
    if isinstance(node, ast.Constant) and isinstance(node.value, complex):
        yield "cheat_finite_differences", node.lineno  # along the imaginary axis


def _of_name(name: str) -> str:
    for slug, prefixes in (("cheat_autograd", AUTOGRAD), ("cheat_library", LIBRARY), ("cheat_grader", GRADER)):
        if _begins(name, prefixes):
            return slug
    if _begins(name, HIDDEN):
        return "cheat_hidden_code"
    top, _, last = name.partition(".")
    is_component = top == "corenet" and last.rpartition(".")[2] in _components()
    is_backward = top == "torch" and last.endswith(BACKWARDS)
    return "cheat_library" if is_component or is_backward or top.startswith("corenet_") else ""


@cache
def _components() -> frozenset[str]:
    return frozenset(builtin_classes())


def _begins(name: str, prefixes: Sequence[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def _dotted(node: ast.expr, source: Source) -> str:
    """Return what a name stands for, such as ``numpy.abs`` for ``np.abs``; nothing for what is not imported."""
    if isinstance(node, ast.Attribute):
        left = _dotted(node.value, source)
        return f"{left}.{node.attr}" if left else ""
    return source.imported.get(node.id, "") if isinstance(node, ast.Name) else ""


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False
