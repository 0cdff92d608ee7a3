"""What a kernel does to each element, as an expression of C.

``a``, ``b`` and ``c`` stand for the arguments in their order, ``f`` for the suffix of functions of this precision.
Each gives what torch gives, NaN included.
"""

from __future__ import annotations

import math
from string import Formatter, ascii_lowercase

import torch
from torch import Tensor

from corenet.training.engines.recording.op_log import Operation

ARITHMETIC = {
    "abs": "fabs{f}({a})",
    "add": "{a} + {alpha} * {b}",
    "addcdiv": "{a} + {value} * {b} / {c}",
    "addcmul": "{a} + {value} * {b} * {c}",
    "atan": "atan{f}({a})",
    "ceil": "ceil{f}({a})",
    "clone": "{a}",
    "copy": "{b}",
    "cos": "cos{f}({a})",
    "cosh": "cosh{f}({a})",
    "div": "{a} / {b}",
    "erf": "erf{f}({a})",
    "erfc": "erfc{f}({a})",
    "exp": "exp{f}({a})",
    "expm1": "expm1{f}({a})",
    "exp2": "exp2{f}({a})",
    "fill": "{b}",
    "floor": "floor{f}({a})",
    "full": "{b}",
    "full_like": "{b}",
    "leaky_relu": "{a} > 0 ? {a} : {a} * {b}",
    "lerp": "fabs{f}({c}) < 0.5 ? {a} + {c} * ({b} - {a}) : {b} + ({c} - 1) * ({b} - {a})",
    "log": "log{f}({a})",
    "log10": "log10{f}({a})",
    "log1p": "log1p{f}({a})",
    "log2": "log2{f}({a})",
    "masked_fill": "{b} ? {c} : {a}",
    "maximum": "{a} > {b} || {a} != {a} ? {a} : {b}",
    "minimum": "{a} < {b} || {a} != {a} ? {a} : {b}",
    "mul": "{a} * {b}",
    "neg": "-{a}",
    "new_ones": "1",
    "new_zeros": "0",
    "ones": "1",
    "ones_like": "1",
    "reciprocal": "1 / {a}",
    "relu": "{a} <= 0 ? 0 : {a}",
    "round": "rint{f}({a})",
    "rsqrt": "1 / sqrt{f}({a})",
    "rsub": "{b} - {alpha} * {a}",
    "scalar_tensor": "{a}",
    "sigmoid": "1 / (1 + exp{f}(-{a}))",
    "sigmoid_backward": "{a} * (1 - {b}) * {b}",
    "sign": "({a} > 0) - ({a} < 0)",
    "silu": "{a} / (1 + exp{f}(-{a}))",
    "sgn": "({a} > 0) - ({a} < 0)",
    "sin": "sin{f}({a})",
    "sinh": "sinh{f}({a})",
    "softplus": "{a} > 20 ? {a} : log1p{f}(exp{f}({a}))",
    "sqrt": "sqrt{f}({a})",
    "sub": "{a} - {alpha} * {b}",
    "tan": "tan{f}({a})",
    "tanh": "tanh{f}({a})",
    "tanh_backward": "{a} * (1 - {b} * {b})",
    "threshold_backward": "{b} <= {c} ? 0 : {a}",
    "trunc": "trunc{f}({a})",
    "where": "{a} ? {b} : {c}",
    "zero": "0",
    "zeros": "0",
    "zeros_like": "0",
    "_to_copy": "{a}",
}
# What is too large for a whole number begins again at the smallest, which C says of numbers without a sign only.
OF_INTEGERS = {
    "abs": "{a} < 0 ? -(uint64_t){a} : (uint64_t){a}",
    "add": "(uint64_t){a} + (uint64_t){alpha} * (uint64_t){b}",
    "masked_fill": "{b} ? {c} : {a}",
    "maximum": "{a} > {b} ? {a} : {b}",
    "minimum": "{a} < {b} ? {a} : {b}",
    "mul": "(uint64_t){a} * (uint64_t){b}",
    "neg": "-(uint64_t){a}",
    "new_ones": "1",
    "new_zeros": "0",
    "ones": "1",
    "ones_like": "1",
    "rsub": "(uint64_t){b} - (uint64_t){alpha} * (uint64_t){a}",
    "sub": "(uint64_t){a} - (uint64_t){alpha} * (uint64_t){b}",
    "zero": "0",
    "zeros": "0",
    "zeros_like": "0",
}
COMPARISONS = {
    "eq": "{a} == {b}",
    "ge": "{a} >= {b}",
    "gt": "{a} > {b}",
    "isnan": "{a} != {a}",
    "le": "{a} <= {b}",
    "lt": "{a} < {b}",
    "ne": "{a} != {b}",
    **dict.fromkeys(("bitwise_and", "logical_and"), "{a} && {b}"),
    **dict.fromkeys(("bitwise_not", "logical_not"), "!{a}"),
    **dict.fromkeys(("bitwise_or", "logical_or"), "{a} || {b}"),
    **dict.fromkeys(("bitwise_xor", "logical_xor"), "!{a} != !{b}"),
}
_POWERS = {
    3.0: "{a} * {a} * {a}",
    2.0: "{a} * {a}",
    1.0: "{a}",
    0.5: "sqrt{f}({a})",
    -0.5: "1 / sqrt{f}({a})",
    -1.0: "1 / {a}",
    -2.0: "1 / ({a} * {a})",
}


CLAMPS = ("clamp", "clamp_max", "clamp_min")
_WITH_DEFAULTS: dict[str, Tensor | float] = {"alpha": 1, "value": 1}
_LETTERS = {"min": "b", "max": "c"}
_OF_THE_RESULT = {"dtype", "layout", "device", "pin_memory", "memory_format", "non_blocking"}


def expression(operation: Operation) -> str | None:
    """Return what a kernel computes for each element, or None if that is not known, or not with these arguments."""
    given = operands(operation)
    name = operation.name.removesuffix("_")
    if not operation.keywords.keys() <= _WITH_DEFAULTS.keys() | _LETTERS.keys() | _OF_THE_RESULT:
        return None
    if name in CLAMPS:
        return _clamped(given)
    if name == "pow":
        return _power(given["b"])
    of_numbers = OF_INTEGERS if operation.result.dtype is torch.int64 and name in OF_INTEGERS else ARITHMETIC
    template = of_numbers.get(name) or COMPARISONS.get(name)
    if template is None:
        return None
    asked = {field for _, field, _, _ in Formatter().parse(template) if field} - {"f"}
    unheard = given.keys() - asked - _WITH_DEFAULTS.keys()
    return template if asked <= given.keys() and unheard <= {"a"} else None  # of a, zeros_like takes the shape only


def operands(operation: Operation) -> dict[str, Tensor | float]:
    """Return the numbers and tensors of an operation: ``a``, ``b``, ``c``, … in their order, or by their name."""
    letters = "ac" if operation.name.startswith("clamp_max") else ascii_lowercase
    named = [*zip(letters, operation.arguments, strict=False), *operation.keywords.items()]
    numbers = {
        _LETTERS.get(name, name): value for name, value in named if isinstance(value, (Tensor, bool, int, float))
    }
    return _WITH_DEFAULTS | {name: value for name, value in numbers.items() if name not in _OF_THE_RESULT}


def _power(exponent: Tensor | float) -> str:
    known = None if isinstance(exponent, Tensor) else _POWERS.get(exponent)
    return known or "pow{f}({a}, {b})"


def _clamped(given: dict[str, Tensor | float]) -> str | None:
    bounds = [given[bound] for bound in "bc" if bound in given]
    if any(isinstance(bound, Tensor) or math.isnan(bound) for bound in bounds):
        return None
    inner = "({a} < {b} ? {b} : {a})" if "b" in given else "{a}"
    return f"{inner} > {{c}} ? {{c}} : {inner}" if "c" in given else inner


def literal(value: float, type: str) -> str:
    """Return a number as C writes it.

    >>> literal(0.1, "float"), literal(float("-inf"), "double"), literal(2**60, "int64_t")
    ('(float)0.1', '(double)-INFINITY', '(int64_t)1152921504606846976')
    """
    if math.isnan(value):
        return f"({type})NAN"
    if math.isinf(value):
        return f"({type}){'-' * (value < 0)}INFINITY"
    return f"({type}){value + 0!r}"  # a flag is 0 or 1
