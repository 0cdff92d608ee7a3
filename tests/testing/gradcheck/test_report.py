"""What a gradient check says."""

import pytest

import corenet as cn
from corenet.testing import GradientReport, TensorReport

GOOD = TensorReport("input", (4, 3), 12, 0, 2e-9, 1e-6)
KINKED = TensorReport("input", (4,), 3, 1, 2e-9, 1e-6)
BAD = TensorReport("weight", (2, 3), 6, 0, 0.5, 1e-6, (1, 2), 1.5, 1.0)
EMPTY = TensorReport("input", (4,), 0, 4, 0.0, 1e-6)


def test_a_tensor_is_ok_up_to_its_tolerance():
    assert TensorReport("w", (), 1, 0, 1e-6, 1e-6).ok
    assert not TensorReport("w", (), 1, 0, 1.1e-6, 1e-6).ok
    assert not TensorReport("w", (), 1, 0, float("inf"), 1e-6).ok


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (GOOD, "input (4, 3): 12 elements, worst relative error 2.0e-09"),
        (TensorReport("a", (), 1, 0, 2e-9, 1e-6), "a (): 1 element, worst relative error 2.0e-09"),
        (KINKED, "input (4,): 3 elements, 1 at kinks left out, worst relative error 2.0e-09"),
        (BAD, "weight (2, 3): 6 elements, worst relative error 5.0e-01 at [1, 2]: ours 1.5, numeric 1"),
    ],
)
def test_a_tensor_reads_as_a_line(tensor, text):
    assert str(tensor) == text


def test_a_report_that_agrees_raises_nothing():
    report = GradientReport("Linear(3 → 2)", (GOOD, KINKED))
    report.raise_if_wrong()
    assert report
    assert report.error == 2e-9
    assert str(report).splitlines()[0] == "Linear(3 → 2): gradient agrees"


def test_a_wrong_report_raises_itself():
    report = GradientReport("Linear(3 → 2)", (GOOD, BAD))
    with pytest.raises(cn.GradientError) as caught:
        report.raise_if_wrong()
    assert caught.value.report is report
    assert str(caught.value) == f"Linear(3 → 2): gradient is wrong\n  {GOOD}\n  {BAD}"
    assert not report
    assert report.error == 0.5


@pytest.mark.parametrize("tensors", [(), (EMPTY,)])
def test_a_report_of_nothing_is_not_ok(tensors):
    report = GradientReport("ReLU()", tensors)
    assert not report
    with pytest.raises(cn.GradientError, match=r"ReLU\(\): nothing could be compared"):
        report.raise_if_wrong()


def test_a_report_is_plain_values():
    described = GradientReport("Linear(3 → 2)", (BAD,)).to_dict()
    assert described["subject"] == "Linear(3 → 2)"
    assert (described["ok"], described["error"]) == (False, 0.5)
    (tensor,) = described["tensors"]
    assert tensor == {
        "name": "weight",
        "shape": (2, 3),
        "checked": 6,
        "kinks": 0,
        "error": 0.5,
        "rtol": 1e-6,
        "index": (1, 2),
        "ours": 1.5,
        "numeric": 1.0,
        "diagnosis": "",
        "ok": False,
    }
