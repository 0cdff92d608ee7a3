"""Schedules, metrics, callbacks and initializers go the way of modules, and a plugin of before them is as it was."""

import json

import pytest

import corenet as cn
from corenet.cli import main
from corenet.registry.registry import registry_under

CODE = """
import corenet as cn

class Slow(cn.Schedule):
    def __call__(self, step):
        return 1 / (1 + step)

class Worst(cn.Metric):
    def reset(self):
        self.worst = 0.0
    def update(self, output, target):
        self.worst = max(self.worst, (output - target).abs().max().item())
    def compute(self):
        return self.worst

class Quiet(cn.Callback):
    def end(self, training):
        pass

class Halves(cn.Initializer):
    def __call__(self, weight):
        weight.fill_(0.5)

class Swish(cn.Module): ...
instance = Slow()
"""
KINDS = {
    "schedule": ("corenet.schedules", "corenet_schedules", "Slow", "cosine"),
    "metric": ("corenet.metrics", "corenet_metrics", "Worst", "f1"),
    "callback": ("corenet.callbacks", "corenet_callbacks", "Quiet", "early_stopping"),
    "initializer": ("corenet.initializers", "corenet_initializers", "Halves", "zeros"),
}
HOOKS = """
from corenet.registry import ComponentSpec, hookimpl

@hookimpl
def {hook}():
    yield ComponentSpec("own", "x_code:{cls}", "a summary", aliases=("mine",))
"""
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def call(capsys):
    """Run a command on what is installed by then; return its exit code, and what it printed."""

    def run(*arguments):
        registry_under.cache_clear()
        with pytest.raises(SystemExit) as done:
            main(list(arguments))
        captured = capsys.readouterr()
        return done.value.code or 0, captured.out, captured.err

    yield run
    registry_under.cache_clear()


@each_kind
def test_it_is_declared_listed_and_loaded(install, made, call, kind):
    group, _, cls, _ = KINDS[kind]
    install("corenet-x", {group: f"own = x_code:{cls}"}, x_code=CODE)
    found = made()
    assert found.find(kind, "own").status == "declared"
    assert found.get(kind, "corenet-x:own").__name__ == cls
    rows = json.loads(call("list-components", "--kind", kind, "--json")[1])["components"]
    assert {row["kind"] for row in rows} == {kind}
    assert ("corenet-x", "own") in [(row["distribution"], row["name"]) for row in rows]


@each_kind
def test_it_is_yielded_by_its_hook(install, made, kind):
    _, hook, cls, _ = KINDS[kind]
    install("corenet-x", {"corenet": "x = x_hooks"}, x_code=CODE, x_hooks=HOOKS.format(hook=hook, cls=cls))
    row = made().find(kind, "mine")
    assert (row.kind, row.name, row.summary) == (kind, "own", "a summary")


@each_kind
def test_it_is_shown_and_checked(install, call, kind):
    group, _, cls, _ = KINDS[kind]
    install("corenet-x", {group: f"own = x_code:{cls}"}, x_code=CODE)
    code, shown, _ = call("show", "corenet-x:own", "--kind", kind)
    assert code == 0
    assert shown.splitlines()[0] == f"own · {kind} · corenet-x 1.2 · loaded"
    assert f"call       {cls}()" in shown
    assert "checks" in shown.splitlines()[-1]


@each_kind
@pytest.mark.parametrize(
    ("target", "reason"), [("Swish", "is not a"), ("instance", "is not a"), ("Gone", "no attribute")]
)
def test_a_target_of_another_kind_is_broken(install, made, kind, target, reason):
    group, *_ = KINDS[kind]
    install("corenet-x", {group: f"own = x_code:{target}"}, x_code=CODE)
    with pytest.raises(cn.BrokenComponentError, match=rf"^{kind} corenet-x:own is broken: .*{reason}"):
        made().get(kind, "own")


@each_kind
def test_bad_and_taken_names(install, made, kind):
    group, _, cls, builtin = KINDS[kind]
    install("corenet-x", {group: f"{builtin} = x_code:{cls}\nbad!name = x_code:{cls}"}, x_code=CODE)
    install("corenet-a", {group: f"own = x_code:{cls}"})
    install("corenet-b", {group: f"own = x_code:{cls}"})
    found = made()
    status = {row.qualified_name: row.status for row in found.components(kind)}
    assert status[f"corenet-x:{builtin}"] == "shadowed"
    assert status["corenet-x:bad!name"] == "broken"
    assert found.find(kind, builtin).distribution == "corenet"
    with pytest.raises(cn.AmbiguousComponentError, match="corenet-a:own, corenet-b:own"):
        found.find(kind, "own")


OLD_HOOKS = """
from corenet.registry import ComponentSpec, hookimpl

@hookimpl
def corenet_modules():
    yield ComponentSpec("twice", "old_code:Twice", "y = 2 x")

@hookimpl
def corenet_losses():
    return []
"""
OLD_CODE = """
import torch
from corenet import Case, ElementwiseLoss, Module, Optimizer

class Twice(Module):
    def forward(self, input):
        return 2 * input
    def backward(self, grad_output):
        return 2 * grad_output

class Gap(ElementwiseLoss):
    @staticmethod
    def conformance_cases():
        return [Case({"reduction": "sum"}, shape=(4, 3), domain=(-1.0, 1.0))]
    def elements(self, input, target):
        return (input - target).square()
    def derivative(self, input, target):
        return 2 * (input - target)

class Descent(Optimizer):
    elementwise = True
    def update(self, param, grad, state):
        param -= self.current_lr * grad
"""


def test_a_plugin_of_before_is_listed_shown_and_checked_unchanged(install, call):
    """As for corenet 0.1: a hook module without the new hooks, and entry points in the three groups of then."""
    metadata = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\nRequires-Dist: corenet>=0.1,<1\n"
    install("corenet-old", {"corenet": "old = old_hooks"}, metadata, old_hooks=OLD_HOOKS, old_code=OLD_CODE)
    groups = {"corenet.losses": "gap = old_code:Gap", "corenet.optimizers": "descent = old_code:Descent"}
    install("corenet-older", groups, metadata)
    code, listed, _ = call("list-components", "--json")
    rows = {
        row["name"]: row for row in json.loads(listed)["components"] if row["distribution"].startswith("corenet-old")
    }
    assert code == 0
    assert {name: (row["kind"], row["status"], row["reason"]) for name, row in rows.items()} == {
        "twice": ("module", "declared", ""),
        "gap": ("loss", "declared", ""),
        "descent": ("optimizer", "declared", ""),
    }
    code, shown, _ = call("show", "twice")
    assert (code, shown.splitlines()[0]) == (0, "twice · module · corenet-old 1.2 · loaded")
    for name in rows:
        code, stdout, stderr = call("check", name)
        assert code == 0, stdout + stderr
