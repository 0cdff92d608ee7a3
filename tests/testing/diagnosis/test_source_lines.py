"""The line of backward that computes a gradient is found."""

import corenet as cn
from corenet.testing.diagnosis.source_lines import where


class Scale(cn.Module):
    def __init__(self):
        self.gain = cn.Parameter(cn.data.disk(3, seed=0).inputs)
        self.unused = cn.Parameter(cn.data.disk(3, seed=0).inputs)

    def backward(self, grad_output):
        self.gain.grad += grad_output
        return (
            grad_output
            * self.gain
        )  # fmt: skip


class Split(cn.Module):
    def __init__(self):
        self.weight = cn.Parameter(cn.data.disk(3, seed=0).inputs)
        self.bias = cn.Parameter(cn.data.disk(3, seed=0).inputs)

    def backward(self, grad_output):
        self.backward_parameters(grad_output)
        self.add_bias(grad_output)
        return self.to_input(grad_output)

    def backward_parameters(self, grad_output):
        self.weight.grad += grad_output * 2

    def add_bias(self, grad_output):
        self.bias.grad.add_(grad_output)

    def to_input(self, grad_output):
        result = grad_output.clone()
        result[1:] *= 3
        return result


class Curve(cn.Module):
    def backward(self, grad_output):
        (input,) = self.saved()
        return grad_output * self.slope(input)

    def slope(self, x):
        gate = x.sigmoid()
        return gate * self.again(x)

    def again(self, x):
        return 1 - self.slope(x)


class Parent(cn.Module):
    def __init__(self):
        self.children_ = {"first": Split()}

    def backward(self, grad_output):
        return self.children_["first"].backward(grad_output)


class Halved(cn.MSELoss):
    def derivative(self, input, target):
        return input - target


def statement(place):
    """Return what stands there, once the file and the line are seen to be right."""
    position, _, text = place.partition(": ")
    name, _, line = position.rpartition(":")
    assert __file__.endswith(name)
    with open(__file__, encoding="utf-8") as file:
        assert text.split()[0] in file.read().splitlines()[int(line) - 1]
    return text


def test_of_the_input_it_is_the_return_in_one_line():
    assert statement(where(Scale(), "input")) == "return ( grad_output * self.gain )"


def test_of_a_parameter_it_is_the_line_that_writes_its_gradient():
    assert statement(where(Scale(), "gain")) == "self.gain.grad += grad_output"


def test_of_a_parameter_that_is_never_written_it_is_the_whole_method():
    first, last = where(Scale(), "unused").rpartition(":")[2].split("-")
    assert int(last) - int(first) == 5


def test_other_methods_of_the_component_are_searched():
    assert statement(where(Split(), "weight")) == "self.weight.grad += grad_output * 2"
    assert statement(where(Split(), "bias")) == "self.bias.grad.add_(grad_output)"
    assert statement(where(Split(), "input")) == "result[1:] *= 3"


def test_a_method_that_is_a_part_of_the_line_is_told_as_well():
    first, second = where(Curve(), "input").split("; slope is ")
    assert statement(first) == "return grad_output * self.slope(input)"
    assert statement(second) == "return gate * self.again(x)"


def test_a_parameter_of_a_module_below_is_looked_for_there():
    assert statement(where(Parent(), "children_.first.weight")) == "self.weight.grad += grad_output * 2"
    assert where(cn.Sequential(cn.Tanh(), cn.Linear(2, 3)), "1.weight").startswith("corenet/builtin/linear.py:")


def test_of_a_loss_of_elements_it_is_the_derivative():
    assert statement(where(Halved(), "input")) == "return input - target"


def test_without_a_source_it_is_nothing():
    space = {"cn": cn}
    exec("class Typed(cn.Module):\n    def backward(self, grad_output):\n        return grad_output\n", space)
    assert where(space["Typed"](), "input") == ""


def test_a_long_line_is_cut():
    class Long(cn.Module):
        def backward(self, grad_output):
            return grad_output + 1000000 + 2000000 + 3000000 + 4000000 + 5000000 + 6000000 + 7000000 + 8000000 + 9000000

    text = statement(where(Long(), "input"))
    assert len(text) == 100
    assert text.endswith("…")
