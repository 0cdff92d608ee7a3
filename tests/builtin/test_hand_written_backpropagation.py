"""scikit-learn's backpropagation is written by hand, as ours is: the same network and loss have the same gradients."""

import pytest
import torch

import corenet as cn

networks = pytest.importorskip("sklearn.neural_network")

POINTS, STEPS = 20, 30
ACTIVATIONS = {"identity": None, "logistic": cn.Sigmoid, "tanh": cn.Tanh, "relu": cn.ReLU}
# Targets, our loss, and by what its gradient is multiplied: theirs is not divided by the number of outputs, and that of
# a squared error is of its half.
PROBLEMS = {
    "two classes": (lambda: torch.arange(POINTS) % 2, cn.BCEWithLogitsLoss, 1),
    "three classes": (lambda: torch.arange(POINTS) % 3, cn.CrossEntropyLoss, 1),
    "three labels": (lambda: torch.randint(2, (POINTS, 3)), cn.BCEWithLogitsLoss, 3),
    "one value": (lambda: torch.randn(POINTS, 1, dtype=torch.float64), cn.MSELoss, 1 / 2),
    "three values": (lambda: torch.randn(POINTS, 3, dtype=torch.float64), cn.MSELoss, 3 / 2),
}
RULES = {
    "momentum": ({"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False}, cn.SGD, {"momentum": 0.9}),
    "nesterov": ({"solver": "sgd", "momentum": 0.9}, cn.SGD, {"momentum": 0.9, "nesterov": True}),
    "adam": ({"solver": "adam", "epsilon": 1e-30}, cn.Adam, {"eps": 0.0}),  # theirs is divided by √(1 − β₂ᵗ) too
}


class Theirs:
    """scikit-learn's network, which does a step at each call, on all points."""

    def __init__(self, inputs, targets, **settings):
        is_classifier = not targets.is_floating_point()
        kind = networks.MLPClassifier if is_classifier else networks.MLPRegressor
        self.network = kind(hidden_layer_sizes=(5, 4), batch_size=POINTS, random_state=0, **{"alpha": 0.0, **settings})
        self.given = inputs.numpy(), targets.numpy().squeeze()
        one_hot = targets.dim() == 2
        self.classes = {"classes": range(3 if one_hot else int(targets.max()) + 1)} if is_classifier else {}

    def step(self):
        """Do a step, and return the weights after it, in the order of ours."""
        self.network.partial_fit(*self.given, **self.classes)
        self.classes = {}
        pairs = zip(self.network.coefs_, self.network.intercepts_, strict=True)
        return [torch.tensor(each.T) for pair in pairs for each in pair]


def ours(activation, weights):
    """Return our network with such weights."""
    parts = []
    for weight, bias in zip(weights[::2], weights[1::2], strict=True):
        linear = cn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
        linear.weight.copy_(weight)
        linear.bias.copy_(bias)
        parts += [linear, *([ACTIVATIONS[activation]()] if ACTIVATIONS[activation] else [])]
    return cn.Sequential(*(parts if ACTIVATIONS[activation] is None else parts[:-1]))


def problem(name):
    """Return inputs, targets, targets as our loss takes them, the loss, and the factor of its gradient."""
    make, kind, factor = PROBLEMS[name]
    targets = make()
    for_ours = targets if kind is cn.CrossEntropyLoss else targets.reshape(POINTS, -1).double()
    return torch.randn(POINTS, 3, dtype=torch.float64), targets, for_ours, kind(), factor


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_gradients(name, activation):
    inputs, targets, target, loss, factor = problem(name)
    theirs = Theirs(inputs, targets, activation=activation, solver="sgd", momentum=0.0, learning_rate_init=1.0)
    before, after = theirs.step(), theirs.step()
    model = ours(activation, before)
    value = loss(model(inputs), target)
    model.backward(loss.backward() * factor)
    assert float(value * factor) == pytest.approx(
        theirs.network.loss_ * (3 if name == "three values" else 1), rel=1e-10
    )
    for mine, old, new in zip(model.parameters(), before, after, strict=True):
        torch.testing.assert_close(mine.grad, old - new, rtol=1e-10, atol=1e-10)
        assert mine.grad.abs().max() > 1e-4


@pytest.mark.parametrize("rule", RULES)
def test_trajectories(rule):
    settings, kind, options = RULES[rule]
    inputs, targets, target, loss, _ = problem("three classes")
    start = Theirs(inputs, targets, activation="tanh", solver="sgd", learning_rate_init=1e-30).step()
    theirs = Theirs(inputs, targets, activation="tanh", learning_rate_init=0.05, **settings)
    model = ours("tanh", start)
    optimizer = kind(model.parameters(), lr=0.05, **options)
    for _ in range(STEPS):
        cn.train_step(model, loss, optimizer, inputs, target)
        for mine, other in zip(model.parameters(), theirs.step(), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-10, check_dtype=True)
    assert max(float((mine - other).abs().max()) for mine, other in zip(model.parameters(), start, strict=True)) > 0.01
