"""``corenet check``: what is right passes, what is wrong is named, and nobody's crash costs the others."""

import json
import os
import re
import subprocess
import sys

import pytest

import corenet as cn

CODE = """
import torch
import corenet as cn

class Right(cn.Module):
    def forward(self, input):
        self.save(input)
        return input ** 2

    def backward(self, grad_output):
        (input,) = self.saved()
        return 2 * input * grad_output

class Wrong(Right):
    def backward(self, grad_output):
        print("chatty")
        (input,) = self.saved()
        return input * grad_output

class Crashes(cn.Module):
    def forward(self, input):
        raise RuntimeError("cannot\\x1b[31m do")

class Needy(Right):
    def __init__(self, names: dict): ...

class Climbs(cn.SGD):
    def __init__(self, parameters, lr): super().__init__(parameters, lr, maximize=True)

class Descends(cn.SGD):
    def __init__(self, parameters, lr): super().__init__(parameters, lr)
"""
BUILTINS = [row.name for row in cn.components() if row.distribution == "corenet"]
MODULES = "right = x_code:Right\nwrong = x_code:Wrong\ncrashes = x_code:Crashes\nneedy = x_code:Needy\ngone = x_gone:X"


@pytest.fixture
def stranger(install):
    install("corenet-x", "corenet.modules", MODULES, x_code=CODE)
    install("corenet-y", "corenet.optimizers", "climbs = x_code:Climbs")


def checked(call, *arguments):
    """Return the exit code, and by name what the report says."""
    code, stdout, _ = call("check", *arguments, "--json")
    return code, {result["name"]: result for result in json.loads(stdout)["components"]}


def test_what_is_right_passes(call):
    code, stdout, stderr = call("check", "relu", "mse", "sgd")
    assert (code, stderr) == (0, "")
    lines = stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["ok", "module", "corenet:relu:"],
        ["ok", "loss", "corenet:mse:"],
        ["ok", "optimizer", "corenet:sgd:"],
    ]
    assert re.search(r" \d+ passed, 3 skipped, worst relative error \d\.\de-\d+$", lines[0])


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """One ``corenet check --all --json`` for several tests: its exit code, its results by name, its stderr."""
    site = tmp_path_factory.mktemp("site")
    for name, group, entry_points in (
        # Optimizers, the quickest to check: the second is checked in another process than the first.
        ("corenet-w", "corenet.optimizers", "segm = segm:X\nright = x_code:Descends\nleave = leave:X"),
        ("corenet-x", "corenet.modules", f"{MODULES}\nmse = x_code:Right"),
        ("corenet-z", "corenet", "z = z_hooks"),
    ):
        info = site / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[{group}]\n{entry_points}\n", encoding="utf-8")
    for module, code in (
        ("x_code", CODE),
        ("z_hooks", "raise SystemExit(0)"),
        ("segm", "import ctypes; ctypes.string_at(0)"),
        ("leave", "import os; os._exit(0)"),
    ):
        (site / f"{module}.py").write_text(code, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-P", "-m", "corenet", "check", "--all", "--json"]
    env = {name: value for name, value in os.environ.items() if name != "CORENET_DEBUG"} | {"PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=site, env=env, check=False)
    report = json.loads(done.stdout)  # nothing else is on stdout
    assert (report["schema"], report["ok"]) == (1, False)
    return done.returncode, {result["name"]: result for result in report["components"]}, done.stderr


def test_a_planted_wrong_gradient_is_found_named_and_explained(call, stranger):
    code, stdout, stderr = call("check", "right", "wrong")
    assert (code, stderr) == (1, "")
    right, wrong, *more = stdout.splitlines()
    assert right.split()[:3] == ["ok", "module", "corenet-x:right:"]
    assert wrong.split()[:3] == ["WRONG", "module", "corenet-x:wrong:"]
    assert more[0].strip() == "module.input_gradient: failed, Wrong() on (5, 3)"
    assert "factor 2" in "".join(more)
    assert "x_code.py:18" in "".join(more)


def test_json_names_what_is_wrong_and_nothing_else_is_on_stdout(everything):
    code, results, stderr = everything
    right, wrong = results["corenet-x:right"], results["corenet-x:wrong"]
    assert code == 1
    assert (right["name"], right["kind"], right["ok"]) == ("corenet-x:right", "module", True)
    assert (wrong["name"], wrong["kind"], wrong["ok"]) == ("corenet-x:wrong", "module", False)
    assert right["error"] < 1e-6
    assert wrong["error"] == pytest.approx(0.5, rel=0.01)
    assert "failed" in [each["verdict"] for each in wrong["checks"] if each["check"] == "module.input_gradient"]
    assert set(stderr.split()) == {"chatty"}


def test_a_distribution_stands_for_all_that_it_offers(call, stranger):
    code, results = checked(call, "Corenet_Y")
    assert (code, list(results)) == (1, ["corenet-y:climbs"])


def test_a_qualified_name_is_taken(call):
    code, checks = checked(call, "corenet:sgd")
    assert (code, list(checks)) == (0, ["corenet:sgd"])


def test_a_component_that_crashes_fails_its_checks_in_plain_words(everything):
    code, results, _ = everything
    assert (code, results["corenet:relu"]["ok"]) == (1, True)
    found = results["corenet-x:crashes"]["checks"][0]
    assert (found["verdict"], found["message"]) == ("failed", "it raised RuntimeError: cannot[31m do")


def test_disabled_components_are_left_out_of_all(call, stranger, monkeypatch):
    monkeypatch.setenv("CORENET_DISABLE_PLUGINS", "corenet-x")
    monkeypatch.setattr("corenet.cli.check._checked", lambda rows, _: [({**vars(row), "ok": True}, []) for row in rows])
    found = {each["distribution"] for each in checked(call, "--all")[1].values()}
    assert "corenet-y" in found
    assert "corenet-x" not in found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("corenet-x:needy", "cannot guess how to build Needy(names: dict); give it a conformance_cases() "),
        ("corenet-x:gone", "broken: ModuleNotFoundError: No module named 'x_gone'"),
    ],
)
def test_what_cannot_be_checked_fails_with_its_reason_and_alone(everything, name, message):
    code, results, _ = everything
    assert (code, results["corenet:relu"]["ok"], results[name]["ok"]) == (1, True, False)
    assert results[name]["message"].startswith(message)


def test_all_checks_everything_and_a_broken_plugin_fails(everything):
    code, results, _ = everything
    assert code == 1
    ours = [result for name, result in results.items() if name.startswith("corenet:")]
    assert [result["name"] for result in ours] == [
        f"corenet:{name}" for name in dict.fromkeys(BUILTINS)
    ]  # mae is a loss and a metric
    assert all(result["ok"] for result in ours)
    broken = results["corenet-z:corenet-z"]
    assert (broken["kind"], broken["ok"], broken["message"]) == ("plugin", False, "broken: SystemExit: 0")
    assert results["corenet-x:right"]["ok"]
    assert not results["corenet-x:wrong"]["ok"]


def test_a_bug_of_corenets_own_is_not_reported_as_a_failed_component(call, monkeypatch):
    monkeypatch.setattr("corenet.testing.check_component", lambda *_, **__: 1 / 0)
    code, stdout, stderr = call("check", "relu")
    assert (code, stdout) == (1, "")
    assert stderr == "corenet: unexpected ZeroDivisionError: division by zero; CORENET_DEBUG=1 shows where\n"


def test_a_name_in_two_kinds_is_checked_in_both(call, install, everything, monkeypatch):
    _, results, _ = everything  # where both pass
    monkeypatch.setattr(
        "corenet.cli.check._checked", lambda rows, _: [(results[row.qualified_name], []) for row in rows]
    )
    install("corenet-x", "corenet.modules", "mse = x_code:Right", x_code=CODE)
    code, stdout, _ = call("check", "mse", "--json")
    assert code == 0
    assert [(check["kind"], check["name"]) for check in json.loads(stdout)["components"]] == [
        ("module", "corenet-x:mse"),
        ("loss", "corenet:mse"),
    ]


def test_an_ambiguous_name_is_a_mistake_of_the_user(call, install):
    for name in ("corenet-a", "corenet-b"):
        install(name, "corenet.modules", "softplus = x_code:Right")
    code, stdout, stderr = call("check", "softplus")
    assert (code, stdout) == (2, "")
    assert stderr == (
        "corenet: module 'softplus' is registered by several plugins; "
        "use one of corenet-a:softplus, corenet-b:softplus\n"
    )


@pytest.mark.parametrize("arguments", [[], ["relu", "--all"]])
def test_it_takes_names_or_all(call, arguments):
    assert call("check", *arguments) == (
        2,
        "",
        "corenet: give names of components or distributions, or --all, not both\n",
    )


def test_one_unknown_name_stops_before_any_check(call, monkeypatch):
    monkeypatch.setattr("corenet.cli.check._checked", None)
    code, stdout, stderr = call("check", "relu", "corenet:tahn")
    assert (code, stdout) == (2, "")
    assert "(did you mean 'corenet:tanh'?)" in stderr


def test_what_is_disabled_fails_and_says_so_once(call, stranger, monkeypatch):
    monkeypatch.setenv("CORENET_DISABLE_PLUGINS", "corenet-y")
    code, stdout, _ = call("check", "corenet-y:climbs")
    reason = "disabled: CORENET_DISABLE_PLUGINS names corenet-y; take it out to use the plugin"
    assert (code, stdout) == (1, f"WRONG  optimizer  corenet-y:climbs: {reason}\n")


def test_what_ends_python_is_wrong_and_costs_the_others_nothing(everything):
    code, results, _ = everything
    assert code == 1
    crashing = {name: (result["ok"], result["message"]) for name, result in results.items() if "corenet-w:" in name}
    right = crashing.pop("corenet-w:right")
    assert right[0]
    assert crashing == {
        "corenet-w:segm": (False, "its check crashed Python: Segmentation fault"),
        "corenet-w:leave": (False, "its check ended Python with exit code 0"),
    }
    assert [name for name in results if "corenet-w:" in name] == [f"corenet-w:{n}" for n in ("segm", "right", "leave")]


MEETING = """
import pathlib, time
import corenet as cn

class Meeting(cn.SGD):
    def __init__(self, parameters, lr):
        pathlib.Path({mine!r}).touch()
        end = time.monotonic() + 60
        while not pathlib.Path({other!r}).exists():
            assert time.monotonic() < end, "it is alone"
            time.sleep(0.01)
        super().__init__(parameters, lr)
"""


def test_several_are_checked_at_once(call, install, monkeypatch, tmp_path):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    here, there = str(tmp_path / "here"), str(tmp_path / "there")
    install("corenet-h", "corenet.optimizers", "here = h_code:Meeting", h_code=MEETING.format(mine=here, other=there))
    install("corenet-t", "corenet.optimizers", "there = t_code:Meeting", t_code=MEETING.format(mine=there, other=here))
    code, rows = checked(call, "here", "there")
    assert code == 0
    assert list(rows) == ["corenet-h:here", "corenet-t:there"]


def test_out_has_what_json_prints(call, tmp_path):
    stdout = call("check", "mse", "--json", "--out", "reports")[1]
    assert (tmp_path / "reports" / "check.json").read_text(encoding="utf-8") == stdout
    call("check", "sgd", "--out", "reports")
    assert "corenet:sgd" in (tmp_path / "reports" / "check.json").read_text(encoding="utf-8")


def test_the_seed_governs_the_numbers(call):
    one, same, other = (call("check", "mse", "--json", "--seed", seed)[1] for seed in (1, 1, 2))
    assert one == same
    assert one != other
