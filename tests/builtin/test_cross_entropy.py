"""Cross-entropy gives PyTorch's numbers for every combination of its options, and refuses what has no number."""

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn import functional

import corenet as cn
from corenet.testing.support.guess import trials_of

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
INTEGERS = [torch.uint8, torch.int16, torch.int32, torch.int64]
REDUCTIONS = ["mean", "sum", "none"]
quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
shapes = st.tuples(st.integers(1, 5), st.integers(1, 6), st.lists(st.integers(1, 3), max_size=3)).map(
    lambda each: (*each[:2], *each[2])
)


def of_indices(shape, ignored=None, part=0.0):
    """Return class indices for logits of such a shape; a part of them, but not the first, is ``ignored``."""
    points = (*shape[:1], *shape[2:]) if len(shape) > 1 else ()
    drawn = torch.randint(shape[min(1, len(shape) - 1)], points)
    if ignored is not None and drawn.dim():
        mask = torch.rand(points) < part
        mask.view(-1)[0] = False
        drawn = torch.where(mask, ignored, torch.where(drawn == ignored, (ignored + 1) % shape[1], drawn))
    return drawn


def of_probabilities(shape, dtype=torch.float64):
    return torch.softmax(2 * torch.randn(shape, dtype=torch.float64), min(1, len(shape) - 1)).to(dtype)


def assert_like_torch(derive, close, options, input, target):
    """Compare the value and the gradient in the precision that the loss works in."""
    wide = torch.promote_types(input.dtype, torch.float32)
    options = {name: each.to(wide) if name == "weight" else each for name, each in options.items()}
    theirs = target.to(wide) if target.is_floating_point() else target.long()
    value, gradient = derive(lambda x: functional.cross_entropy(x, theirs, **options), input.to(wide))
    loss = cn.CrossEntropyLoss(**options)
    found = loss(input, target)
    assert found.shape == value.shape
    close(found, value, roundings=64)
    close(loss.backward(), gradient.to(input.dtype), roundings=64)


@quick
@given(
    shape=shapes,
    dtype=st.sampled_from(FLOATS),
    reduction=st.sampled_from(REDUCTIONS),
    weighted=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.1, 0.37, 1.0]),
    ignored=st.sampled_from([-100, -1, 0, 1, 4, 250]),
    part=st.sampled_from([0.0, 0.4, 0.9]),
    kind=st.sampled_from(INTEGERS),
)
def test_class_indices_give_torchs_numbers_under_all_options_together(
    derive, close, shape, dtype, reduction, weighted, smoothing, ignored, part, kind
):
    if shape[1] == 1 and ignored == 0:
        return  # the only class is ignored
    options = {"reduction": reduction, "label_smoothing": smoothing, "ignore_index": ignored}
    if weighted:
        options["weight"] = 0.25 + 2 * torch.rand(shape[1])
    target = of_indices(shape, ignored, part)
    if target.min() >= 0 and target.max() < 200:
        target = target.to(kind)
    assert_like_torch(derive, close, options, (3 * torch.randn(shape)).to(dtype), target)


@quick
@given(
    shape=shapes,
    dtype=st.sampled_from(FLOATS),
    reduction=st.sampled_from(REDUCTIONS),
    weighted=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.1, 0.37, 1.0]),
)
def test_probabilities_give_torchs_numbers_under_all_options_together(
    derive, close, shape, dtype, reduction, weighted, smoothing
):
    options = {"reduction": reduction, "label_smoothing": smoothing}
    if weighted:
        options["weight"] = 0.25 + 2 * torch.rand(shape[1])
    assert_like_torch(derive, close, options, (3 * torch.randn(shape)).to(dtype), of_probabilities(shape, dtype))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weight", [None, torch.tensor([0.5, 3.0, 1.5, 0.25])])
@pytest.mark.parametrize("kind", ["index", "probabilities"])
def test_one_point_without_a_batch_gives_torchs_numbers(derive, close, reduction, smoothing, weight, kind):
    options = {"reduction": reduction, "label_smoothing": smoothing}
    options |= {} if weight is None else {"weight": weight}
    target = torch.tensor(2) if kind == "index" else of_probabilities((4,))
    assert_like_torch(derive, close, options, torch.randn(4, dtype=torch.float64), target)


def test_probabilities_that_do_not_sum_to_one_give_torchs_numbers(derive, close):
    target = torch.rand(5, 3, dtype=torch.float64)
    assert_like_torch(derive, close, {"label_smoothing": 0.2}, torch.randn(5, 3, dtype=torch.float64), target)


def test_the_gradient_agrees_in_every_case():
    reports = [trial.gradients for trial in trials_of(cn.CrossEntropyLoss, "loss")]
    assert len(reports) == 15
    assert all(report.ok for report in reports), "\n".join(map(str, reports))
    assert max(report.error for report in reports) < 1e-6


# Extremes.


@pytest.mark.parametrize("logit", [-1e30, -1000.0, -50.0, 50.0, 1000.0, 1e30])
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"weight": torch.tensor([2.0, 0.5, 3.0])}], ids=str)
def test_large_logits_neither_overflow_nor_lose_their_gradient(derive, close, logit, options):
    input = torch.tensor([[logit, 0.3, -0.2], [0.1, logit, logit]])
    for target in (torch.tensor([0, 2]), torch.tensor([1, 0]), of_probabilities((2, 3), torch.float32)):
        assert_like_torch(derive, close, options, input, target)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_confident_right_answer_is_tiny_not_lost(dtype):
    loss = cn.CrossEntropyLoss()
    logits = torch.tensor([[30.0, 0.0]], dtype=dtype)
    value, exact = loss(logits, torch.tensor([0])), math.log1p(math.exp(-30))
    assert value.item() == pytest.approx(exact, rel=1e-3 if dtype is torch.float64 else 1, abs=1e-7)
    assert loss.backward()[0, 1].item() == pytest.approx(math.exp(-30), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_class_that_a_logit_of_minus_infinity_rules_out(derive, close, smoothing):
    input, target = torch.tensor([[0.3, -math.inf, 0.1], [-math.inf, -1.0, 2.0]]), torch.tensor([2, 1])
    assert_like_torch(derive, close, {"label_smoothing": smoothing}, input, target)
    ignored = torch.tensor([-100, 1])
    found = cn.CrossEntropyLoss(reduction="none", label_smoothing=smoothing)(input, ignored)
    assert found[0].item() == 0
    assert found[1].isinf().item() == (smoothing > 0)


def test_zero_times_the_logarithm_of_zero_is_zero():
    loss = cn.CrossEntropyLoss(reduction="none")
    input = torch.tensor([[0.7, -math.inf, 0.7], [0.7, -math.inf, -math.inf]])
    value = loss(input, torch.tensor([[0.25, 0.0, 0.75], [1.0, 0.0, 0.0]]))
    torch.testing.assert_close(value, torch.tensor([math.log(2), 0.0]))
    torch.testing.assert_close(loss.backward(), torch.tensor([[0.25, 0.0, -0.25], [0.0, 0.0, 0.0]]))


def test_half_precision_reduces_in_float32():
    count = 100_000  # a running sum in half precision stops far below
    logits, target = torch.zeros(count, 2, dtype=torch.float16), torch.zeros(count, dtype=torch.int64)
    loss = cn.CrossEntropyLoss(reduction="sum")
    value = loss(logits, target)
    assert (value.dtype, loss.backward().dtype) == (torch.float32, torch.float16)
    assert value.item() == pytest.approx(count * math.log(2), rel=1e-5)


# The weight.


def test_the_weight_is_a_constant_of_its_own_that_moves_with_the_loss():
    weight = torch.tensor([0.5, 2.0, 3.0])
    loss = cn.CrossEntropyLoss(weight)
    weight += 1
    assert loss.weight.tolist() == [0.5, 2.0, 3.0]
    assert isinstance(loss.weight, cn.Buffer)
    assert loss.to(torch.float64).weight.dtype == torch.float64
    assert [name for name, _ in loss.named_tensors()] == ["weight"]


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_weight_of_another_float_dtype_serves(dtype):
    input, target = torch.randn(5, 3).to(dtype), torch.tensor([0, 1, 2, 1, 0])
    loss = cn.CrossEntropyLoss(torch.tensor([2.0, 2.0, 2.0]).double(), reduction="none")
    plain = cn.CrossEntropyLoss(reduction="none")(input, target)
    torch.testing.assert_close(loss(input, target), 2 * plain)
    assert loss.backward().dtype == dtype


# What outputs mean.


@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (2, 4, 3, 2), (6,)])
def test_probabilities_and_predictions_are_along_the_classes(shape):
    loss, output, dim = cn.CrossEntropyLoss(), torch.randn(shape), min(1, len(shape) - 1)
    assert torch.equal(loss.probabilities(output), torch.softmax(output, dim))
    assert torch.equal(loss.predictions(output), output.argmax(dim))


def test_its_repr_says_what_is_set():
    loss = cn.CrossEntropyLoss(torch.ones(3), 1, "sum", 0.25)
    assert repr(loss) == "CrossEntropyLoss(weight of 3, ignore_index=1, 'sum', label_smoothing=0.25)"
    assert repr(cn.CrossEntropyLoss()) == "CrossEntropyLoss()"


def test_points_weigh_alike_unless_one_is_ignored_or_of_another_weight():
    weighted, ignoring = cn.CrossEntropyLoss(torch.tensor([1.0, 2.0])), cn.CrossEntropyLoss(ignore_index=1)
    same, mixed = torch.tensor([1, 1, 1]), torch.tensor([0, 1, 0])
    assert [each.weighs_points_alike(mixed) for each in (cn.CrossEntropyLoss(), weighted, ignoring)] == [1, 0, 0]
    assert weighted.weighs_points_alike(same)
    assert cn.CrossEntropyLoss(torch.tensor([1.0, 2.0]), reduction="sum").weighs_points_alike(mixed)
