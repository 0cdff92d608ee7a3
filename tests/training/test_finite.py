"""What no step goes on from: numbers that are infinite or none."""

import pytest
import torch

import corenet as cn
from corenet import train_step

NAN, INF = float("nan"), float("inf")


class Spoil(cn.Module):
    """Hands ``value`` forward, or back, in the place of a number or of a gradient."""

    def __init__(self, forward=1.0, backward=1.0):
        self.factors = forward, backward

    def forward(self, input):
        return input * self.factors[0]

    def backward(self, grad_output):
        return grad_output * self.factors[1]


@pytest.fixture
def refused(momentum, everything):
    def refuse(model, loss, input, target):
        """Return the error of a step after a good one, having checked that it wrote nothing."""
        optimizer = momentum(model)
        for parameter in model.parameters():
            parameter.grad.fill_(0.5)
        optimizer.step()  # so that there is a velocity to keep
        before = everything(model, optimizer)
        with pytest.raises(cn.NonFiniteError) as caught:
            train_step(model, loss, optimizer, input, target)
        after = everything(model, optimizer)
        torch.testing.assert_close(after, before, rtol=0, atol=0, equal_nan=True)
        return caught.value

    return refuse


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize(("place", "named"), [(1, "weight of [0] Linear(2 → 3)"), (3, "weight of [2] Linear(3 → 3)")])
def test_the_first_module_in_backward_order_is_named(bad, place, named, batch, linear, refused):
    modules = [linear(3), cn.Tanh(), cn.Linear(3, 3), cn.Tanh(), cn.Linear(3, 1)]
    modules[place] = Spoil(backward=bad)
    error = refused(cn.Sequential(*modules), cn.MSELoss(), *batch())
    assert error.module == named
    assert f"the gradient of {named} is not finite" in str(error)
    assert "no weight was written" in str(error)
    assert error.loss >= 0
    assert (error.epoch, error.step) == (None, None)


def test_a_bias_alone_is_named(batch, linear, refused):
    class Shift(cn.Module):
        def __init__(self):
            self.shift = cn.Parameter(torch.zeros(1))

        def forward(self, input):
            return input + self.shift

        def backward(self, grad_output):
            self.shift.grad += NAN
            return grad_output

    assert refused(cn.Sequential(linear(), Shift()), cn.MSELoss(), *batch()).module == "shift of [1] Shift()"


def test_a_module_inside_a_module_is_named_by_its_path(batch, linear, refused):
    inner = cn.Sequential(cn.Linear(3, 3), Spoil(backward=NAN))
    error = refused(cn.Sequential(linear(3), inner, cn.Linear(3, 1)), cn.MSELoss(), *batch())
    assert error.module == "weight of [1.0] Linear(3 → 3)"


def test_a_lone_module_is_named_without_a_path(batch, linear, refused):
    assert refused(linear(), cn.MSELoss(), batch()[0], torch.full((8, 1), NAN)).module == "weight of Linear(2 → 1)"


class Overflow(cn.Loss):
    """A loss whose value is infinite and whose gradient is not."""

    def forward(self, input, target):
        self.save(input)
        return torch.tensor(INF)

    def backward(self):
        return torch.ones_like(*self.saved())


def test_an_infinite_loss_is_refused_even_where_every_gradient_is_finite(batch, linear, refused):
    error = refused(linear(), Overflow(), *batch())
    assert (error.loss, error.module) == (INF, None)
    assert (
        str(error)
        == "the loss is inf; no weight was written: lower lr, scale the data, or clip gradients by max_grad_norm"
    )


@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_prediction_that_is_not_finite_is_refused(bad, batch, linear, refused):
    model = cn.Sequential(linear(), Spoil(forward=bad))
    assert refused(model, cn.MSELoss(), *batch()).module == "weight of [0] Linear(2 → 1)"


def test_a_sigmoid_past_overflow_is_not_blamed_on_the_range_of_bce(linear, refused):
    model = cn.Sequential(linear(), cn.Sigmoid())
    model[0].weight.copy_(torch.tensor([[3e38, -3e38]]))
    error = refused(model, cn.BCELoss(), torch.full((8, 2), 10.0), torch.ones(8, 1))  # ∞ − ∞
    assert (
        str(error) == "the model's output is not finite; lower lr, scale the data, or clip gradients by max_grad_norm"
    )
    assert isinstance(error.__cause__, cn.RangeError)


def test_an_output_out_of_range_but_finite_stays_an_error_of_range(batch, momentum):
    model = cn.Linear(2, 1, init="zeros")
    model.bias.fill_(2.0)
    with pytest.raises(cn.RangeError, match="input in \\[0, 1\\], got 2"):
        train_step(model, cn.BCELoss(), momentum(model), *batch())


def test_finite_gradients_whose_sum_overflows_are_no_error():
    model = cn.Linear(2, 2, bias=False, init="zeros")
    optimizer = cn.SGD(model.parameters(), lr=1e-38)

    class Steep(Overflow):
        def forward(self, input, target):
            self.save(input)
            return torch.tensor(1.0)

        def backward(self):
            return 3e38 * super().backward()

    train_step(model, Steep(), optimizer, torch.ones(1, 2), torch.ones(1, 2))
    torch.testing.assert_close(model.weight, torch.full((2, 2), -3.0))
