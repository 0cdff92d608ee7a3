"""The contract of a loss: a number, and the exact derivative of that number."""

import copy
import pickle

import pytest
import torch

import corenet as cn
from corenet.contracts.loss import check_unit_interval

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
ELEMENTWISE = [cn.MSELoss, cn.MAELoss, cn.BCELoss, cn.BCEWithLogitsLoss]
every_loss = pytest.mark.parametrize("kind", ELEMENTWISE)


class Cubic(cn.ElementwiseLoss):
    """|x − t|³, as a stranger would write it."""

    def elements(self, input, target):
        return (input - target).abs() ** 3

    def derivative(self, input, target):
        return 3 * (input - target).abs() * (input - target)


class CrossEntropy(cn.Loss):
    """On class indices: a loss that is not elementwise and checks its own arguments."""

    def forward(self, input, target):
        log_probabilities = input.log_softmax(-1)
        self.save(log_probabilities, target)
        return -log_probabilities[torch.arange(len(target)), target].mean()

    def backward(self):
        log_probabilities, target = self.saved()
        ones = torch.nn.functional.one_hot(target, log_probabilities.shape[-1])
        return (log_probabilities.exp() - ones) / len(target)


def halves(*shape, dtype=torch.float32):
    return torch.full(shape, 0.5, dtype=dtype)


# Writing a loss.


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_loss_in_two_formulas_has_a_right_gradient(reduction):
    assert cn.gradcheck(Cubic(reduction), torch.randn(4, 3), torch.randn(4, 3))


def test_a_loss_on_class_indices_checks_its_own_arguments():
    input, target = torch.randn(4, 3, dtype=torch.float64), torch.tensor([0, 2, 1, 1])
    loss = CrossEntropy()
    torch.testing.assert_close(loss(input, target), torch.nn.functional.cross_entropy(input, target))
    assert loss.backward().shape == input.shape
    assert cn.gradcheck(CrossEntropy(), input, target)


@pytest.mark.parametrize(
    ("call", "method"),
    [
        (lambda: cn.Loss()(halves(1), halves(1)), r"Loss must define forward\(self, input, target\)"),
        (lambda: cn.Loss().backward(), r"Loss must define backward\(self\)"),
        (lambda: cn.ElementwiseLoss()(halves(1), halves(1)), "ElementwiseLoss must define elements"),
        (lambda: cn.ElementwiseLoss().derivative(halves(1), halves(1)), "ElementwiseLoss must define derivative"),
    ],
)
def test_a_method_left_out_says_so(call, method):
    with pytest.raises(NotImplementedError, match=method):
        call()


@every_loss
def test_forward_returns_a_number_and_backward_the_shape_of_input(kind):
    loss = kind()
    value = loss(halves(4, 3), halves(4, 3))
    assert value.shape == ()
    assert loss.backward().shape == (4, 3)


@every_loss
def test_reduction_none_returns_the_values_and_backward_the_gradient_of_their_sum(kind):
    input, target = torch.rand(4, 3), torch.rand(4, 3)
    unreduced, summed, mean = kind(reduction="none"), kind(reduction="sum"), kind()
    values = unreduced(input, target)
    assert values.shape == (4, 3)
    torch.testing.assert_close(values.sum(), summed(input, target))
    torch.testing.assert_close(values.mean(), mean(input, target))
    assert torch.equal(unreduced.backward(), summed.backward())


@every_loss
def test_the_mean_is_over_all_elements(kind):
    mean, summed = kind(), kind(reduction="sum")
    input, target = torch.rand(4, 3), torch.rand(4, 3)
    mean(input, target)
    summed(input, target)
    torch.testing.assert_close(mean.backward() * 12, summed.backward())


# The order of calls.


@every_loss
def test_order_backward_before_a_forward_raises(kind):
    with pytest.raises(cn.BackwardError, match=rf"{kind.__name__}\(\) has nothing saved for backward"):
        kind().backward()


@every_loss
def test_order_backward_twice_raises(kind):
    loss = kind()
    loss(halves(2), halves(2))
    loss.backward()
    with pytest.raises(cn.BackwardError, match="evaluate the loss first, once for each"):
        loss.backward()


def test_order_a_loss_may_be_evaluated_again_and_the_new_values_replace_the_old():
    loss = cn.MSELoss()
    loss(torch.tensor([9.0]), torch.tensor([0.0]))
    loss(torch.tensor([1.0]), torch.tensor([0.0]))
    assert loss.backward().tolist() == [2.0]


def test_order_a_refused_evaluation_drops_the_old_values():
    loss = cn.MSELoss()
    loss(halves(2), halves(2))
    with pytest.raises(cn.ShapeError):
        loss(halves(2), halves(3))
    with pytest.raises(cn.BackwardError):
        loss.backward()


# Half precision.


@every_loss
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_half_precision_losses_reduce_in_float32_and_give_back_the_inputs_dtype(kind, dtype, reduction):
    input, target = torch.rand(50).to(dtype), torch.rand(50).to(dtype)
    loss = kind(reduction=reduction)
    value = loss(input, target)
    grad = loss.backward()
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    exact = kind(reduction=reduction)
    assert value.dtype == wide
    assert grad.dtype == dtype
    torch.testing.assert_close(value, exact(input.to(wide), target.to(wide)), rtol=0, atol=0)
    torch.testing.assert_close(grad, exact.backward().to(dtype), rtol=0, atol=0)


def test_half_precision_sums_do_not_overflow():
    ones = torch.full((100_000,), 1.0, dtype=torch.float16)
    assert cn.MSELoss("sum")(ones, -ones).item() == 400_000.0


# Copies, and the domain of a probability.


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))])
def test_a_copy_computes_alike(clone):
    loss = cn.BCELoss(weight=torch.tensor([1.0, 2.0]), reduction="sum")
    input, target = torch.rand(3, 2), torch.rand(3, 2)
    assert torch.equal(clone(loss)(input, target), loss(input, target))


def test_neither_method_changes_its_arguments():
    for kind in ELEMENTWISE:
        input, target = torch.rand(4, 3), torch.rand(4, 3)
        kept = input.clone(), target.clone()
        loss = kind()
        loss(input, target)
        loss.backward()
        assert torch.equal(input, kept[0])
        assert torch.equal(target, kept[1])


def test_repr_shows_the_reduction_where_it_is_not_the_mean():
    assert repr(cn.MSELoss()) == "MSELoss()"
    assert repr(cn.MSELoss("sum")) == "MSELoss('sum')"
    assert repr(cn.Loss()) == "Loss()"


@pytest.mark.parametrize("value", [-1e-6, 1.0001, float("nan"), float("inf"), -float("inf")])
def test_check_unit_interval_refuses_what_is_no_probability(value):
    with pytest.raises(cn.RangeError, match=r"^owner takes target in \[0, 1\], got"):
        check_unit_interval("owner", "target", torch.tensor([0.0, value, 1.0]))


def test_check_unit_interval_takes_its_bounds_and_nothing():
    check_unit_interval("owner", "input", torch.tensor([0.0, 1.0]))
    check_unit_interval("owner", "input", torch.empty(0))


def test_a_loss_that_broadcast_is_refused_by_the_shape_of_its_gradient():
    class Careless(cn.Loss):
        def forward(self, input, target):
            self.save(input, target)
            return (input - target).square().mean()

        def backward(self):
            input, target = self.saved()
            return 2 * (input - target) / input.numel()

    loss = Careless()
    loss(torch.ones(3, 1), torch.zeros(3))
    with pytest.raises(cn.ShapeError, match=r"the gradient got \(3, 3\); expected the input's shape \(3, 1\)"):
        loss.backward()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.5, r"float, not a tensor; leave out \.item\(\)"),
        (None, "NoneType, not a tensor"),
        ([torch.ones(1)], "list, not a tensor"),
    ],
)
def test_a_forward_that_returns_no_tensor_says_so(value, told):
    class Odd(cn.Loss):
        def forward(self, input, target):
            return value

    with pytest.raises(cn.DTypeError, match=rf"^Odd\(\): forward returns {told}$"):
        Odd()(halves(2), halves(2))


@pytest.mark.parametrize(("value", "kind"), [(0.5, "float"), (None, "NoneType"), (torch.ones(2).numpy(), "ndarray")])
def test_a_backward_that_returns_no_tensor_says_so(value, kind):
    class Odd(cn.MSELoss):
        def backward(self):
            return value

    loss = Odd()
    loss(halves(2), halves(2))
    with pytest.raises(cn.DTypeError, match=rf"^Odd\(\): backward returns {kind}, not a tensor"):
        loss.backward()


def test_code_written_for_pytorch_is_told_which_backward_it_means():
    loss = cn.MSELoss()
    value = loss(torch.ones(2, 1), torch.zeros(2, 1))
    with pytest.raises(cn.BackwardError, match=r"after loss\(output, target\) write loss\.backward\(\)"):
        value.backward()
    assert copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == 1.0
    assert loss.backward().shape == (2, 1)
