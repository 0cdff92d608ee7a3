"""``corenet show``: one component, read and tried."""

import json

import pytest

from corenet.cli import show
from corenet.registry.spec import Component
from corenet.report.component import component_page as pages
from corenet.testing.report import Report, Result

TWICE = '''
import corenet as cn
print("hello from a plugin")

class Twice(cn.Module):
    """Double ``y = 2 x``.

    Args:
        often: how often, which is told here at such length that it takes more than one line of a terminal.
    """

    def __init__(self, often: int = 1) -> None:
        self.often = often

    def forward(self, input):
        return 2 * input

    def backward(self, grad_output):
        return 2 * grad_output
'''


@pytest.fixture(autouse=True)
def kit(monkeypatch):
    """Stand in for the conformance kit, which takes seconds and is tried elsewhere; a test may change the results."""
    results = [Result("a", "passed"), Result("b", "passed")]
    monkeypatch.setattr(pages, "check_component", lambda cls, kind: Report("x", kind, tuple(results)))
    return results


def test_a_built_in_from_its_formula_to_its_conformance(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, stdout, stderr = call("show", "linear")
    lines = stdout.splitlines()
    assert (code, stderr) == (0, "")
    assert lines[0] == "linear · module · corenet 0.2.0 · loaded"
    assert "formula    y = x Wᵀ + b" in lines
    assert "arguments  in_features: int" in lines
    assert "           bias: bool = True" in lines
    assert "               False leaves b out, and bias None." in lines
    assert "           DTypeError, DeviceError: the input does not match the parameters." in lines
    assert "target     corenet.builtin.linear:Linear" in lines
    assert lines[-1] == "conforms   2 checks"
    assert max(len(line) for line in lines if not line.startswith("file")) <= 80


@pytest.mark.parametrize("width", [20, 40, 500])
def test_it_fits_the_terminal(call, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    code, stdout, _ = call("show", "sgd")
    assert code == 0
    if width == 500:
        assert max(len(line) for line in stdout.splitlines() if not line.startswith("file")) <= 100


def test_a_path_is_never_broken_so_that_it_can_be_copied():
    row = Component("x", "module", "corenet-x", "1.2", "loaded", target="x_code:X")
    file = "/a path with blanks/" + "and more of them/" * 8 + "x_code.py"
    assert f"file       {file}:7" in list(show._lines(pages.ComponentPage(row, file=file, line=7), 60))


def test_a_formula_too_wide_is_parted_at_its_gaps(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    stdout = call("show", "bce_with_logits")[1]
    assert "\n           ∂ℓ/∂x = w ((1 − t) σ(x) − p t σ(−x))\n" in stdout


def test_failed_checks_are_named_and_cost_no_exit_code(call, kit):
    kit += [Result(check, "failed", message="it is off") for check in ("module.input_gradient", "module.deepcopy")]
    code, stdout, _ = call("show", "relu")
    assert code == 0
    assert stdout.splitlines()[-1] == "conforms   no, fails module.input_gradient, module.deepcopy: it is off"


def test_every_kind_of_the_name_is_shown_unless_one_is_chosen(call, install):
    install("corenet-x", "corenet.modules", "mse = x_code:Twice", x_code=TWICE)
    stdout = call("show", "mse")[1]
    assert "mse · module · corenet-x 1.2 · loaded" in stdout
    assert "mse · loss · corenet 0.2.0 · loaded" in stdout
    assert "module" not in call("show", "mse", "--kind", "loss")[1]


def test_a_qualified_name_shows_what_is_shadowed(call, install):
    install("corenet-x", "corenet.modules", "linear = x_code:Twice", "ignored", x_code=TWICE)
    code, stdout, _ = call("show", "Corenet_X:linear")
    assert code == 0
    assert "linear · module · corenet-x 1.2 · shadowed" in stdout
    assert "reason     the built-in keeps the name; use corenet-x:linear" in stdout
    assert "formula    y = 2 x" in stdout


def test_json_has_the_schema_of_the_constructor_and_nothing_else_is_printed(call, install):
    install("corenet-x", "corenet.modules", "twice = x_code:Twice", x_code=TWICE)
    code, stdout, stderr = call("show", "twice", "--json")
    found = json.loads(stdout)
    (page,) = found["components"]
    assert (code, found["schema"]) == (0, 1)
    assert "hello from a plugin" in stderr
    assert page["constructor"]["properties"]["often"]["type"] == "integer"
    assert page["constructor"]["additionalProperties"] is False
    assert page["conformance"] == {"ok": True, "passed": 2, "failures": [], "complaints": [], "reason": ""}
    assert (page["name"], page["status"], page["distribution"]) == ("twice", "loaded", "corenet-x")
    assert page["docstring"]["formulas"] == ["y = 2 x"]


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_broken_component_is_its_row_and_exit_code_1(call, install, as_json):
    install("corenet-x", "corenet.modules", "bad = x_code:Bad", "Worse", x_code="1 / 0")
    code, stdout, stderr = call("show", "bad", *as_json)
    assert (code, stderr) == (1, "")
    assert "ZeroDivisionError: division by zero" in stdout
    assert ('"status": "broken"' if as_json else "bad · module · corenet-x 1.2 · broken") in stdout


def test_a_broken_plugin_is_shown_by_the_name_of_its_row(call, install):
    install("corenet-x", "corenet", "x = x_hooks", x_hooks="1 / 0")
    code, stdout, _ = call("show", "corenet-x")
    assert code == 1
    assert stdout.splitlines()[0] == "corenet-x · plugin · corenet-x 1.2 · broken"


def test_a_disabled_component_is_its_row_and_is_not_imported(call, install, monkeypatch):
    install("corenet-x", "corenet.modules", "bad = x_code:Bad", x_code="1 / 0")
    monkeypatch.setenv("CORENET_DISABLE_PLUGINS", "corenet-x")
    code, stdout, _ = call("show", "bad")
    assert code == 0
    assert "bad · module · corenet-x 1.2 · disabled" in stdout
    assert "CORENET_DISABLE_PLUGINS names corenet-x" in stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["liner"], "there is no component 'liner' (did you mean 'linear'?); corenet list-components shows all"),
        (["relu", "--kind", "loss"], "there is no loss 'relu' ('relu' is a module); corenet list-components shows all"),
        (["same"], "module 'same' is registered by several plugins; use one of corenet-a:same, corenet-b:same"),
    ],
)
def test_a_name_that_means_none_or_several_ends_in_one_line(call, install, arguments, message):
    for name in ("corenet-a", "corenet-b"):
        install(name, "corenet.modules", "same = x_code:Twice", x_code=TWICE)
    assert call("show", *arguments) == (2, "", f"corenet: {message}\n")
