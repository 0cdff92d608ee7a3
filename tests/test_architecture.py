"""The rules that hold the house up, read from its source: layering, no autograd, sizes."""

import ast
from pathlib import Path

import pytest
import torch

import corenet as cn

PACKAGE = Path(cn.__file__).parent
TESTS = Path(__file__).parent
PLUGINS = TESTS.parent / "plugins"
LINES = 250
TEST_LINES = 300

# Each line may import those above it.
LAYERS = [
    ["warning_kinds"],
    ["errors", "interrupted", "text_width"],
    ["text_table"],
    ["device", "integers", "machine", "paths", "side_by_side"],
    ["files"],
    ["registry"],
    ["notebook"],
    ["contracts"],
    ["rows_of_data"],
    ["data", "history"],
    ["streamed_data"],
    ["tables"],
    ["checkpoint"],
    ["builtin", "testing"],
    ["training"],
    ["making"],
    ["experiments", "sklearn"],
    ["search"],
    ["canary", "report"],
    ["grading"],
    ["scaffold"],
    ["cli"],
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
# A built-in uses no door that a stranger's plugin doesn't have.
BUILTIN_DOORS = ("corenet.contracts", "corenet.errors", "corenet.registry.hookspecs", "corenet.registry.spec")

OWN_SOURCES = sorted(PACKAGE.rglob("*.py"))
PLUGIN_SOURCES = sorted(path for path in PLUGINS.rglob("*.py") if not {"tests", "build"} & set(path.parts))
TEST_SOURCES = sorted({*TESTS.rglob("*.py"), *PLUGINS.glob("*/tests/**/*.py")})


def named(path):
    for root in (PACKAGE, PLUGINS, TESTS):
        if path.is_relative_to(root):
            return path.relative_to(root.parent).as_posix()
    return path.name


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


# The direction of imports.


def imported(tree):
    """Yield ``(line, full name)`` for all that is imported when the code runs, at the top or later."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        else:
            yield from imported(node)


def upward(part, tree):
    """Return what the source of ``part`` imports from a layer that is not above it."""
    found = []
    for line, name in imported(tree):
        target = name.split(".")[1:2]
        if not name.startswith("corenet") or target in ([part], ["__version__"]):
            continue
        if not target or target[0] not in LEVEL or LEVEL[target[0]] >= LEVEL[part]:
            found.append(f"line {line}: {name}")
    return found


@pytest.mark.parametrize("path", OWN_SOURCES, ids=named)
def test_imports_run_one_way(path):
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if part in ("__init__", "__main__"):  # the front door, which leads everywhere
        return
    assert part in LEVEL, f"{part} has no place among the layers"
    assert upward(part, parsed(path)) == []


@pytest.mark.parametrize(
    ("part", "source", "found"),
    [
        ("contracts", "from corenet.errors import ShapeError", 0),
        ("contracts", "from corenet.builtin.linear import Linear", 1),
        ("contracts", "def later():\n    import corenet.training.fit", 1),
        ("registry", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from corenet.contracts import loss", 0),
        ("registry", "from corenet.data import Dataset", 1),
        ("training", "from corenet import data, report", 1),
        ("errors", "import corenet", 1),
    ],
)
def test_an_import_that_runs_back_is_seen(part, source, found):
    assert len(upward(part, ast.parse(source))) == found


# Within testing, each folder may import those above it; the files beside them may import all.
TESTING = ["diagnosis", "gradcheck", "support", "checks"]


@pytest.mark.parametrize("folder", TESTING)
def test_imports_within_testing_run_one_way(folder):
    allowed = tuple(f"corenet.testing.{each}." for each in TESTING[: TESTING.index(folder) + 1])
    for path in sorted((PACKAGE / "testing" / folder).rglob("*.py")):
        own = [name for _, name in imported(parsed(path)) if name.startswith("corenet.testing")]
        assert [name for name in own if not name.startswith(allowed)] == [], named(path)


@pytest.mark.parametrize("path", sorted((PACKAGE / "builtin").glob("*.py")), ids=named)
def test_builtin_uses_no_door_that_a_strangers_plugin_does_not_have(path):
    doors = (*BUILTIN_DOORS, "corenet.builtin")
    own = [name for _, name in imported(parsed(path)) if name.startswith("corenet")]
    assert [name for name in own if not name.startswith(doors)] == []


# No autograd.

BANNED = ("torch.autograd", "torch.nn", "torch.optim", "torch.func", "torch.enable_grad", "torch.set_grad_enabled")
LEAVES = ("create_graph", "retain_graph", "grad_fn", "autograd")


def dotted(node):
    """Return ``torch.nn.Linear`` for such an expression, or nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (left := dotted(node.value)):
        return f"{left}.{node.attr}"
    return ""


def is_false(node):
    return isinstance(node, ast.Constant) and node.value is False


def autograd_in(tree):
    """Return every place that makes, or could make, torch derive something.

    corenet's own modules and losses have a ``backward`` too, so of those calls only the ones are
    counted that can be no module's: on the result of a call or of a formula.
    """
    found = [name for _, name in imported(tree) if name.startswith(BANNED)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (dotted(node).startswith(BANNED) or node.attr in LEAVES):
            found.append(ast.unparse(node))
        elif isinstance(node, ast.keyword) and node.arg == "requires_grad" and not is_false(node.value):
            found.append("requires_grad=True")
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(t, ast.Attribute) and t.attr == "requires_grad" for t in targets):
                found.append(ast.unparse(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "requires_grad_" and not (node.args and is_false(node.args[0])):
                found.append(ast.unparse(node))
            if node.func.attr == "backward" and isinstance(node.func.value, ast.Call | ast.BinOp | ast.UnaryOp):
                found.append(ast.unparse(node))
            found += [keyword.arg for keyword in node.keywords if keyword.arg in LEAVES]
    return found


# The bridge, whose purpose is to look at what others wrote for autograd, and to hand modules over.
BRIDGE = PLUGINS / "corenet-torch"
WITHOUT_AUTOGRAD = [*OWN_SOURCES, *(path for path in PLUGIN_SOURCES if not path.is_relative_to(BRIDGE))]


@pytest.mark.parametrize("path", WITHOUT_AUTOGRAD, ids=named)
def test_nothing_uses_autograd(path):
    assert autograd_in(parsed(path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import torch.nn",
        "import torch.nn.functional as F",
        "from torch import nn",
        "from torch.autograd import Function",
        "from torch.func import grad",
        "def later():\n    from torch import optim",
        "y = torch.nn.functional.relu(x)",
        "torch.autograd.grad(y, x)",
        "torch.func.vjp(f, x)",
        "with torch.enable_grad(): pass",
        "x.requires_grad_()",
        "x.requires_grad_(True)",
        "x.requires_grad = True",
        "x = torch.ones(2, requires_grad=True)",
        "loss(x, t).backward()",
        "(x - t).backward()",
        "value.backward(retain_graph=True)",
        "y.grad_fn",
    ],
)
def test_autograd_is_seen(source):
    assert autograd_in(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "model.backward(loss.backward())",
        "self._modules[0].backward(grad_output)",
        "from torch import Tensor",
        "torch.compile(step)",
        "weight.grad += grad_output.T @ input",
        "if input.requires_grad: raise ValueError",
        "x.requires_grad_(False)",
        "torch.no_grad()",
    ],
)
def test_what_is_no_autograd_is_let_through(source):
    assert autograd_in(ast.parse(source)) == []


def test_training_works_where_torch_cannot_derive(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("torch was asked for a gradient")

    monkeypatch.setattr(torch.Tensor, "backward", refuse)
    monkeypatch.setattr(torch.autograd, "backward", refuse)
    monkeypatch.setattr(torch.autograd, "grad", refuse)
    model = cn.Sequential(cn.Linear(2, 4), cn.ReLU(), cn.Dropout(0.2), cn.Tanh(), cn.Linear(4, 1), cn.Sigmoid())
    optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    data = cn.data.disk(40, seed=0)
    for loss in (cn.MSELoss(), cn.MAELoss(), cn.BCELoss(), cn.BCEWithLogitsLoss()):
        cn.fit(model, loss, optimizer, data, epochs=1, batch_size=10, progress=False)
    assert not cn.predict(model, data).requires_grad
    assert not any(parameter.requires_grad or parameter.grad.requires_grad for parameter in model.parameters())


# Sizes.


def lines_of(path):
    return path.read_text(encoding="utf-8").count("\n")


@pytest.mark.parametrize("path", [*OWN_SOURCES, *PLUGIN_SOURCES], ids=named)
def test_a_file_is_read_in_one_sitting(path):
    assert lines_of(path) <= LINES


@pytest.mark.parametrize("path", TEST_SOURCES, ids=named)
def test_a_test_file_has_one_theme(path):
    assert lines_of(path) <= TEST_LINES


@pytest.mark.parametrize("path", [*OWN_SOURCES, *PLUGIN_SOURCES], ids=named)
def test_no_file_is_named_after_nothing(path):
    assert path.stem not in ("utils", "util", "helpers", "common", "base", "misc")
