"""The corpus of backwards: the right ones are right by torch's own check, and each fault changes a gradient."""

import re

import pytest
import torch

from benchmarks.backwards.corpus import SUBJECTS, faults
from benchmarks.backwards.shown import SHOWN, asked, differs, leaves
from benchmarks.backwards.survey import SHAPES, names, of_fault, of_right
from benchmarks.backwards.tables import WHERE, tables

FAULTS = faults()


def test_the_corpus_is_as_large_as_it_says():
    assert len(FAULTS) >= 100
    assert len(SUBJECTS) >= 30
    assert len(SUBJECTS) * len(SHAPES) * 4 >= 1000
    assert len({fault.name for _, fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda each: each.name)
def test_a_right_function_passes_gradcheck(subject):
    for seed, (rows, columns) in enumerate(SHAPES[:3]):
        args = subject.args(rows, columns, torch.float64, seed)
        given = leaves(args, asked(args))

        def same(*given, function=subject.function):
            torch.manual_seed(0)
            return function.apply(*given)

        assert torch.autograd.gradcheck(same, tuple(given))


@pytest.mark.parametrize(("subject", "fault"), FAULTS, ids=lambda each: each.name)
def test_a_fault_changes_the_gradient(subject, fault):
    assert differs(subject, fault)
    assert fault.shown in SHOWN
    assert re.fullmatch(r"[\w./-]+#\d+|kind of .+", fault.source)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda each: each.name)
def test_a_right_function_does_not_differ_from_itself(subject):
    """Else a fault could seem to show."""
    for fault in subject.faults:
        if fault.shown not in ("two calls", "upstream changes", "accumulated", "output changed"):
            assert not differs(subject, type(fault)(subject.function, "", "", "", fault.shown, fault.dtype))


def test_a_row_says_what_a_tool_said():
    subject = SUBJECTS[0]
    (row,) = of_fault(subject, subject.faults[0], ["gradcheck"])
    assert (row.tool, row.function, row.fault, row.dtype) == ("gradcheck", "swish", "SwishSign", "float64")
    assert row.accused
    assert "Jacobian mismatch" in row.said
    rows = list(of_right(subject, ["gradcheck"], SHAPES[:1]))
    assert [(row.dtype, row.accused) for row in rows][:2] == [("float64", False), ("float32", True)]
    table = tables([row, *rows])
    assert "| gradcheck | 1 | 1 | – |" in table
    assert "| gradcheck | 4 | 3 | 0 of 1 | 1 of 1 | 1 of 1 | 1 of 1 |" in table
    assert f"| {WHERE['plain']} | 1 | 1 |" in table
    assert set(WHERE) == set(SHOWN)


def test_a_line_of_the_source_names_no_cause():
    _, fault = FAULTS[0]
    assert names(fault, "the sign is wrong\nswish.py:12: return x")
    assert not names(fault, "  swish.py:12: return sign * x")


def test_right_functions_are_judged_in_their_own_dtype_and_a_fault_is_seen():
    pytest.importorskip("corenet_torch")
    from benchmarks.backwards.power import seen
    from benchmarks.backwards.verdicts import verdicts

    found = [each for seed in range(6) for each in verdicts(seed, slopes=False)]
    assert {dtype for dtype, _ in found} == {"float32", "float16", "bfloat16"}
    assert [accused for _, accused in found if accused] == []
    assert seen(torch.float32, 1.0, 1e-3, seed=0, size=8)
    assert not seen(torch.float32, 1.0, 0.0, seed=0, size=8)
