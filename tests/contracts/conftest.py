import pytest
import torch

import corenet as cn


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.fixture
def mlp():
    """A small chain in float64, the same in every test."""
    torch.manual_seed(0)
    return cn.Sequential(cn.Linear(3, 5), cn.Tanh(), cn.Linear(5, 2)).to(dtype=torch.float64)


@pytest.fixture
def fill_gradients():
    """Return a function that gives each parameter a random gradient, by seed."""

    def fill(parameters, seed=0):
        generator = torch.Generator().manual_seed(seed)
        for parameter in parameters:
            parameter.grad.copy_(torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))

    return fill


@pytest.fixture(scope="session")
def parameters():
    """Return a function that draws one parameter for each shape."""

    def draw(*shapes, dtype=torch.float64):
        return [cn.Parameter(torch.randn(shape, dtype=dtype)) for shape in shapes]

    return draw


@pytest.fixture(scope="session")
def storage():
    """Return a function that tells the address of the memory that a tensor lies in."""
    return lambda tensor: tensor.untyped_storage().data_ptr()


@pytest.fixture(scope="session")
def sgd():
    """Return SGD with momentum, its learning rate chosen."""
    return lambda of, **options: cn.SGD(of, **{"lr": 0.1, "momentum": 0.9, **options})


@pytest.fixture
def trained(fill_gradients):
    """Return a function that trains by random gradients and returns the values after."""

    def train(of, optimizer, steps=3, seed=0):
        of = list(of)
        for step in range(steps):
            optimizer.zero_grad()
            fill_gradients(of, seed + step)
            optimizer.step()
        return [parameter.clone() for parameter in of]

    return train


@pytest.fixture(scope="session")
def assert_equal():
    """Return an assertion that two lists of tensors are equal, bit for bit."""

    def compare(ours, theirs):
        assert len(ours) == len(theirs)
        assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))

    return compare


@pytest.fixture(scope="session")
def summing():
    """Return an elementwise rule with a state."""

    class Summing(cn.Optimizer):
        """``s ← s + g; w ← w − η s``: one state tensor, flat."""

        elementwise = True

        def init_state(self, param):
            return {"sum": torch.zeros_like(param)}

        def update(self, param, grad, state):
            state["sum"] += grad
            param -= self.current_lr * state["sum"]

    return Summing


@pytest.fixture(scope="session")
def normed():
    """Return a rule that looks at each parameter in its shape."""

    class Normed(cn.Optimizer):
        """``v ← v + g / |g|``, |g| along the last dimension; ``w ← w − η v``."""

        def init_state(self, param):
            return {"velocity": torch.zeros_like(param), "count": torch.zeros((), dtype=param.dtype)}

        def update(self, param, grad, state):
            state["count"] += 1
            state["velocity"] += grad / grad.norm(dim=-1, keepdim=True)
            param -= self.current_lr * state["velocity"]

    return Normed


@pytest.fixture(scope="session")
def scale():
    """Return a class of modules."""

    class Scale(cn.Module):
        """y = w x, with no call of super().__init__()."""

        def __init__(self, value=2.0):
            self.weight = cn.Parameter(torch.tensor([value]))

        def forward(self, input):
            self.save(input)
            return self.weight * input

        def backward(self, grad_output):
            (input,) = self.saved()
            self.weight.grad += (grad_output * input).sum()
            return grad_output * self.weight

        def reset_parameters(self):
            self.weight.fill_(1)

    return Scale


@pytest.fixture(scope="session")
def counting(scale):
    """Return a class of modules."""

    class Counting(cn.Module):
        """Holds one of everything, in every kind of container."""

        def __init__(self):
            self.seen = cn.Buffer(torch.tensor(3))
            self.weight = cn.Parameter(torch.ones(2))
            self.inner = scale()
            self.listed = [scale(3.0), cn.Parameter(torch.ones(1))]
            self.named = {"left": scale(4.0)}
            self.paired = (scale(5.0),)
            self.constant = torch.ones(4)

    return Counting


@pytest.fixture(scope="session")
def negate():
    """Return a class of modules."""

    class Negate(cn.Module):
        """Saves nothing."""

        def forward(self, input):
            return -input

        def backward(self, grad_output):
            return -grad_output

    return Negate
