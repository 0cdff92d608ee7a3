"""Several inputs and outputs, integers, cells, penalties, frozen parts, losses as trees: proven like the rest."""

import pytest
import torch

import corenet as cn
from benchmarks.mutants import several
from corenet.testing.gradcheck.gradcheck import examine


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


A, B, C = (draw(4, 3, seed=seed) for seed in range(3))
INDICES = torch.tensor([[0, 3, 3], [5, 1, 3]])
MASK = torch.ones(3, 4, 4, dtype=torch.bool).tril()
SUBJECTS = {
    "product": (several.Product(), [A, B], ["a", "b"]),
    "embedding": (several.Embedding(7, 2), [INDICES], ["table"]),
    "attention": (several.Attention(), [*draw(3, 3, 4, 2), MASK], ["query", "key", "value"]),
    "masked": (several.Masked(), [draw(4, 5, 3), draw(4, 5) > 0], ["input"]),
    "cell": (
        several.Cell(3, 2),
        [A, draw(4, 2), draw(4, 2, seed=1)],
        ["input", "hidden", "memory", "input.weight", "input.bias", "state.weight"],
    ),
    "recurrence": (
        several.LSTM(3, 2),
        [draw(4, 5, 3)],
        ["input", "cell.input.weight", "cell.input.bias", "cell.state.weight"],
    ),
    "pair": (several.Pair(3), [A, B], ["first", "second", "encoder.0.weight", "encoder.0.bias"]),
    "penalty": (several.Decayed(3, 2), [A], ["input", "weight", "bias"]),
    "running statistics": (several.BatchNorm1d(3), [A], ["input", "weight", "bias"]),
}


class Lists(cn.Module):
    """``Σ inputs``, of any number."""

    def forward(self, *inputs):
        self.save(len(inputs))
        return sum(inputs)

    def backward(self, grad_output):
        (count,) = self.saved()
        return (grad_output.clone(),) * count if count > 1 else grad_output.clone()


@pytest.mark.parametrize("name", SUBJECTS)
def test_right_modules_of_the_wider_kinds_agree_to_a_stated_power(name):
    subject, inputs, names = SUBJECTS[name]
    report = cn.gradcheck(subject, *inputs)
    assert [tensor.name for tensor in report.tensors] == names
    assert report.error < 1e-4  # relative to the smallest element
    assert report.power < 1e-5


def test_inputs_without_names_of_their_own_are_numbered():
    report = cn.gradcheck(Lists(), A, B, C)
    assert [tensor.name for tensor in report.tensors] == ["input 0", "input 1", "input 2"]
    assert [tensor.name for tensor in cn.gradcheck(Lists(), A).tensors] == ["input"]

    class Same(several.Product):
        def __init__(self):
            self.b = cn.Parameter(torch.tensor(0.5))

        def forward(self, a, b):
            return super().forward(a, b)[0] + self.b

        def backward(self, grad_output):
            self.b.grad += grad_output.sum()
            return super().backward(grad_output, torch.zeros_like(grad_output))

    assert [tensor.name for tensor in cn.gradcheck(Same(), A, B).tensors] == ["input 0", "input 1", "b"]


class Planted(several.Product):
    """The product with one gradient replaced by what it is given."""

    def __init__(self, fault):
        self.fault = fault

    def backward(self, grad_product, grad_difference):
        a, b = self.saved()
        right = grad_product * b + grad_difference, grad_product * a - 2 * grad_difference
        return self.fault(right, a, b, grad_product, grad_difference)


FAULTS = {
    "swapped": (lambda right, *_: right[::-1], ["a", "b"], "exchanged: this is the gradient of b"),
    "second alone": (lambda right, *_: (right[0], 2 * right[1]), ["b"], "a factor 2 too many"),
    "first output lost": (lambda right, a, b, u, v: (v, right[1]), ["a"], "the gradient of output 0 takes no part"),
    "last output lost": (lambda right, a, b, u, v: (right[0], u * a), ["b"], "the gradient of output 1 takes no part"),
    "outputs exchanged": (
        lambda right, a, b, u, v: (v * b + u, right[1]),
        ["a"],
        "the gradients of outputs 0 and 1 are exchanged",
    ),
    "one part in a million": (lambda right, *_: (right[0], right[1] * (1 + 1e-5)), ["b"], ""),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_one_of_several_gradients_is_found_and_named(name):
    fault, blamed, words = FAULTS[name]
    report = examine(Planted(fault), A, B)
    wrong = [tensor for tensor in report.tensors if tensor.status == "wrong"]
    assert [tensor.name for tensor in wrong] == blamed
    assert words in wrong[0].diagnosis


def test_two_gradients_of_other_shapes_exchanged_are_named():
    class Swapped(several.Concat):
        def backward(self, grad_output):
            return super().backward(grad_output)[::-1]

    with pytest.raises(cn.ShapeError, match=r"gradient of left got \(4, 2\); expected \(4, 3\).*the gradient of right"):
        cn.gradcheck(Swapped(), A, draw(4, 2))


@pytest.mark.parametrize(
    ("gradients", "message"),
    [
        (lambda u: None, "backward returns None, expected a tuple of 2 gradients"),
        (lambda u: u, "backward returns Tensor, expected a tuple of 2 gradients"),
        (lambda u: (u,), "backward returns a tuple of 1, expected a tuple of 2 gradients"),
        (lambda u: (u, u, u), "backward returns a tuple of 3, expected a tuple of 2 gradients"),
        (lambda u: (None, None), "backward returns None for input 0, which has a gradient: return a tensor"),
        (lambda u: (u, u), "backward returns Tensor for input 1, which has no gradient: return None"),
    ],
)
def test_gradients_that_are_not_one_for_each_input_are_said(gradients, message):
    class Shift(cn.Module):
        def forward(self, input, places):
            self.save()
            return input + 0 * places

        def backward(self, grad_output):
            self.saved()
            return gradients(grad_output)

    with pytest.raises(cn.BackwardError, match=message):
        cn.gradcheck(Shift(), A, torch.ones(4, 3, dtype=torch.long))


def test_indices_that_repeat_must_add_up():
    class Written(several.Embedding):
        def backward(self, grad_output):
            (indices,) = self.saved()
            self.table.grad[indices] += grad_output

    with pytest.raises(
        cn.GradientError, match="repetitions are lost: wrong only in rows that input picks more than once"
    ):
        cn.gradcheck(Written(7, 2), INDICES)
    assert cn.gradcheck(Written(7, 2), torch.tensor([[0, 3], [5, 1]]))  # where none repeats it is right


def test_an_output_of_integers_has_no_upstream_gradient():
    class Largest(cn.Module):
        def forward(self, input):
            value, place = input.max(-1)
            self.save(place, input.shape)
            return value, place

        def backward(self, grad_value, grad_place):
            place, shape = self.saved()
            assert grad_place is None
            return grad_value.new_zeros(shape).scatter_(-1, place[..., None], grad_value[..., None])

    assert cn.gradcheck(Largest(), A).power < 1e-5


@pytest.mark.parametrize("factor", [0.0, 1.0, -1.0])
def test_the_gradient_of_a_penalty_is_asked_with_a_factor_of_one(factor):
    class Wrong(several.Decayed):
        def backward(self, grad_output):
            (input,) = self.saved()
            self.weight.grad += grad_output.T @ input + 0.6 * factor * self.weight
            self.bias.grad += grad_output.sum(0)
            return grad_output @ self.weight

    report = examine(Wrong(3, 2), A)
    assert [each.name for each in report.tensors if each.status == "wrong"] == [] if factor == 1 else ["weight"]


def test_parameters_of_what_is_frozen_are_not_asked():
    model = cn.Sequential(cn.Linear(3, 4), cn.Tanh(), cn.Linear(4, 2))
    model[0].freeze()
    report = cn.gradcheck(model, A)
    assert [tensor.name for tensor in report.tensors] == ["input", "2.weight", "2.bias"]
    assert model[0].frozen


def test_a_frozen_norm_is_proven_with_its_running_statistics():
    norm = several.BatchNorm1d(3)
    norm.running_var.copy_(torch.tensor([0.5, 2.0, 3.0]))
    norm.freeze()
    assert [tensor.name for tensor in cn.gradcheck(norm, A).tensors] == ["input"]

    class Trains(several.BatchNorm1d):
        def backward(self, grad_output):
            normal, deviation, _ = self.saved()
            grad = grad_output * self.weight
            return (grad - grad.mean(0) - normal * (grad * normal).mean(0)) / deviation

    other = Trains(3)
    other.freeze()
    assert not examine(other, A).ok


class Both(cn.Loss):
    """``MSE(a, s) + w · MSE(b, t)`` with a weight that is trained; ``fault`` is a factor of the second gradient."""

    def __init__(self, fault=1.0, weight_fault=1.0):
        self.weight, self.faults = cn.Parameter(torch.tensor(0.7)), (fault, weight_fault)
        self.first, self.second = cn.MSELoss(), cn.MSELoss()

    def forward(self, outputs, targets):
        first, second = (loss(*pair) for loss, *pair in zip((self.first, self.second), outputs, targets, strict=True))
        self.save(second)
        return first + self.weight * second

    def backward(self):
        (second,) = self.saved()
        self.weight.grad += second * self.faults[1]
        return self.first.backward(), self.weight * self.second.backward() * self.faults[0]


def test_a_loss_of_two_outputs_with_a_parameter():
    given = (A, B), (C, draw(4, 3, seed=5))
    report = cn.gradcheck(Both(), *given)
    assert [tensor.name for tensor in report.tensors] == ["input 0", "input 1", "weight"]
    for faults, blamed in (((2.0, 1.0), "input 1"), ((1.0, -1.0), "weight")):
        report = examine(Both(*faults), *given)
        assert [tensor.name for tensor in report.tensors if tensor.status == "wrong"] == [blamed]


@pytest.mark.parametrize("inputs", [[(A, B)], [A, (A, "b")], [[A], A]])
def test_what_is_no_tensor_is_refused(inputs):
    with pytest.raises(cn.ConfigError, match=r"takes (an input and a target|torch.Tensors)"):
        cn.gradcheck(Both(), *inputs)


@pytest.mark.parametrize("gate", ["forget gate", "memory", "input of the cell"])
def test_an_lstm_that_forgets_one_path_is_found(gate):
    class Forgets(several.Cell):
        def backward(self, grad_hidden, grad_after):
            let_in, keep, new, show, memory, shown = self.saved()
            grad = grad_after + grad_hidden * show * (1 - shown**2)
            gates = [
                grad * new * let_in * (1 - let_in),
                grad * memory * keep * (1 - keep) * (gate != "forget gate"),
                grad * let_in * (1 - new**2),
                grad_hidden * shown * show * (1 - show),
            ]
            before = self.state.backward(torch.cat(gates, -1))
            grad_input = self.input.backward(torch.cat(gates, -1)) * (gate != "input of the cell")
            return grad_input, before, grad * keep * (gate != "memory")

    lstm = several.LSTM(3, 2)
    lstm.cell = lstm.repeat(Forgets(3, 2))
    assert examine(lstm, draw(2, 3, 3)).status == "wrong"
