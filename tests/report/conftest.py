"""Networks to trace, and a plugin's layers: one right, one wrong, one whose text is markup."""

import pytest
import torch

import corenet as cn
from corenet.report.trace.step_trace import trace_step


class Minus(cn.Module):
    """A layer whose backward has a sign too many."""

    def forward(self, input):
        self.save(input)
        return input**2

    def backward(self, grad_output):
        (input,) = self.saved()
        return -2 * input * grad_output  # <b>a sign & too many</b>

    def __repr__(self):
        return "Minus(<script>alert('x')</script>)"


class Single(cn.Module):
    """A right layer that cannot be checked."""

    def forward(self, input):
        if input.dtype == torch.float64:
            raise RuntimeError("float32 only")
        return input

    def backward(self, grad_output):
        return grad_output


@pytest.fixture(scope="session")
def minus():
    return Minus


@pytest.fixture(scope="session")
def single():
    return Single


@pytest.fixture(scope="session")
def traced():
    """Return the trace of one step on the disk: ``traced(module, ...)``."""

    def make(*modules, loss=None, points=20):
        model = cn.Sequential(*modules)
        data = cn.data.disk(points, seed=0)
        optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9)
        return trace_step(model, loss or cn.MSELoss(), optimizer, data.inputs, data.targets)

    return make


@pytest.fixture(scope="session")
def small(traced):
    torch.manual_seed(0)
    return traced(cn.Linear(2, 4), cn.ReLU(), cn.Dropout(0.5), cn.Linear(4, 1), cn.Sigmoid(), loss=cn.BCELoss())
