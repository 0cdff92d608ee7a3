"""Right solutions that look like no solution of ours get all points."""

import textwrap

import pytest

NUMPY = {
    "softmax by loops over the Jacobian": (
        "softmax",
        """
        def softmax(row):
            powers = np.exp(row - np.max(row))
            return powers / powers.sum()

        def forward(x):
            return np.array([softmax(row) for row in x]), x

        def backward(g, x):
            out = np.zeros_like(x)
            for n in range(len(x)):
                for i in range(x.shape[1]):
                    for j in range(x.shape[1]):
                        s = softmax(x[n])
                        out[n, i] += g[n, j] * s[j] * ((i == j) - s[i])
            return out
        """,
    ),
    "layer norm step by step": (
        "layernorm",
        """
        def forward(x, w, b, eps=1e-5):
            mu = x.mean(axis=1, keepdims=True)
            var = np.var(x, axis=1, keepdims=True)
            normal = (x - mu) / np.sqrt(var + eps)
            return w * normal + b, (x, w, mu, var, normal, eps)

        def backward(g, cache):
            x, w, mu, var, normal, eps = cache
            dn = g * w
            dvar = (dn * (x - mu) * -0.5 * (var + eps) ** -1.5).sum(1, keepdims=True)
            dmu = (-dn / np.sqrt(var + eps)).sum(1, keepdims=True) - dvar * 2 * (x - mu).mean(1, keepdims=True)
            dx = dn / np.sqrt(var + eps) + dvar * 2 * (x - mu) / x.shape[1] + dmu / x.shape[1]
            return dx, (g * normal).sum(axis=0), g.sum(axis=0)
        """,
    ),
    "dropout by another generator": (
        "dropout",
        """
        def forward(x, p, random, training=True):
            if not training:
                return x, None
            mask = np.random.rand(*x.shape) > p
            return x * mask / (1 - p), (mask, p)

        def backward(g, cache):
            mask, p = cache
            return g * mask / (1 - p)
        """,
    ),
    "linear that returns a list": (
        "linear",
        """
        def forward(x, w, b):
            return x @ w.T + b, (x, w)

        def backward(g, cache):
            x, w = cache
            return [g @ w, g.T @ x, g.sum(0)]
        """,
    ),
    "cross-entropy that returns None for the target": (
        "cross_entropy",
        """
        def forward(x, t):
            top = x.max(axis=1, keepdims=True)
            return np.mean(top[:, 0] + np.log(np.exp(x - top).sum(axis=1)) - x[range(len(x)), t]), (x, t)

        def backward(g, cache):
            x, t = cache
            e = np.exp(x - x.max(axis=1, keepdims=True))
            return g * (e / e.sum(1)[:, None] - np.eye(x.shape[1])[t]) / len(x), None
        """,
    ),
    "linear by einsum": (
        "linear",
        """
        def forward(x, w, b):
            return np.einsum("nj,kj->nk", x, w) + b, (x, w)

        def backward(g, cache):
            x, w = cache
            return np.einsum("nk,kj->nj", g, w), np.einsum("nk,nj->kj", g, x), np.einsum("nk->k", g)
        """,
    ),
    "embedding by a loop": (
        "embedding",
        """
        def forward(i, w):
            return np.stack([w[each] for each in i]), (i, w.shape)

        def backward(g, cache):
            i, shape = cache
            grad = np.zeros(shape)
            for row, each in enumerate(i):
                grad[each] += g[row]
            return None, grad
        """,
    ),
}
MODULE = {
    "dropout whose mask is float32": (
        "dropout",
        """
        class Dropout(cn.Module):
            def __init__(self, p=0.5):
                self.p = p

            def forward(self, x):
                if not self.training:
                    return x
                mask = torch.bernoulli(torch.full(x.shape, 1 - self.p)).float() / (1 - self.p)
                self.save(mask)
                return x * mask

            def backward(self, g):
                (mask,) = self.saved()
                return g * mask
        """,
    ),
    "cross-entropy by torch's forward": (
        "cross_entropy",
        """
        class CrossEntropyLoss(cn.Loss):
            def forward(self, input, target):
                self.save(torch.softmax(input, 1), target)
                return torch.nn.functional.nll_loss(torch.log_softmax(input, 1), target)

            def backward(self):
                p, t = self.saved()
                chosen = torch.zeros(p.shape)
                chosen[torch.arange(len(t)), t] = 1
                return (p - chosen) / len(t)
        """,
    ),
    "linear that keeps its input on itself": (
        "linear",
        """
        class Linear(cn.Module):
            def __init__(self, n, m):
                super().__init__()
                self.weight = cn.Parameter(torch.zeros(m, n))
                self.bias = cn.Parameter(torch.zeros(m))

            def forward(self, x):
                self.save(x)
                return torch.addmm(self.bias, x, self.weight.T)

            def backward(self, g):
                (x,) = self.saved()
                for row, up in zip(x, g):
                    self.weight.grad.add_(torch.outer(up, row))
                    self.bias.grad.add_(up)
                return torch.matmul(g, self.weight)
        """,
    ),
}


@pytest.mark.parametrize("how", NUMPY)
def test_a_right_function_gets_all_points(graded, how):
    layer, text = NUMPY[how]
    result = graded(layer, "numpy", text="import numpy as np\n" + textwrap.dedent(text))
    assert result["points"] == result["out_of"]


@pytest.mark.parametrize("how", MODULE)
def test_a_right_class_gets_all_points(graded, how):
    layer, text = MODULE[how]
    result = graded(layer, "module", text="import corenet as cn\nimport torch\n" + textwrap.dedent(text))
    assert result["points"] == result["out_of"]
