"""``corenet check``: what is right passes, what is wrong is named, and nobody's crash costs the others."""

import json

import pytest

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
"""
MODULES = "right = x_code:Right\nwrong = x_code:Wrong\ncrashes = x_code:Crashes\nneedy = x_code:Needy\ngone = x_gone:X"


@pytest.fixture
def stranger(install):
    install("corenet-x", "corenet.modules", MODULES, x_code=CODE)
    install("corenet-y", "corenet.optimizers", "climbs = x_code:Climbs")


def checked(call, *arguments):
    """Return the exit code, and by name what the report says."""
    code, stdout, _ = call("check", *arguments, "--json")
    return code, {check["name"]: check for check in json.loads(stdout)["checks"]}


def test_what_is_right_passes(call):
    code, stdout, stderr = call("check", "relu", "mse", "sgd")
    assert (code, stderr) == (0, "")
    lines = stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["ok", "module", "corenet:relu"],
        ["ok", "loss", "corenet:mse"],
        ["ok", "optimizer", "corenet:sgd"],
    ]
    assert " cases, worst relative error " in lines[0]
    assert lines[2].endswith("descends a quadratic, together and apart alike")
    assert len({line.index("corenet:") for line in lines}) == 1


def test_a_planted_wrong_gradient_is_found_and_named(call, stranger):
    code, stdout, stderr = call("check", "right", "wrong")
    assert (code, stderr) == (1, "")
    right, wrong, *more = [line for line in stdout.splitlines() if line != "chatty"]
    assert right.split()[:3] == ["ok", "module", "corenet-x:right"]
    assert wrong.split()[:3] == ["WRONG", "module", "corenet-x:wrong"]
    assert more
    assert "input" in "".join(more)


def test_json_names_what_is_wrong_and_nothing_else_is_on_stdout(call, stranger):
    code, stdout, stderr = call("check", "right", "wrong", "--json")
    report = json.loads(stdout)
    assert (code, report["schema"], report["ok"]) == (1, 1, False)
    right, wrong = report["checks"]
    assert (right["name"], right["kind"], right["ok"]) == ("corenet-x:right", "module", True)
    assert (wrong["name"], wrong["kind"], wrong["ok"]) == ("corenet-x:wrong", "module", False)
    assert right["error"] < 1e-6
    assert wrong["error"] == pytest.approx(0.5, rel=0.01)
    assert [case["ok"] for case in wrong["cases"]] == [False] * len(wrong["cases"])
    assert set(stderr.split()) == {"chatty"}


def test_a_qualified_name_is_taken(call):
    code, checks = checked(call, "corenet:tanh")
    assert (code, list(checks)) == (0, ["corenet:tanh"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("corenet-x:crashes", "RuntimeError: cannot[31m do"),
        ("corenet-x:needy", "cannot guess how to build Needy(names: dict); give it a conformance_cases() "),
        ("corenet-x:gone", "module corenet-x:gone is broken: ModuleNotFoundError: No module named 'x_gone'"),
        ("corenet-y:climbs", "½|w|² went from "),
    ],
)
def test_what_cannot_be_proven_fails_with_its_reason_and_alone(call, stranger, name, message):
    code, checks = checked(call, name, "relu")
    assert (code, checks["corenet:relu"]["ok"], checks[name]["ok"]) == (1, True, False)
    assert checks[name]["message"].startswith(message)


def test_all_checks_everything_and_a_broken_plugin_fails(call, stranger, install):
    install("corenet-z", "corenet", "z = z_hooks", z_hooks="raise SystemExit(0)")
    code, checks = checked(call, "--all")
    assert code == 1
    ours = [check for check in checks.values() if check["name"].startswith("corenet:")]
    assert len(ours) == 10
    assert all(check["ok"] for check in ours)
    broken = checks["corenet-z:corenet-z"]
    assert (broken["kind"], broken["ok"], broken["message"]) == ("plugin", False, "SystemExit: 0")
    assert checks["corenet-x:right"]["ok"]
    assert not checks["corenet-x:wrong"]["ok"]


def test_a_name_in_two_kinds_is_checked_in_both(call, install):
    install("corenet-x", "corenet.modules", "mse = x_code:Right", x_code=CODE)
    code, stdout, _ = call("check", "mse", "--json")
    assert code == 0
    assert [(check["kind"], check["name"]) for check in json.loads(stdout)["checks"]] == [
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
    assert call("check", *arguments) == (2, "", "corenet: give names of components, or --all\n")


def test_one_unknown_name_stops_before_any_check(call, monkeypatch):
    monkeypatch.setattr("corenet.cli.check._check", None)
    code, stdout, stderr = call("check", "relu", "corenet:tahn")
    assert (code, stdout) == (2, "")
    assert "(did you mean 'corenet:tanh'?)" in stderr


def test_out_has_what_json_prints(call, tmp_path):
    stdout = call("check", "relu", "--json", "--out", "reports")[1]
    assert (tmp_path / "reports" / "check.json").read_text(encoding="utf-8") == stdout
    call("check", "tanh", "--out", "reports")
    assert "corenet:tanh" in (tmp_path / "reports" / "check.json").read_text(encoding="utf-8")


def test_the_seed_governs_the_numbers(call):
    one, same, other = (call("check", "tanh", "--json", "--seed", seed)[1] for seed in (1, 1, 2))
    assert one == same
    assert one != other
