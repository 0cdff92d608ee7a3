"""``corenet doctor``: its report, its JSON, its exit code."""

import json

import pytest

from corenet.cli import doctor
from corenet.registry.doctor.examine import Health
from corenet.registry.doctor.findings import Finding

TORN = Finding("broken", "module torn: ImportError: " + "torn " * 20, "pip install needle, and ask its author to sew")
HEALTHS = [
    Health("corenet", "0.1.0", "loaded", 10, 0.002, 0.31, False, ()),
    Health("corenet-x", "1.2", "broken", 1, 1.26, None, True, (TORN,)),
    Health("corenet-new", "2", "incompatible", 1, 0.001, None, False, (Finding("incompatible", "why", "what to do"),)),
]


@pytest.fixture
def examined(monkeypatch):
    """Let the doctor find these; how it finds them is tried where it is done."""

    def find(healths):
        monkeypatch.setattr(doctor, "examine", lambda distribution, limit: healths)

    return find


def test_the_report_fits_a_terminal_and_has_a_fix_for_everything(call, examined, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    examined(HEALTHS)
    code, stdout, stderr = call("doctor")
    assert (code, stderr) == (1, "")
    assert stdout.splitlines() == [
        "PLUGIN       VERSION  STATUS        LISTED  IMPORTED",
        "corenet      0.1.0    loaded          2 ms    310 ms",
        "corenet-x    1.2      broken         1.3 s         –",
        "  broken        module torn: ImportError: torn torn torn torn torn torn torn",
        "                torn torn torn torn torn torn torn torn torn torn torn torn torn",
        "              → pip install needle, and ask its author to sew",
        "corenet-new  2        incompatible    1 ms         –",
        "  incompatible  why",
        "              → what to do",
        "",
        "3 distributions: 1 broken, 1 incompatible",
    ]


def test_only_what_is_broken_fails(call, examined):
    examined(HEALTHS[::2])
    assert call("doctor")[0] == 0
    examined(HEALTHS[:1])
    assert call("doctor") == (0, "\n".join(call("doctor")[1].splitlines()) + "\n", "")
    assert call("doctor")[1].splitlines()[-1] == "1 distribution: all is well"


def test_json_has_every_figure(call, examined):
    examined(HEALTHS)
    code, stdout, _ = call("doctor", "--json")
    found = json.loads(stdout)
    assert (code, found["schema"], found["ok"]) == (1, 1, False)
    assert found["plugins"][1] == {
        "distribution": "corenet-x",
        "version": "1.2",
        "status": "broken",
        "components": 1,
        "listing_seconds": 1.26,
        "import_seconds": None,
        "torch_at_listing": True,
        "findings": [{"problem": "broken", "what": TORN.what, "fix": TORN.fix}],
    }


def test_what_a_plugin_prints_or_does_stays_out_of_the_report(call, install):
    code = "import sys; print('{'); print('garbage', file=sys.__stdout__); sys.exit()"
    install("corenet-x", "corenet", "x = x_hooks", x_hooks=code)
    code, stdout, stderr = call("doctor", "corenet-x", "--json", "--timeout", "30")
    (plugin,) = json.loads(stdout)["plugins"]
    assert (code, stderr) == (1, "")
    assert plugin["findings"] == [
        {
            "problem": "broken",
            "what": "SystemExit:",
            "fix": "CORENET_DEBUG=1 python -m corenet list-components shows where; "
            "tell its author, or pip uninstall corenet-x",
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cornet"], "no plugin is called 'cornet' (did you mean 'corenet'?)"),
        (["--timeout", "0"], "Invalid value for '--timeout': 0.0 is not in the range x>0."),
        (["--timeout", "nan"], "Invalid value for '--timeout': 'nan' is no finite number of seconds"),
        (["--timeout", "inf"], "Invalid value for '--timeout': 'inf' is no finite number of seconds"),
    ],
)
def test_a_mistake_ends_in_one_line(call, arguments, message):
    assert call("doctor", *arguments) == (2, "", f"corenet: {message}\n")
