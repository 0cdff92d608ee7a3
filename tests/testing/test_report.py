"""A report counts its verdicts, prints what did not pass, merges equal findings, and is plain values."""

import json
from html import unescape
from io import StringIO

import pytest

from corenet.testing import GradientReport, TensorReport
from corenet.testing.report import Report, Result

PASSED = Result("module.runs", "passed")
FAILED = Result("module.float32", "failed", "Cube() on (5, 3)", "the output is torch.float64", "keep the dtype")
REPORT = Report(
    "Cube",
    "module",
    (
        PASSED,
        FAILED,
        Result("module.strides", "skipped", message="not here"),
        Result("module.mapped", "failed", "c", "m"),
    ),
    2e-9,
)


@pytest.mark.parametrize(
    "report", [REPORT, GradientReport("<Cube>", (TensorReport("input", (2,), 2, 0, error=1e-9, rtol=1e-6),))]
)
def test_a_notebook_and_a_terminal_show_what_print_shows(report):
    class Printer(StringIO):
        text = StringIO.write

    printer = Printer()
    report._repr_pretty_(printer, cycle=False)
    assert printer.getvalue() == repr(report) == str(report)
    page = report._repr_html_()
    assert page.startswith("<pre ")
    assert page.endswith("</pre>")
    assert unescape(page[page.index(">") + 1 : -len("</pre>")]) == str(report)
    assert "<Cube>" not in page


def test_its_failures_are_those_that_failed():
    assert [each.check for each in REPORT.failures] == ["module.float32", "module.mapped"]
    assert not REPORT.ok
    assert Report("Cube", "module", (PASSED, Result("module.mapped", "expected failure"))).ok


def test_the_summary_counts_each_verdict_and_names_the_worst_error():
    assert REPORT.summary == "1 passed, 2 failed, 1 skipped, worst relative error 2.0e-09"
    assert Report("Sum", "optimizer", (PASSED,)).summary == "1 passed"


def test_it_prints_what_did_not_pass_one_level_deeper_than_its_name():
    assert str(REPORT).splitlines() == [
        "Cube: 1 passed, 2 failed, 1 skipped, worst relative error 2.0e-09",
        "  module.float32: failed, Cube() on (5, 3)",
        "      the output is torch.float64",
        "      keep the dtype",
        "  module.strides: skipped",
        "      not here",
        "  module.mapped: failed, c",
        "      m",
    ]


def test_equal_findings_are_merged():
    other = Result("module.strides", "failed", "another case", FAILED.message, FAILED.diagnosis)
    (merged,) = Report("Cube", "module", (FAILED, other)).merged()
    assert (merged.check, merged.case) == ("module.float32, module.strides", FAILED.case)


@pytest.mark.parametrize(("error", "described"), [(2e-9, 2e-9), (float("inf"), None), (None, None)])
def test_it_is_plain_values(error, described):
    found = json.loads(json.dumps(Report("Cube", "module", (FAILED,), error).to_dict()))
    assert found == {
        "name": "Cube",
        "kind": "module",
        "ok": False,
        "error": described,
        "checks": [
            {
                "check": "module.float32",
                "verdict": "failed",
                "case": "Cube() on (5, 3)",
                "message": "the output is torch.float64",
                "diagnosis": "keep the dtype",
            }
        ],
    }
