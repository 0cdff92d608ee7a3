"""Finite differences are seen while they run, however they are written, and loops are not taken for them."""

import textwrap

import pytest

DIFFERENCES = {
    "central, by forward": """
        def forward(x):
            return np.tanh(x), x

        def backward(g, x):
            h = 1e-5
            return g * (forward(x + h)[0] - forward(x - h)[0]) / (2 * h)
        """,
    "one-sided, by a helper": """
        def f(x):
            return np.tanh(x)

        def forward(x):
            return f(x), x

        def backward(g, x):
            return g * (f(x + 1e-8) - f(x)) / 1e-8 + 0 * f(x - 1e-8)
        """,
    "in forward": """
        def forward(x):
            f = lambda t: np.tanh(t)
            return f(x), (f(x + 1e-5) - f(x - 1e-5)) / 2e-5

        def backward(g, slope):
            return g * slope
        """,
    "element by element": """
        def forward(x):
            return np.tanh(x), x

        def backward(g, x):
            out = np.zeros_like(x)
            for i in np.ndindex(x.shape):
                old = x[i]
                x[i] = old + 1e-4
                up = forward(x)[0]
                x[i] = old - 1e-4
                out[i] = ((up - forward(x)[0]) * g).sum() / 2e-4
                x[i] = old
            return out
        """,
}
HONEST = {
    "a helper for each element": """
        def tanh(value):
            return np.sinh(value) / np.cosh(value) if abs(value) < 300 else np.sign(value)

        def forward(x):
            return np.array([[tanh(value) for value in row] for row in x]), x

        def backward(g, x):
            return np.array([[a * (1 - tanh(value) ** 2) for a, value in zip(*rows)] for rows in zip(g, x)])
        """,
    "forward once more": """
        def forward(x):
            return np.tanh(x), x

        def backward(g, x):
            return g * (1 - forward(x)[0] ** 2)
        """,
    "a helper that is called for each row": """
        def slope(row):
            return 1 - np.tanh(row) ** 2

        def forward(x):
            return np.tanh(x), x

        def backward(g, x):
            return np.stack([a * slope(row) for a, row in zip(g, x)])
        """,
}
LINEAR = """
def forward(x, w, b):
    return x @ w.T + b, (x, w, b)

def backward(g, cache):
    grads = []
    for place in range(3):
        out = np.zeros_like(cache[place])
        for i in np.ndindex(out.shape):
            moved = [each.copy() for each in cache]
            moved[place][i] += 1.0
            out[i] = ((forward(*moved)[0] - forward(*cache)[0]) * g).sum()
        grads.append(out)
    return tuple(grads)
"""


def written(text):
    return "import numpy as np\n" + textwrap.dedent(text)


@pytest.mark.parametrize("how", DIFFERENCES)
def test_differences_get_no_points(lost, how):
    found = lost("tanh", "numpy", text=written(DIFFERENCES[how]))
    assert {slug for slug, _ in found.values()} == {"cheat_finite_differences"}
    assert len(found) == 4


def test_a_whole_step_is_exact_for_a_linear_map_and_seen_all_the_same(lost):
    assert {slug for slug, _ in lost("linear", "numpy", text=written(LINEAR)).values()} == {"cheat_finite_differences"}


@pytest.mark.parametrize("how", HONEST)
def test_loops_and_helpers_are_no_differences(graded, how):
    result = graded("tanh", "numpy", text=written(HONEST[how]))
    assert result["points"] == result["out_of"]


def test_a_difference_without_a_function_is_an_approximation(lost):
    text = """
        def forward(x):
            return np.tanh(x), x

        def backward(g, x):
            return g * (np.tanh(x + 1e-5) - np.tanh(x - 1e-5)) / 2e-5
        """
    assert lost("tanh", "numpy", text=written(text))["input_gradient"] == ("approximate", 6 + 1)
