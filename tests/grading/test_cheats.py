"""What borrows its gradients or its answers gets no points, and what only looks like it gets them all."""

import textwrap
from pathlib import Path

import pytest

from corenet.grading.cheats import cheat_in
from corenet.grading.source import Source


def cheat(text):
    return cheat_in(Source(Path("student.py"), textwrap.dedent(text)), ["forward", "backward"])


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("import torch\ndef backward(g, c): return torch.autograd.grad(c, c)", "cheat_autograd"),
        ("import torch.autograd as a\ndef backward(g, c): return a.grad(c, c)", "cheat_autograd"),
        ("from torch.func import vjp\ndef backward(g, c): return vjp(c, c)", "cheat_autograd"),
        ("import torch\ndef backward(g, c): return torch.ones(2, requires_grad=True)", "cheat_autograd"),
        ("def backward(g, c):\n    c.requires_grad = True", "cheat_autograd"),
        ("def backward(g, c):\n    c.requires_grad_()", "cheat_autograd"),
        ("import jax\nforward = abs\nbackward = jax.grad(forward)", "cheat_autograd"),
        ("import autograd.numpy as anp\ndef forward(x): return anp.exp(x)", "cheat_autograd"),
        ("def backward(g, c):\n    import jax.numpy as jnp\n    return jnp.abs(c)", "cheat_autograd"),
        ("import jax\ndef helper(c): return jax.grad(c)\ndef backward(g, c): return helper(c)", "cheat_autograd"),
        ("import torch\ndef backward(g, c): return torch.ops.aten.tanh_backward(g, c)", "cheat_library"),
        ("import torch\ndef backward(g, c): return torch._softmax_backward_data(g, c, 1, 1)", "cheat_library"),
        ("import corenet as cn\ndef forward(x): return cn.Tanh()(x)", "cheat_library"),
        ("import corenet as cn\ndef forward(x): return cn.get('module', 'tanh')()(x)", "cheat_library"),
        ("from corenet import Tanh\ndef forward(x): return Tanh()(x)", "cheat_library"),
        ("from corenet_norm import LayerNorm as forward", "cheat_library"),
        ("from corenet.grading.layers.relu import relu_backward as backward", "cheat_grader"),
        ("import sys\ndef backward(g, c): return sys._getframe(3)", "cheat_grader"),
        ("import gc\ndef backward(g, c): return gc.get_objects()", "cheat_grader"),
        ("def backward(g, c): return eval('g * c')", "cheat_hidden_code"),
        ("import importlib\ndef backward(g, c): return importlib.import_module('jax')", "cheat_hidden_code"),
        ("def backward(g, c): return forward(c + 1e-20j).imag / 1e-20", "cheat_finite_differences"),
    ],
)
def test_a_cheat_is_read_in_the_source(text, slug):
    assert cheat(text)[0] == slug


@pytest.mark.parametrize(
    "text",
    [
        "import torch.autograd, jax, gc, inspect\ndef backward(g, c): return g * c",
        "import torch\ndef backward(g, c): return torch.exp(c) * g\nif __name__ == '__main__':\n"
        "    g = torch.ones(1, requires_grad=True)",
        "import torch\ndef test_it(): return torch.autograd.gradcheck(forward)\ndef backward(g, c): return g",
        "import numpy as np\nclass Tanh: pass\ndef forward(x): return Tanh, np.tanh(x)",
        "import torch.nn.functional as F\ndef forward(x): return F.softmax(x, 1)",
        "from corenet import Module, Parameter\ndef forward(x): return Module, Parameter(x)",
        "def forward(x): return x.requires_grad\ndef backward(g, c): return g.requires_grad_(False)",
        "def evaluate(x): return x\ndef forward(x):\n    model = x\n    return evaluate(model.eval())",
        "def compile(x): return x\ndef backward(g, c): return compile(g)",
        "from re import compile\ndef backward(g, c): return compile(g)",
        "import torch\ndef forward(x): return torch.functional.norm(x)",
        "def softmax_backward(g): return g\ndef backward(g, c): return softmax_backward(g)",
        "jax = 3\ndef backward(g, c): return g * jax",
    ],
)
def test_the_honest_are_not_accused(text):
    assert cheat(text) is None


def test_the_line_is_the_first_of_the_cheat():
    assert cheat("import torch\n\ndef backward(g, c):\n    y = c\n    return torch.autograd.grad(y, c)") == (
        "cheat_autograd",
        5,
    )


def test_only_the_layer_that_cheats_loses_points(graded):
    edits = (("import numpy as np", "import numpy as np\nimport torch"), ("* positive", "* torch.autograd.grad(0, 0)"))
    first, second = graded("relu,tanh", "numpy", *edits)["layers"]
    assert (first["points"], second["points"]) == (0.0, 5.0)
    assert {(check["misconception"], check["line"]) for check in first["checks"]} == {("cheat_autograd", 17)}


@pytest.mark.parametrize(
    "text",
    [
        "import corenet as cn\nclass Linear(cn.Linear): pass",
        "from corenet.grading.textbook import layer_of\nLinear = None",
        "import corenet as cn\nLinear = cn.get('module', 'linear')",
        "import corenet as cn\nclass Linear(cn.get('module', 'linear')): pass",
    ],
)
def test_a_ready_layer_is_no_answer(graded, text):
    assert graded("linear", "module", text=text)["points"] == 0.0


def test_autograd_that_no_one_can_read_is_seen_as_it_runs(lost):
    text = """
    import numpy as np
    import torch

    def forward(x):
        return np.tanh(x), x

    def backward(g, x):
        t = torch.tensor(x)
        getattr(t, "requires_" + "grad_")()
        torch.tanh(t).backward(torch.tensor(g))
        return t.grad.numpy()
    """
    found = lost("tanh", "numpy", text=textwrap.dedent(text))
    assert set(found.values()) == {("cheat_autograd", 11)}
    assert len(found) == 4
