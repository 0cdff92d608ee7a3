"""What a function claims besides: second derivatives, torch.vmap, torch.compile, torch.autocast."""

import corenet as cn
import pytest
import torch

from corenet_torch import check

ALL = ("double_backward", "vmap", "compile", "autocast")


class Cube(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * grad_output


class Detached(Cube):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return 3 * x.detach() ** 2 * grad_output


class Once(Cube):
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * grad_output


class ByHand(Cube):
    """Its rule for a batch adds up what must stay apart."""

    generate_vmap_rule = False

    @staticmethod
    def vmap(info, in_dims, x):
        return ByHand.apply(x) + 1e-3 * x.sum(0, keepdim=True), 0


class Old(torch.autograd.Function):
    """Forward and context in one, which torch.vmap refuses."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    backward = Cube.backward


class Branches(Cube):
    @staticmethod
    def forward(x):
        return x**3 if float(x.sum()) > -1e9 else x


class Product(torch.autograd.Function):
    """Right, but for what torch.amp.custom_bwd does: backward multiplies bfloat16 and float32."""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x @ weight

    @staticmethod
    def backward(ctx, grad_output):
        x, weight = ctx.saved_tensors
        return grad_output @ weight.T, x.T @ grad_output


class Cast(Product):
    forward = staticmethod(torch.amp.custom_fwd(Product.forward, device_type="cpu"))
    backward = staticmethod(torch.amp.custom_bwd(Product.backward, device_type="cpu"))


def test_what_holds_passes():
    report = check(Cube, torch.randn(4, 3), also=ALL)
    assert report.failures == []
    assert [each.verdict for each in report.results[-4:]] == ["passed"] * 4
    assert [each.check for each in report.results[-4:]] == [f"function.{each}" for each in ALL]


def test_a_module_and_a_product_under_autocast():
    assert check(torch.nn.Linear(3, 2), torch.randn(4, 3), also=ALL).failures == []
    assert check(Cast, torch.randn(4, 3), torch.randn(3, 5), also=["autocast"]).failures == []


@pytest.mark.parametrize(
    ("function", "claim", "words"),
    [
        (Detached, "double_backward", "the second derivative by x at"),
        (Once, "double_backward", "once_differentiable"),
        (Old, "vmap", "setup_context"),
        (ByHand, "vmap", "under torch.vmap the output is another"),
        (Branches, "compile", "it raised"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_what_does_not_hold_is_told(function, claim, words):
    (failure,) = check(function, torch.randn(4, 3), also=[claim]).failures
    assert failure.check == f"function.{claim}"
    assert words in failure.message


def test_a_product_that_does_not_know_of_autocast():
    (failure,) = check(Product, torch.randn(4, 3), torch.randn(3, 5), also=["autocast"]).failures
    assert failure.check == "function.autocast"
    assert "dtype" in failure.message


def test_a_claim_can_be_expected_to_fail():
    report = check(Once, torch.randn(3), also=["double_backward"], expected_failures={"function.double_backward": "no"})
    assert report.ok
    assert report.results[-1].verdict == "expected failure"


@pytest.mark.parametrize(
    ("function", "also", "message"),
    [
        (Cube, ["vmpa"], "also takes some of .*did you mean 'vmap'"),
        (Cube, "vmap", "in a list, not 'vmap'"),
        ((torch.square, torch.square), ["vmap"], "a pair of functions that autograd does not run"),
    ],
    ids=["unknown", "text", "pair"],
)
def test_what_is_no_claim_is_refused(function, also, message):
    with pytest.raises(cn.ConfigError, match=message):
        check(function, torch.randn(3), also=also)
