"""What a gradient check says."""

from dataclasses import replace

import pytest

import corenet as cn
from corenet.testing import GradientReport, TensorReport


def tensor(name="input", shape=(4, 3), checked=12, kinks=0, error=2e-9, power=1e-6, **fields):
    return TensorReport(name, shape, checked, kinks, error, rtol=1e-6, power=power, **fields)


GOOD = tensor()
KINKED = tensor(shape=(4,), checked=3, kinks=1, power=3e-5)
BAD = tensor("weight", (2, 3), 6, error=0.5, index=(1, 2), ours=1.5, numeric=1.0, status="wrong")
EMPTY = tensor(shape=(4,), checked=0, kinks=4, error=0.0, power=float("inf"), status="inconclusive")
WEAK = tensor("weight", power=0.2, status="inconclusive")
FLAT = tensor(power=float("inf"), flat=True, note="flat here", status="inconclusive")
INDEPENDENT = tensor("bias", power=None, note="no dependence")


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (GOOD, "input (4, 3): 12 elements, worst relative error 2.0e-09"),
        (tensor("a", (), 1), "a (): 1 element, worst relative error 2.0e-09"),
        (KINKED, "input (4,): 3 elements, 1 at kinks left out, worst relative error 2.0e-09"),
        (
            tensor(edges=2, unclear=4, small=3),
            "input (4, 3): 12 elements, 2 at the edge of the domain left out, 4 without a clear slope left out, "
            "3 too small to judge alone, worst relative error 2.0e-09",
        ),
        (BAD, "weight (2, 3): 6 elements, worst relative error 5.0e-01\n    at [1, 2]: ours 1.5, numeric 1"),
        (FLAT, "input (4, 3): 12 elements, worst relative error 2.0e-09\n    flat here"),
    ],
)
def test_a_tensor_reads_as_a_line(tensor, text):
    assert str(tensor) == text


def test_only_a_tensor_that_agrees_is_ok():
    assert [each.ok for each in (GOOD, KINKED, BAD, EMPTY, WEAK, FLAT, INDEPENDENT)] == [
        *[True, True, False, False, False, False, True]
    ]


def test_a_report_that_agrees_raises_nothing_and_states_its_worst_power():
    report = GradientReport("Linear(3 → 2)", (GOOD, KINKED))
    report.raise_if_wrong()
    assert report
    assert report.status == "agrees"
    assert (report.error, report.power) == (2e-9, 3e-5)
    assert str(report).splitlines()[:2] == [
        "Linear(3 → 2): gradient agrees",
        "  a relative fault of 3.0e-05 in any element compared would have been seen",
    ]
    assert "in any element would have been seen" in str(GradientReport("x", (GOOD,)))


def test_a_notebook_shows_what_print_shows():
    report = GradientReport("Linear(3 → 2)", (GOOD, KINKED))
    assert repr(report) == str(report)


def test_a_wrong_report_raises_itself():
    report = GradientReport("Linear(3 → 2)", (GOOD, BAD, WEAK))
    with pytest.raises(cn.GradientError) as caught:
        report.raise_if_wrong()
    assert caught.value.report is report
    assert str(caught.value) == f"Linear(3 → 2): gradient is wrong\n  {GOOD}\n  {BAD}\n  {WEAK}"
    assert not report
    assert report.status == "wrong"
    assert report.error == 0.5


@pytest.mark.parametrize("tensors", [(), (EMPTY,)])
def test_a_report_of_nothing_is_not_ok(tensors):
    report = GradientReport("ReLU()", tensors)
    assert not report
    assert report.status == "inconclusive"
    with pytest.raises(cn.GradientError, match=r"ReLU\(\): nothing could be compared"):
        report.raise_if_wrong()


@pytest.mark.parametrize("tensors", [(GOOD, WEAK), (GOOD, FLAT), (FLAT,)])
def test_a_check_that_could_have_missed_one_percent_is_no_pass(tensors):
    report = GradientReport("Sigmoid()", tensors)
    assert not report
    assert report.status == "inconclusive"
    with pytest.raises(cn.GradientError, match=r"Sigmoid\(\): inconclusive, a fault of 1 % could have hidden"):
        report.raise_if_wrong()


def test_a_reason_makes_a_whole_report_inconclusive():
    report = GradientReport("Single()", (GOOD,), reason="computed in float32")
    assert not report
    assert str(report).splitlines()[0] == "Single(): inconclusive, computed in float32"
    assert report.unsure == "computed in float32"


def test_a_tensor_that_is_left_out_whole_is_no_pass_and_named():
    report = GradientReport("x", (GOOD, replace(EMPTY, name="slope")))
    assert report.status == "inconclusive"
    assert report.summary == "inconclusive, no element of slope could be compared"


def test_what_has_no_elements_or_no_effect_does_not_spoil_the_rest():
    assert GradientReport("x", (GOOD, tensor(shape=(0, 3), checked=0, error=0.0, power=0.0))).status == "agrees"
    assert GradientReport("x", (GOOD, INDEPENDENT)).power == 1e-6
    alone = GradientReport("x", (INDEPENDENT,))
    assert alone
    assert alone.power is None
    assert str(alone).splitlines()[1].startswith("  bias")


def test_only_a_weak_tensor_is_unsure_not_a_flat_one():
    assert "2.0e-01 in the gradient of weight" in GradientReport("x", (GOOD, WEAK)).unsure
    assert GradientReport("x", (GOOD, FLAT)).unsure == ""


def test_a_note_stands_below_the_verdict():
    report = GradientReport("x", (GOOD,), note="forward is not finite at 1 of 3 outputs")
    assert report
    assert str(report).splitlines()[2] == "  forward is not finite at 1 of 3 outputs"


def test_a_report_fits_into_eighty_columns():
    tensors = (tensor(kinks=2), BAD, FLAT)
    assert max(map(len, str(GradientReport("Linear(3 → 2)", tensors)).splitlines())) <= 80


def test_a_report_is_plain_values():
    described = GradientReport("Linear(3 → 2)", (BAD, FLAT)).to_dict()
    assert described["subject"] == "Linear(3 → 2)"
    assert (described["ok"], described["status"], described["error"]) == (False, "wrong", 0.5)
    assert described["power"] is None  # JSON has no infinity
    assert described["tensors"][0] == {
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
        "power": 1e-6,
        "edges": 0,
        "unclear": 0,
        "small": 0,
        "flat": False,
        "note": "",
        "status": "wrong",
        "how": "",
        "ok": False,
    }
