"""While the guard stands torch derives nothing, however it is asked; afterwards it does as before."""

import pytest
import torch
from torch.autograd import grad

import corenet as cn
from corenet.testing.support.no_autograd import no_autograd
from corenet.testing.support.violation import Violation


def leaf():
    return torch.ones(2, requires_grad=True)


def square(tensor):
    return tensor.square().sum()


ASKED = {
    "Tensor.backward": lambda: square(leaf()).backward(),
    "autograd.backward": lambda: torch.autograd.backward(square(leaf())),
    "a grad imported long ago": lambda: grad(square(x := leaf()), x),
    "functional.jacobian": lambda: torch.autograd.functional.jacobian(square, torch.ones(2)),
    "func.grad": lambda: torch.func.grad(square)(torch.ones(2)),
    "func.vjp": lambda: torch.func.vjp(square, torch.ones(2))[1](torch.ones(())),
    "func.jvp": lambda: torch.func.jvp(square, (torch.ones(2),), (torch.ones(2),)),
    "func.jacfwd": lambda: torch.func.jacfwd(square)(torch.ones(2)),
}


@pytest.mark.filterwarnings(
    "ignore:`torch.jit.script` is deprecated"
)  # torch's own, where it pushes derivatives forward
@pytest.mark.parametrize("how", ASKED)
def test_torch_is_refused_a_derivative(how):
    with pytest.raises(Violation, match="autograd was asked for a gradient"), no_autograd():
        ASKED[how]()
    ASKED[how]()


def test_a_step_of_training_needs_none():
    model, loss, data = (
        cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1)),
        cn.MSELoss(),
        cn.data.disk(10, seed=0),
    )
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    with no_autograd():
        before = loss(model(data.inputs), data.targets)
        model.backward(loss.backward())
        optimizer.step()
    assert loss(model(data.inputs), data.targets) < before
