import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn import functional

import corenet as cn
from corenet.testing.support.guess import trials_of

COUNTERPARTS = {
    cn.MSELoss: functional.mse_loss,
    cn.MAELoss: functional.l1_loss,
    cn.BCELoss: functional.binary_cross_entropy,
    cn.BCEWithLogitsLoss: functional.binary_cross_entropy_with_logits,
}
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
HALVES = [torch.float16, torch.bfloat16]
REDUCTIONS = ["mean", "sum", "none"]
each = pytest.mark.parametrize("cls", COUNTERPARTS)
weighted = pytest.mark.parametrize("cls", [cn.BCELoss, cn.BCEWithLogitsLoss])
reduced = pytest.mark.parametrize("reduction", REDUCTIONS)
quick = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def pair(cls, shape, dtype=torch.float64):
    """Return an input in the domain of the loss, off its edges, and a target."""
    low, high = (0.05, 0.95) if cls is cn.BCELoss else (-3.0, 3.0)
    return (low + (high - low) * torch.rand(shape)).to(dtype), torch.rand(shape).to(dtype)


def assert_like_torch(derive, close, loss, counterpart, input, target):
    """Compare the value and the gradient in the precision that the loss works in."""
    wide = torch.promote_types(input.dtype, torch.float32)
    value, gradient = derive(lambda x: counterpart(x, target.to(wide)), input.to(wide))
    close(loss(input, target), value, roundings=32)
    close(loss.backward(), gradient.to(input.dtype), roundings=32)


@each
@quick
@given(
    shape=st.lists(st.integers(1, 5), max_size=3), dtype=st.sampled_from(FLOATS), reduction=st.sampled_from(REDUCTIONS)
)
def test_values_and_gradients_equal_torch_in_any_shape_dtype_and_reduction(derive, close, cls, shape, dtype, reduction):
    def counterpart(input, target):
        return COUNTERPARTS[cls](input, target, reduction=reduction)

    assert_like_torch(derive, close, cls(reduction=reduction), counterpart, *pair(cls, shape, dtype))


@each
def test_the_gradient_agrees_in_every_case(cls):
    reports = [trial.gradients for trial in trials_of(cls, "loss")]
    assert reports
    assert all(report.ok for report in reports), "\n".join(map(str, reports))
    assert max(report.error for report in reports) < 1e-6


@reduced
@each
def test_backward_is_the_gradient_of_the_number_or_of_the_sum_of_the_numbers(cls, reduction):
    loss = cls(reduction=reduction)
    input, target = pair(cls, (4, 3))
    value = loss(input, target)
    assert value.shape == ((4, 3) if reduction == "none" else ())
    gradient, step = loss.backward(), 1e-6
    bump = torch.zeros_like(input)
    bump[1, 2] = step
    numeric = (loss(input + bump, target).sum() - loss(input - bump, target).sum()) / (2 * step)
    torch.testing.assert_close(gradient[1, 2], numeric, rtol=1e-6, atol=1e-8)


# The edges of each.


def test_the_mae_gradient_at_0_is_0():
    loss = cn.MAELoss("sum")
    loss(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 1.0, 4.0]))
    assert loss.backward().tolist() == [0, 1, -1]


@reduced
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_bce_follows_pytorch_at_its_clamp(derive, reduction, dtype):
    inputs, targets = torch.meshgrid(
        torch.tensor([0, 1e-45, 1e-30, 1e-13, 1e-12, 0.5, 1 - 2**-24, 1], dtype=dtype),
        torch.tensor([0, 0.3, 1], dtype=dtype),
        indexing="ij",
    )
    loss = cn.BCELoss(reduction=reduction)
    value, gradient = derive(lambda x: functional.binary_cross_entropy(x, targets, reduction=reduction), inputs)
    torch.testing.assert_close(loss(inputs, targets), value)
    torch.testing.assert_close(loss.backward(), gradient)


def test_bce_logarithms_are_at_least_minus_100():
    loss = cn.BCELoss(reduction="none")
    assert loss(torch.tensor([0.0, 1.0, 0.0, 1.0]), torch.tensor([1.0, 0.0, 0.0, 1.0])).tolist() == [100, 100, 0, 0]


@pytest.mark.parametrize("logit", [-1e30, -1000.0, -50.0, 0.0, 50.0, 1000.0, 1e30])
def test_bce_with_logits_neither_overflows_nor_loses_its_gradient(derive, close, logit):
    input, target = torch.tensor([logit] * 3), torch.tensor([0.0, 0.3, 1.0])
    assert_like_torch(derive, close, cn.BCEWithLogitsLoss(), functional.binary_cross_entropy_with_logits, input, target)


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["input", "target"])
def test_bce_rejects_inputs_or_targets_outside_the_unit_interval_and_nan(name, value):
    good, bad = torch.tensor([0.5, 0.5, 0.5]), torch.tensor([0.5, value, 0.5])
    loss = cn.BCELoss()
    arguments = (bad, good) if name == "input" else (good, bad)
    with pytest.raises(cn.RangeError, match=rf"BCELoss\(\) takes {name} in \[0, 1\], got {value:g}"):
        loss(*arguments)
    with pytest.raises(cn.BackwardError):
        loss.backward()


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_bce_with_logits_rejects_targets_outside_the_unit_interval_and_nan(value):
    with pytest.raises(cn.RangeError, match="takes target in"):
        cn.BCEWithLogitsLoss()(torch.zeros(2), torch.tensor([value, 1.0]))


@pytest.mark.parametrize(("sign", "target"), [(1, 1.0), (-1, 0.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_bce_with_logits_of_a_confident_right_answer_is_tiny_not_lost(sign, target, dtype):
    loss = cn.BCEWithLogitsLoss()
    value = loss(torch.tensor([sign * 40.0], dtype=dtype), torch.tensor([target], dtype=dtype))
    assert value.item() == pytest.approx(math.exp(-40), rel=1e-5, abs=0)
    assert loss.backward().item() == pytest.approx(-sign * math.exp(-40), rel=1e-5, abs=0)


# Weights.


@weighted
@reduced
@pytest.mark.parametrize("shape", [(), (1,), (3,), (4, 1), (4, 3), (1, 3)])
def test_the_weight_broadcasts_as_pytorchs_and_the_mean_divides_by_the_number_of_elements(
    derive, close, cls, reduction, shape
):
    weight = 0.5 + torch.rand(shape, dtype=torch.float64)

    def counterpart(input, target):
        return COUNTERPARTS[cls](input, target, weight=weight, reduction=reduction)

    assert_like_torch(derive, close, cls(weight=weight, reduction=reduction), counterpart, *pair(cls, (4, 3)))


@reduced
@pytest.mark.parametrize("shape", [(), (3,), (4, 3)])
def test_the_pos_weight_broadcasts_as_pytorchs(derive, close, reduction, shape):
    pos_weight, weight = 0.5 + 2 * torch.rand(shape).double(), torch.rand(3).double()

    def counterpart(input, target):
        return functional.binary_cross_entropy_with_logits(
            input, target, weight=weight, pos_weight=pos_weight, reduction=reduction
        )

    loss = cn.BCEWithLogitsLoss(weight, reduction, pos_weight)
    assert_like_torch(derive, close, loss, counterpart, *pair(cn.BCEWithLogitsLoss, (4, 3)))


def test_a_weight_is_multiplied_and_the_mean_divides_by_four_not_by_its_sum():
    loss = cn.BCELoss(weight=torch.tensor([2.0, 6.0]))
    value = loss(torch.full((2, 2), 0.5), torch.ones(2, 2))
    torch.testing.assert_close(value, torch.tensor(math.log(2) * 16 / 4))


@weighted
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_weight_of_another_float_dtype_serves(cls, dtype):
    loss = cls(weight=torch.tensor([2.0, 2.0]).double(), reduction="none")
    input, target = pair(cls, (3, 2), dtype)
    plain = cls(reduction="none")(input, target)
    value = loss(input, target)
    assert value.dtype == plain.dtype
    torch.testing.assert_close(value, 2 * plain)
    assert loss.backward().dtype == dtype


@weighted
def test_a_weight_is_a_constant_of_its_own(cls):
    weight = torch.ones(2)
    loss = cls(weight=weight)
    weight += 1
    assert loss.weight.tolist() == [1, 1]


@weighted
@pytest.mark.parametrize("shape", [(2,), (5, 4, 3), (3, 4)])
def test_a_weight_that_does_not_broadcast_to_the_input_is_refused(cls, shape):
    with pytest.raises(cn.ShapeError, match=r"weight got .*must broadcast to the input's \(4, 3\)") as caught:
        cls(weight=torch.ones(shape))(*pair(cls, (4, 3)))
    assert caught.value.shape == shape


@weighted
def test_a_weight_that_is_no_finite_floating_point_tensor_is_refused(cls):
    for weight in (2.0, [1.0], torch.ones(2, dtype=torch.int64)):
        with pytest.raises(cn.ConfigError, match="weight must be a floating-point tensor or None"):
            cls(weight=weight)
    for value in (math.nan, math.inf):
        with pytest.raises(cn.RangeError, match=f"^weight must be finite, got {value}$"):
            cls(weight=torch.tensor([[1.0], [value]]))
    with pytest.raises(cn.ConfigError, match=r"not a tensor of torch\.int64$"):
        cls(weight=torch.ones(1000, dtype=torch.int64))


@weighted
def test_a_weight_on_another_device_is_refused(cls):
    loss = cls()
    loss.weight = torch.ones(3, device="meta")
    with pytest.raises(cn.DeviceError, match="has weight on meta and got input on cpu"):
        loss(*pair(cls, (4, 3)))


def test_a_pos_weight_is_held_to_the_same_rules():
    with pytest.raises(cn.ConfigError, match="pos_weight must be a floating-point tensor"):
        cn.BCEWithLogitsLoss(pos_weight=3.0)
    with pytest.raises(cn.RangeError, match="pos_weight must be finite"):
        cn.BCEWithLogitsLoss(pos_weight=torch.tensor([math.inf]))
    with pytest.raises(cn.ShapeError, match="pos_weight got"):
        cn.BCEWithLogitsLoss(pos_weight=torch.ones(2))(*pair(cn.BCEWithLogitsLoss, (4, 3)))


# Precision.


@each
@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_losses_return_float32_and_their_gradient_has_the_inputs_dtype(cls, dtype):
    for reduction in REDUCTIONS:
        loss = cls(reduction=reduction)
        assert loss(*pair(cls, (4, 3), dtype)).dtype == torch.float32
        assert loss.backward().dtype == dtype


@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_losses_reduce_in_float32(dtype):
    count = 100_000  # a running sum in half precision stops far below
    ones, zeros = torch.ones(count, dtype=dtype), torch.zeros(count, dtype=dtype)
    assert cn.MSELoss("sum")(ones, zeros).item() == count
    assert cn.MSELoss()(300 * ones, zeros).item() == pytest.approx(90_000)  # beyond the largest number of float16


@each
def test_the_arguments_are_not_changed(cls):
    input, target = pair(cls, (4, 3))
    before = input.clone(), target.clone()
    loss = cls()
    loss(input, target)
    loss.backward()
    assert torch.equal(input, before[0])
    assert torch.equal(target, before[1])


@pytest.mark.parametrize("dtype", FLOATS)
def test_what_outputs_of_a_binary_loss_mean(dtype):
    probabilities = torch.tensor([0.0, 0.5, 0.51, 1.0, torch.nan], dtype=dtype)
    logits = torch.tensor([-9.0, 0.0, 0.01, 40.0, torch.nan], dtype=dtype)
    expected = torch.tensor([0.0, 0.0, 1.0, 1.0, torch.nan], dtype=dtype)
    for loss, output in ((cn.BCELoss(), probabilities), (cn.BCEWithLogitsLoss(), logits)):
        torch.testing.assert_close(loss.predictions(output), expected, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(cn.BCELoss().probabilities(probabilities), probabilities, equal_nan=True)
    torch.testing.assert_close(cn.BCEWithLogitsLoss().probabilities(logits), torch.sigmoid(logits), equal_nan=True)


@pytest.mark.parametrize("loss", [cn.MSELoss(), cn.MAELoss("sum")])
def test_outputs_of_a_loss_of_values_are_the_values(loss):
    output = torch.tensor([-3.0, 0.4, torch.inf])
    assert torch.equal(loss.predictions(output), output)
    with pytest.raises(cn.ConfigError, match="takes outputs for values, so they are no probabilities"):
        loss.probabilities(output)
