"""Every expression of C gives what torch's own kernel gives."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F

from corenet.training.engines.cpu.op_table import ARITHMETIC, CLAMPS, COMPARISONS, literal

pytestmark = pytest.mark.usefixtures("needs_compiler")
aten = torch.ops.aten

UNARY = [
    *("abs", "atan", "ceil", "clone", "cos", "cosh", "erf", "erfc", "exp", "exp2", "expm1", "floor", "log", "log10"),
    *("log1p", "log2", "neg", "reciprocal", "relu", "round", "rsqrt", "sgn", "sigmoid", "sign", "sin", "sinh", "sqrt"),
    *("tan", "tanh", "trunc"),
]
FUNCTIONS = {
    **{name: lambda x, y, z, m, n, name=name: getattr(torch, name)(x) for name in UNARY},
    **{f"{name}_": lambda x, y, z, m, n, name=name: getattr(x.clone(), name)() for name in UNARY if name != "clone"},
    "softplus": lambda x, y, z, m, n: F.softplus(x),
    "silu": lambda x, y, z, m, n: F.silu(x),
    "leaky_relu": lambda x, y, z, m, n: F.leaky_relu(x, 0.3),
    "leaky_relu, negative": lambda x, y, z, m, n: F.leaky_relu(x, -2),
    "add": lambda x, y, z, m, n: x + y,
    "add alpha": lambda x, y, z, m, n: torch.add(x, y, alpha=0.3),
    "add number": lambda x, y, z, m, n: 0.7 + x,
    "add flags": lambda x, y, z, m, n: x + m,
    "add_": lambda x, y, z, m, n: x.clone().add_(y, alpha=-2),
    "add_ whole number": lambda x, y, z, m, n: torch.full(x.shape, 2**60 + 1).add_(3),
    "sub whole numbers": lambda x, y, z, m, n: torch.sub(m.long(), n.long(), alpha=2),
    "add to itself": lambda x, y, z, m, n: (lambda r: r.add_(r))(x.clone()),
    "sub": lambda x, y, z, m, n: x - y,
    "sub alpha": lambda x, y, z, m, n: torch.sub(x, y, alpha=0.3),
    "sub_ number": lambda x, y, z, m, n: x.clone().sub_(0.1),
    "rsub": lambda x, y, z, m, n: 0.7 - x,
    "rsub alpha": lambda x, y, z, m, n: torch.rsub(x, y, alpha=3),
    "mul": lambda x, y, z, m, n: x * y,
    "mul flags": lambda x, y, z, m, n: m * x,
    "mul_ number": lambda x, y, z, m, n: x.clone().mul_(-1.7),
    "div": lambda x, y, z, m, n: x / y,
    "div_ number": lambda x, y, z, m, n: x.clone().div_(-0.3),
    "div number": lambda x, y, z, m, n: 3 / x,
    "addcmul": lambda x, y, z, m, n: torch.addcmul(x, y, z),
    "addcmul_ value": lambda x, y, z, m, n: x.clone().addcmul_(y, z, value=-0.3),
    "addcdiv": lambda x, y, z, m, n: torch.addcdiv(x, y, z),
    "addcdiv_ value": lambda x, y, z, m, n: x.clone().addcdiv_(y, z, value=-0.3),
    "lerp": lambda x, y, z, m, n: torch.lerp(x, y, z),
    "lerp_ small": lambda x, y, z, m, n: x.clone().lerp_(y, 0.1),
    "lerp large": lambda x, y, z, m, n: torch.lerp(x, y, 0.9),
    "maximum": lambda x, y, z, m, n: torch.maximum(x, y),
    "minimum": lambda x, y, z, m, n: torch.minimum(x, y),
    "pow": lambda x, y, z, m, n: torch.pow(x, y),
    "pow of a number": lambda x, y, z, m, n: torch.pow(1.5, x),
    **{f"pow {p}": lambda x, y, z, m, n, p=p: x.pow(p) for p in (0, 1, 2, 3, 4, 0.5, -0.5, -1, -2, 1.7)},
    "pow_": lambda x, y, z, m, n: x.clone().pow_(3),
    "clamp": lambda x, y, z, m, n: x.clamp(-1, 2),
    "clamp crossed": lambda x, y, z, m, n: x.clamp(2, -1),
    "clamp min": lambda x, y, z, m, n: x.clamp(min=-0.5),
    "clamp max": lambda x, y, z, m, n: x.clamp(max=0.5),
    "clamp_": lambda x, y, z, m, n: x.clone().clamp_(0, 1),
    "clamp_min": lambda x, y, z, m, n: torch.clamp_min(x, 0.25),
    "clamp_max": lambda x, y, z, m, n: torch.clamp_max(x, 0.25),
    "clamp infinite": lambda x, y, z, m, n: x.clamp(float("-inf"), float("inf")),
    "sigmoid_backward": lambda x, y, z, m, n: aten.sigmoid_backward(x, y),
    "tanh_backward": lambda x, y, z, m, n: aten.tanh_backward(x, y),
    "threshold_backward": lambda x, y, z, m, n: aten.threshold_backward(x, y, 0.5),
    "where": lambda x, y, z, m, n: torch.where(m, x, y),
    "where numbers": lambda x, y, z, m, n: torch.where(x > y, z, 0.0),
    "masked_fill": lambda x, y, z, m, n: x.masked_fill(m, -0.3),
    "masked_fill_ infinite": lambda x, y, z, m, n: x.clone().masked_fill_(m, float("-inf")),
    "masked_fill tensor": lambda x, y, z, m, n: x.masked_fill(m, torch.full((), 3.0, dtype=x.dtype)),
    "copy_": lambda x, y, z, m, n: torch.empty_like(x).copy_(y),
    "copy_ flags": lambda x, y, z, m, n: torch.empty_like(x).copy_(m),
    "copy_ to flags": lambda x, y, z, m, n: torch.empty_like(m).copy_(x),
    "to double": lambda x, y, z, m, n: m.to(torch.float64) + x.double(),
    "to float": lambda x, y, z, m, n: x.clone().to(torch.float32),
    "to flags": lambda x, y, z, m, n: x.bool(),
    "to whole numbers": lambda x, y, z, m, n: m.long(),
    "fill_": lambda x, y, z, m, n: torch.empty_like(x).fill_(0.1),
    "fill_ tensor": lambda x, y, z, m, n: torch.empty_like(x).fill_(torch.full((), 3.0, dtype=x.dtype)),
    "full": lambda x, y, z, m, n: torch.full(x.shape, 0.1, dtype=x.dtype),
    "full flags": lambda x, y, z, m, n: torch.full(x.shape, True),
    "full whole numbers": lambda x, y, z, m, n: torch.full(x.shape, 2**60 + 1),
    "full_like": lambda x, y, z, m, n: torch.full_like(x, float("nan")),
    "full_like whole numbers": lambda x, y, z, m, n: torch.full_like(x, -(2**60) - 1, dtype=torch.int64),
    "new_ones": lambda x, y, z, m, n: x.new_ones(x.shape),
    "new_zeros": lambda x, y, z, m, n: x.new_zeros(x.shape),
    "ones": lambda x, y, z, m, n: torch.ones(x.shape, dtype=x.dtype),
    "ones_like": lambda x, y, z, m, n: torch.ones_like(x),
    "zeros": lambda x, y, z, m, n: torch.zeros(x.shape, dtype=x.dtype),
    "zeros_like": lambda x, y, z, m, n: torch.zeros_like(x),
    "zero_": lambda x, y, z, m, n: x.clone().zero_(),
    **{
        name: lambda x, y, z, m, n, name=name: getattr(torch, name)(x, y)
        for name in ("eq", "ge", "gt", "le", "lt", "ne")
    },
    "gt number": lambda x, y, z, m, n: x > 0.1,
    "isnan": lambda x, y, z, m, n: torch.isnan(x),
    "where flags": lambda x, y, z, m, n: torch.where(m, x > y, n),
    "ne itself": lambda x, y, z, m, n: x != x,
    **{
        name: lambda x, y, z, m, n, name=name: getattr(torch, name)(m, n)
        for kind in ("logical", "bitwise")
        for name in (f"{kind}_and", f"{kind}_or", f"{kind}_xor")
    },
    "bitwise_not": lambda x, y, z, m, n: ~m,
    "logical_not": lambda x, y, z, m, n: torch.logical_not(m),
    "logical_not_": lambda x, y, z, m, n: m.clone().logical_not_(),
}
BESIDE_THE_TABLES = {*CLAMPS, "pow"}
# Where both zeros are equally large or small torch itself gives either, by where an element lies.
EITHER_ZERO = {name for name in FUNCTIONS if name.startswith(("clamp", "maximum", "minimum", "relu"))}
SIGNS = FUNCTIONS.keys() - EITHER_ZERO - {"addcmul_ value"}  # nor for a product too small to be a number


def special(dtype):
    """Return all triples of numbers where rules part: zeros, ones, NaN, infinities, huge and tiny ones."""
    huge, tiny = (1e30, 3e-31) if dtype is torch.float32 else (1e300, 3e-301)
    plain = [0.0, -0.0, 1.0, -1.0, 0.5, -2.7, float("nan"), float("inf"), float("-inf"), tiny]
    wide = [*plain, huge, -huge]  # a product of two is infinite only where it is rounded, which torch does or not
    x, y, z = torch.tensor(list(product(wide, wide, plain)), dtype=dtype).T
    return [*(each.clone() for each in (x, y, z)), x > y, y > z]


def ordinary(shape, dtype):
    x, y, z = (torch.randn(shape, dtype=dtype) * torch.logspace(-3, 1.5, shape, dtype=dtype) for _ in range(3))
    return [x, y, z, torch.rand(shape) > 0.5, torch.rand(shape) > 0.5]


def each_of(functions):
    return lambda *inputs: {name: function(*inputs) for name, function in functions.items()}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_each_expression_is_torchs_on_ordinary_and_on_special_numbers(assert_as_torch, dtype):
    count = len(special(dtype)[0])
    numbers = iter([special(dtype), special(dtype), ordinary(count, dtype)])
    operations = assert_as_torch(each_of(FUNCTIONS), lambda: next(numbers), signs=SIGNS)
    names = {operation.name.removesuffix("_") for operation in operations}
    assert names >= ARITHMETIC.keys() | COMPARISONS.keys() | BESIDE_THE_TABLES


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_small_has_as_many_digits(assert_as_torch, dtype):
    one_argument = {name: FUNCTIONS[name] for name in (*UNARY, "silu", "pow 3", "pow -1", "pow 1.7")}
    assert_as_torch(each_of(one_argument), lambda: ordinary(400, dtype), rtol=1e-5, atol=0)


LEFT_TO_TORCH = {
    "rounding mode": lambda x, i, h, c: torch.div(x, 0.3, rounding_mode="floor"),
    "alpha by place": lambda x, i, h, c: aten.rsub.Scalar(x, 2, 3) + aten.add.Scalar(x, 2, 3),
    "a bound that is NaN": lambda x, i, h, c: x.clamp(min=float("nan")).nan_to_num(1) + x.clamp(0, float("nan")),
    "a bound that is NaN below": lambda x, i, h, c: torch.clamp_min(x, float("nan")),
    "bounds that are tensors": lambda x, i, h, c: x.clamp(x.sin(), x.cos()),
    "a comparison in place": lambda x, i, h, c: x.clone().gt_(0.1),
    "whole numbers divided": lambda x, i, h, c: i // 2 + i % 3,
    "whole numbers to a power": lambda x, i, h, c: i**2,
    "whole numbers bit by bit": lambda x, i, h, c: i & 2,
    "whole numbers as flags": lambda x, i, h, c: i.logical_not(),
    "numbers as flags": lambda x, i, h, c: torch.logical_and(x, x > 0),
    "whole numbers of a byte": lambda x, i, h, c: i.to(torch.uint8) + x,
    "half precision": lambda x, i, h, c: h * h + 1,
    "half precision made single": lambda x, i, h, c: h.float() * x,
    "half precision beside single": lambda x, i, h, c: x + h,
    "complex": lambda x, i, h, c: (c * 2).real,
    "complex, conjugate": lambda x, i, h, c: c.conj().imag + x,
    "a product of a conjugate": lambda x, i, h, c: c.conj().imag @ c.imag.T,
    "a sum of a conjugate": lambda x, i, h, c: c.conj().imag.sum(0),
    "double into single": lambda x, i, h, c: torch.full_like(x, 1e-30).mul_(x.double() * 1e50),
    "double into a single one": lambda x, i, h, c: torch.full_like(x[0, 0], 1e-30).mul_(x.double()[0, 0] * 1e50),
    "a slope that is not given": lambda x, i, h, c: F.leaky_relu(x),
    "a curve that is steeper": lambda x, i, h, c: F.softplus(x, 2.0),
    "digits": lambda x, i, h, c: x.round(decimals=1),
    "a sum in another precision": lambda x, i, h, c: x.sum(0, dtype=torch.float64),
    "factors of a sum": lambda x, i, h, c: torch.addmm(x, x, x.T @ x, beta=0.5, alpha=2),
}
ODD_DTYPES = (torch.float32, torch.int64, torch.float16, torch.complex64)


def odd():
    return [(3 * torch.randn(5, 4)).to(dtype) for dtype in ODD_DTYPES]


@pytest.mark.filterwarnings("ignore:Casting complex values")
@pytest.mark.parametrize("name", LEFT_TO_TORCH)
def test_what_is_not_known_is_left_to_torch(assert_as_torch, name):
    known = {"known": lambda x, i, h, c: x + 1}  # without any there would be nothing to compile
    assert_as_torch(each_of(known | {name: LEFT_TO_TORCH[name]}), odd, in_c=False)


MIXED = {
    "single and double": lambda x, d, i, m, one: x * d,
    "a double number": lambda x, d, i, m, one: x * one + d.sum(),
    "a double number in place": lambda x, d, i, m, one: x.clone().mul_(one).lerp_(x, 0.2),
    "whole numbers": lambda x, d, i, m, one: x / i + i,
    "a quotient of whole numbers": lambda x, d, i, m, one: i / 7,
    "a power of whole numbers": lambda x, d, i, m, one: i**0.5,
    "flags and whole numbers": lambda x, d, i, m, one: torch.where(m, i, x),
    "single compared with double": lambda x, d, i, m, one: x.double() == d,
    "compared with a number": lambda x, d, i, m, one: torch.full_like(x, 0.1) == 0.1,
    "compared with a double number": lambda x, d, i, m, one: x.clone().fill_(one) == one,
    "whole numbers compared with a number": lambda x, d, i, m, one: i > 2.5,
    "flags compared": lambda x, d, i, m, one: m >= x,
    "copies": lambda x, d, i, m, one: torch.empty_like(x).copy_(d) + torch.empty_like(d).copy_(x),
    "copied whole numbers": lambda x, d, i, m, one: torch.empty_like(i).copy_(x) + x,
    "copied to flags": lambda x, d, i, m, one: torch.empty_like(m).copy_(d),
    "flags as numbers": lambda x, d, i, m, one: m.float() + i.bool().double(),
}


def mixed():
    x = 3 * torch.randn(4, 5)
    return [x, x.double() + (x > 0) * 1e-9, x.round().long() * 3 + 1, x > 0.5, torch.randn((), dtype=torch.float64)]


def test_dtypes_mix_as_torch_mixes_them(assert_as_torch):
    assert_as_torch(each_of(MIXED), mixed)


@pytest.mark.parametrize("type", ["float", "double", "int64_t"])
def test_a_number_is_written_in_full(type):
    assert literal(True, type) == f"({type})1"
    assert literal(-(2**60) - 1, type) == f"({type})-1152921504606846977"
    assert literal(0.1, type) == f"({type})0.1"
