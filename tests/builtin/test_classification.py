"""Metrics of classes come to scikit-learn's numbers, whole and in pieces."""

import warnings
from math import isnan

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import corenet as cn

SEEDS, SIZES = st.integers(0, 999), st.integers(1, 9)


def drawn(classes, seed, count=31):
    """Return predicted and right classes, of which some may not occur."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(classes, (count,), generator=generator)
    target[target == seed % (2 * classes)] = 0
    other = torch.randint(classes, (count,), generator=generator)
    predicted = torch.where(torch.rand(count, generator=generator) < 0.4, other, target)
    return (predicted.bool(), target.bool()) if classes == 2 else (predicted, target)


def in_pieces(metric, output, target, size):
    metric.reset()
    for piece in zip(output.split(size), target.split(size), strict=True):
        metric.update(*piece)
    return metric.compute()


NAMES = {cn.Precision: "precision_score", cn.Recall: "recall_score", cn.F1: "f1_score"}


@pytest.mark.parametrize("cls", NAMES)
@settings(deadline=None, max_examples=30)
@given(classes=st.integers(2, 6), seed=SEEDS, size=SIZES)
def test_precision_recall_and_f1(cls, classes, seed, size):
    scores = pytest.importorskip("sklearn.metrics")
    predicted, target = drawn(classes, seed)
    average = "binary" if int(max(predicted.max(), target.max())) < 2 else "macro"
    expected = getattr(scores, NAMES[cls])(target, predicted, average=average, zero_division=0)
    assert cls()(predicted, target) == pytest.approx(expected, rel=1e-12)
    assert in_pieces(cls(), predicted, target, size) == pytest.approx(expected, rel=1e-12)


@settings(deadline=None, max_examples=30)
@given(classes=st.integers(2, 6), seed=SEEDS, size=SIZES)
def test_accuracy_error_rate_and_confusion_matrix(classes, seed, size):
    scores = pytest.importorskip("sklearn.metrics")
    predicted, target = drawn(classes, seed)
    expected = scores.accuracy_score(target, predicted)
    for points in (size, len(target)):

        def measure(metric, points=points):
            return in_pieces(metric, predicted, target, points)

        assert measure(cn.Accuracy()) == pytest.approx(expected)
        assert measure(cn.ErrorRate()) == pytest.approx(1 - expected)
        found = measure(cn.ConfusionMatrix())
        assert found.tolist() == scores.confusion_matrix(target, predicted, labels=range(len(found))).tolist()
        assert found.sum() == len(target)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, size=SIZES, levels=st.sampled_from([3, 1000]), column=st.booleans())
def test_the_area_of_two_classes(seed, size, levels, column):
    scores = pytest.importorskip("sklearn.metrics")
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(2, (29,), generator=generator).bool()
    target[:2] = torch.tensor([True, False])
    output = torch.randint(levels, (29,), generator=generator) / levels + 0.2 * target  # few levels: many ties
    expected = scores.roc_auc_score(target, output)
    if column:
        output, target = output[:, None], target[:, None]
    assert cn.ROCAUC()(output, target) == pytest.approx(expected, rel=1e-9)
    assert in_pieces(cn.ROCAUC(), output, target, size) == pytest.approx(expected, rel=1e-9)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, classes=st.integers(2, 5), size=SIZES)
def test_the_area_of_several_classes(seed, classes, size):
    scores = pytest.importorskip("sklearn.metrics")
    generator = torch.Generator().manual_seed(seed)
    target = torch.cat([torch.arange(classes), torch.randint(classes, (20,), generator=generator)])
    output = torch.rand((len(target), classes), generator=generator, dtype=torch.float64).softmax(1)
    theirs = output[:, 1] if classes == 2 else output
    expected = scores.roc_auc_score(target, theirs, multi_class="ovr")
    assert in_pieces(cn.ROCAUC(), output, target, size) == pytest.approx(expected, rel=1e-9)


def test_by_hand():
    predicted, target = torch.tensor([0, 1, 2, 2, 1]), torch.tensor([0, 2, 2, 1, 1])
    assert cn.Precision()(predicted, target) == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert cn.ConfusionMatrix()(predicted, target).tolist() == [[1, 0, 0], [0, 1, 1], [0, 1, 1]]
    assert cn.ROCAUC()(torch.tensor([0.1, 0.2, 0.2]), torch.tensor([False, True, False])) == 0.75


@pytest.mark.parametrize("cls", NAMES)
def test_nothing_by_nothing_is_zero(cls):
    assert cls()(torch.tensor([False, False]), torch.tensor([False, False])) == 0.0


def test_a_class_that_is_not_there_does_not_count():
    predicted, target = torch.tensor([0, 3, 3]), torch.tensor([0, 3, 0])
    assert cn.Recall()(predicted, target) == pytest.approx((0.5 + 1) / 2)


def test_a_class_alone_has_no_area():
    output = torch.tensor([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
    assert isnan(cn.ROCAUC()(output[:, 0], torch.tensor([True, True])))
    assert cn.ROCAUC()(output, torch.tensor([1, 2])) == 1.0  # of the two that are there
    assert isnan(cn.ROCAUC()(torch.tensor([0.1, torch.nan]), torch.tensor([True, False])))


def test_misfits_are_refused():
    with pytest.raises(cn.ShapeError, match="ConfusionMatrix"):
        cn.ConfusionMatrix()(torch.zeros(3), torch.zeros(4))
    with pytest.raises(cn.ShapeError, match=r"ROCAUC got \(7,\); expected a score, or one a class, for each of 3"):
        cn.ROCAUC()(torch.zeros(7), torch.zeros(3))


def test_which_way_is_up():
    up = {cn.Accuracy, cn.Precision, cn.Recall, cn.F1, cn.ROCAUC, cn.R2}
    with warnings.catch_warnings():
        for row in cn.components("metric"):
            if row.distribution == "corenet":
                cls = cn.get("metric", row.qualified_name)
                assert cls.larger_is_better is (cls in up)
