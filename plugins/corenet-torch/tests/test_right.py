"""Right functions are not accused, in any dtype; what cannot be checked is refused in one line."""

import corenet as cn
import pytest
import torch
from torch import nn
from torch.nn import functional

from corenet_torch import GradcheckError, check, gradcheck
from corenet_torch.call import Call
from corenet_torch.trial import FunctionTrial


def positive(*shape):
    return torch.rand(shape) + 0.5


FUNCTIONS = {
    "exp": (torch.exp, (4, 3)),
    "relu": (torch.relu, (4, 3)),
    "gelu": (functional.gelu, (4, 3)),
    "log": (torch.log, positive(4, 3)),
    "sqrt": (torch.sqrt, positive(4, 3)),
    "softmax": (lambda x: torch.softmax(x, -1), (4, 3)),
    "product": (lambda a, b: a * b, (4, 3), (4, 3)),
    "broadcast": (lambda a, b: a * b, (4, 3), (3,)),
    "quotient": (torch.div, (4, 3), positive(4, 3)),
    "matrices": (torch.matmul, (4, 3), (3, 5)),
    "linear": (functional.linear, (4, 3), (5, 3), (5,)),
    "layer_norm": (lambda x, w, b: functional.layer_norm(x, x.shape[-1:], w, b), (4, 3), (3,), (3,)),
    "mse": (functional.mse_loss, (4, 3), (4, 3)),
    "cross_entropy": (functional.cross_entropy, (4, 3), torch.tensor([0, 2, 1, 1])),
    "embedding": (lambda rows, weight: weight[rows], torch.tensor([[0, 2], [1, 1]]), (5, 3)),
    "conv1d": (functional.conv1d, (2, 3, 8), (4, 3, 3)),
    "amax": (lambda x: x.amax(-1), (4, 3)),
    "cumsum": (lambda x: x.cumsum(0), (4, 3)),
    "two_outputs": (lambda x: (x.sin(), x.argmax(0), x.cos()), (4, 3)),
    "dropout": (functional.dropout, (4, 3)),
    "attention": (functional.scaled_dot_product_attention, (2, 4, 3), (2, 4, 3), (2, 4, 3)),
}
DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
# Each in float32, and in another dtype in turn.
CASES = [(name, dtype) for at, name in enumerate(FUNCTIONS) for dtype in (torch.float32, DTYPES[at % 4])]
CASES = list(dict.fromkeys(CASES))


@pytest.mark.parametrize(("name", "dtype"), CASES, ids=lambda each: str(each).removeprefix("torch."))
def test_a_right_function_is_not_accused(name, dtype):
    function, *given = FUNCTIONS[name]
    given = [torch.randn(each) if isinstance(each, tuple) else each for each in given]
    report = check(function, *(each.to(dtype) if each.is_floating_point() else each for each in given))
    assert report.failures == []
    assert report.power < 1e-3


@pytest.mark.parametrize("module", [nn.Linear(3, 2), nn.Sequential(nn.LayerNorm(3), nn.GELU()), nn.BatchNorm1d(3)])
def test_a_module_is_checked_with_its_parameters_and_not_changed(module):
    before = {name: each.clone() for name, each in module.state_dict().items()}
    assert check(module, torch.randn(4, 3)).ok
    assert all(torch.equal(each, before[name]) for name, each in module.state_dict().items())


class Only(torch.autograd.Function):
    """Refuses float64; ``factor`` is what the gradient is wrong by."""

    @staticmethod
    def forward(ctx, x, factor, places):
        if x.dtype == torch.float64:
            raise TypeError("no float64")
        ctx.save_for_backward(x)
        ctx.wrong = factor, places
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        factor, places = ctx.wrong
        s = torch.sigmoid(x)
        slope = (s + x * s * (1 - s)).contiguous()
        slope.view(-1)[:places] *= factor
        return grad_output * slope, None, None


@pytest.mark.parametrize(
    ("dtype", "factor"), [(torch.float32, 1 + 1e-5), (torch.float16, 1.01), (torch.bfloat16, 1.05)]
)
def test_without_float64_it_is_judged_in_its_own_dtype(dtype, factor):
    x = torch.randn(64, 64).to(dtype)

    def seen(*wrong):
        trial = FunctionTrial(Call.of(Only, (x, *wrong)), {})
        assert "no float64" in trial.refusal
        return any(slope.is_wrong for slope in trial.slopes)

    assert not seen(1.0, 0)
    assert seen(factor, 4096)
    assert seen(0.0, 1024)


class Upcast(torch.autograd.Function):
    """σ(x) w with σ in float32, as kernels of few digits compute it; FACTOR is one if its gradient is right."""

    FACTOR = 1.0

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return torch.sigmoid(x.float()).to(x.dtype) * w

    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        s = torch.sigmoid(x.float())
        grad_x = Upcast.FACTOR * (grad_output * w).float() * s * (1 - s)
        return grad_x.to(x.dtype), (grad_output.float() * s).to(w.dtype)


@pytest.mark.parametrize(("factor", "failures"), [(1.0, []), (-1.0, ["function.gradient"])])
def test_one_that_reads_its_input_in_float32_is_judged_in_float64_all_the_same(factor, failures, monkeypatch):
    monkeypatch.setattr(Upcast, "FACTOR", factor)
    report = check(Upcast, torch.randn(8, 16).half(), torch.randn(8, 16).half())
    assert [each.check for each in report.failures] == failures, report


class Drawn(torch.autograd.Function):
    """Dropout whose generator gives other numbers in another dtype; FACTOR is one if its gradient is right."""

    FACTOR = 1.0

    @staticmethod
    def forward(ctx, x, p):
        mask = (torch.rand_like(x) > p) / (1 - p)
        ctx.save_for_backward(mask)
        return x * mask

    @staticmethod
    def backward(ctx, grad_output):
        (mask,) = ctx.saved_tensors
        return Drawn.FACTOR * grad_output * mask, None


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_numbers_that_are_drawn_in_the_dtype_of_the_input_are_no_fault(dtype):
    report = check(Drawn, torch.randn(16, 8).to(dtype), 0.5)
    assert not report.failures, report


def test_the_gradient_of_one_that_draws_is_judged(monkeypatch):
    monkeypatch.setattr(Drawn, "FACTOR", 2.0)
    assert [each.check for each in check(Drawn, torch.randn(16, 8), 0.5).failures] == ["function.gradient"]


def test_the_report_of_one_that_refuses_float64():
    report = check(Only, torch.randn(4, 3), 1.5, 6)
    verdicts = {each.check: each.verdict for each in report.results}
    assert verdicts["function.gradient"] == "skipped"
    assert [failure.check for failure in report.failures] == ["function.own_dtype"]


def test_inputs_that_require_a_gradient_are_those_that_are_checked():
    a, b = torch.randn(3, requires_grad=True), torch.randn(3)
    wrong = lambda grad_output, a, b: (grad_output * b, grad_output * 7)  # noqa: E731
    assert not check((torch.mul, wrong), a, b + 0.0).failures
    assert check((torch.mul, wrong), a.detach(), b).failures


def test_gradcheck_has_the_signature_of_torch():
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    for each in (gradcheck, torch.autograd.gradcheck):
        assert each(torch.tanh, (x,), eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=False, fast_mode=False)
    pair = (torch.square, lambda grad_output, x: grad_output * x)
    assert not gradcheck(pair, (x,), raise_exception=False)
    with pytest.raises(GradcheckError, match="a factor 2 is missing") as caught:
        gradcheck(pair, x)
    assert isinstance(caught.value, torch.autograd.gradcheck.__globals__["GradcheckError"])
    assert caught.value.report.failures


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            (3, torch.ones(2)),
            "check takes an autograd.Function, a torch.nn.Module, a function, a custom operator or a pair",
        ),
        ((torch.exp,), "exp needs a floating-point tensor"),
        ((torch.exp, torch.ones(2, dtype=torch.complex64)), "exp is given complex numbers"),
    ],
)
def test_what_cannot_be_checked_is_refused(given, message):
    with pytest.raises(cn.ConfigError, match=message):
        check(*given)
