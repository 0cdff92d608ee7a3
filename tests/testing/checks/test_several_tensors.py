"""The kit on modules of several tensors, of integers, with masks, cells and penalties: right ones and wrong ones."""

import pytest
import torch

import corenet as cn
from benchmarks.mutants import several
from corenet.testing import check_component

RIGHT = [each for each in vars(several).values() if isinstance(each, type) and each.__module__ == several.__name__]


@pytest.mark.parametrize("cls", RIGHT)
def test_nothing_is_wrong_with_a_right_one(cls):
    report = check_component(cls)
    assert report.ok, report
    skipped = {result.check: result.message for result in report.results if result.verdict == "skipped"}
    assert {"module.rows", "module.upstreams", "module.compiled", "module.mapped"}.isdisjoint(skipped)


def test_what_has_no_gradient_is_skipped_and_says_so():
    results = {result.check: result for result in check_component(several.Embedding).results}
    assert results["module.input_gradient"].message == "its inputs are integers, which have no gradient"
    assert results["module.parameter_gradients"].verdict == "passed"


class Written(several.Embedding):
    """Repeated indices are written, not added."""

    def backward(self, grad_output):
        (indices,) = self.saved()
        self.table.grad[indices] += grad_output


class Unmasked(several.Masked):
    """The mask counts in forward alone."""

    def backward(self, grad_output):
        (weights,) = self.saved()
        return (grad_output[:, None] * weights.amax(1)[:, None, None]).expand(*weights.shape, -1).clone(), None


class Swapped(several.Attention):
    def backward(self, grad_output):
        grad_query, grad_key, grad_value, none = super().backward(grad_output)
        return grad_key, grad_query, grad_value, none


class Forgets(several.Cell):
    """The memory before takes no part in the gradient of the forget gate."""

    def backward(self, grad_hidden, grad_after):
        let_in, keep, new, show, _, shown = self.saved()
        grad = grad_after + grad_hidden * show * (1 - shown**2)
        grad_in = grad * new * let_in * (1 - let_in)
        grad_keep = torch.zeros_like(grad)
        grad_new = grad * let_in * (1 - new**2)
        grad_show = grad_hidden * shown * show * (1 - show)
        gates = torch.cat([grad_in, grad_keep, grad_new, grad_show], -1)
        return self.input.backward(gates), self.state.backward(gates), grad * keep


class WrongBias(several.Conv2d):
    """The bias sums over the channels, of which there are as many as rows of the batch."""

    def backward(self, grad_output):
        before = self.bias.grad.clone()
        grad_input = super().backward(grad_output)
        self.bias.grad.copy_(before + grad_output.sum((1, 2, 3)))
        return grad_input

    @staticmethod
    def conformance_cases():
        return [cn.Case(shape=(3, 2, 5, 4))]


class Dropped(several.TwoHeads):
    """The second head trains, and hands nothing on."""

    def backward(self, grad_number, grad_scores):
        self.scores.backward(grad_scores)
        return self.trunk.backward(self.number.backward(grad_number))


class Statistics(several.BatchNorm1d):
    """Mean and variance count as constants."""

    def backward(self, grad_output):
        normal, deviation, _ = self.saved()
        self.weight.grad += (grad_output * normal).sum(0)
        self.bias.grad += grad_output.sum(0)
        return grad_output * self.weight / deviation


class Neighbours(several.Largest):
    """The gradient goes to the place before the largest."""

    def backward(self, grad_values, grad_places):
        return super().backward(grad_values, grad_places).roll(-1, 1)


class Unpaid(several.Decayed):
    """The penalty is added, and has no gradient."""

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += grad_output.T @ input
        self.bias.grad += grad_output.sum(0)
        return grad_output @ self.weight


MUTANTS = {
    Written: ("module.parameter_gradients", "repetitions are lost"),
    Unmasked: ("module.input_gradient", "the mask of forward is missing in backward"),
    Swapped: ("module.input_gradient", "exchanged: this is the gradient of key"),
    Forgets: ("module.input_gradient", ""),
    WrongBias: ("module.parameter_gradients", "wrong dimension: ours is the sum of grad_output over"),
    Dropped: ("module.input_gradient", "the gradient of output 1 takes no part"),
    Statistics: ("module.input_gradient", ""),
    Neighbours: ("module.input_gradient", ""),
    Unpaid: ("module.parameter_gradients", "the penalty has no gradient"),
}


@pytest.mark.parametrize("cls", MUTANTS)
def test_a_mistake_of_the_wider_kinds_is_caught_and_named(cls, finding):
    check, words = MUTANTS[cls]
    found = finding(cls, check)
    assert found
    assert words in found


@pytest.mark.parametrize("check", ["module.half_precision", "module.mapped", "module.compiled"])
def test_outputs_of_integers_are_compared_where_they_can_be(check, finding):
    class Halved(several.Largest):
        """Wrong where no other check looks: in few digits, or under torch.vmap and torch.compile."""

        def backward(self, grad_values, grad_places):
            found = super().backward(grad_values, grad_places)
            is_captured = torch._C._functorch.is_batchedtensor(grad_values) or torch.compiler.is_compiling()
            return found / 2 if is_captured or found.dtype.itemsize < 4 else found

    assert "the gradient of input" in finding(Halved, check)
    assert finding(several.Largest, check) == finding(several.Picked, check) == ""


class InPlace(several.Product):
    def forward(self, a, b):
        self.save(a.clone(), b.clone())
        product = a * b
        return product, b.mul_(-2).add_(a)


class Keeps(several.Product):
    """Backward takes the second input of the last call of any instance."""

    def forward(self, a, b):
        type(self).last = b
        return super().forward(a, b)

    def backward(self, grad_product, grad_difference):
        a, _ = self.saved()
        return grad_product * type(self).last + grad_difference, grad_product * a - 2 * grad_difference


class TailLost(several.Masked):
    """Rows beyond the sixteenth have no gradient."""

    def backward(self, grad_output):
        grad_input, none = super().backward(grad_output)
        grad_input[16:] = 0
        return grad_input, none


class Random(several.Pair):
    def forward(self, first, second):
        return super().forward(first, second) + (0 if self.training else torch.rand(()))


class RandomMask(several.Picked):
    def forward(self, indices, input):
        _, output, count = super().forward(indices, input)
        return torch.rand(input.shape) > 0.5, output, count


class HandsOn(several.Concat):
    def forward(self, left, right):
        self.save(left.shape[-1])
        return torch.cat([left, right], -1), left


@pytest.mark.parametrize(
    ("cls", "check", "words"),
    [
        (InPlace, "module.arguments_unchanged", "forward changes its input in place"),
        (Keeps, "module.instances", "of two instances in turn"),
        (TailLost, "module.rows", "for 33 rows, an input of (33, 5, 3) and (33, 5) of bool, the slope"),
        (Random, "module.evaluation", "in evaluation mode two outputs differ"),
        (RandomMask, "module.evaluation", "in evaluation mode two outputs differ by 1"),
        (HandsOn, "module.arguments_unchanged", "the output shares its input's memory"),
    ],
)
def test_other_promises_are_kept_for_every_tensor(cls, check, words, finding):
    assert words in finding(cls, check)
    assert finding(cls.__bases__[0], check) == ""


def test_values_are_checked_outside_of_what_is_captured(finding):
    assert several.Embedding.check_values is not cn.Module.check_values
    assert finding(several.Embedding, "module.compiled") == ""
    assert finding(several.Embedding, "module.mapped") == ""

    class Looks(several.Embedding):
        def forward(self, indices):
            if indices.max().item() >= len(self.table):
                raise cn.RangeError("out of range")
            return super().forward(indices)

    assert "torch.compile cannot capture it" in finding(Looks, "module.compiled")


def test_a_pair_that_saves_nothing_itself_may_run_again():
    class Sum(several.Pair):
        def forward(self, first, second):
            return self.encoder(first) + self.encoder(second)

        def backward(self, grad_output):
            grad_second = self.encoder.backward(grad_output)
            return self.encoder.backward(grad_output), grad_second

    assert check_component(Sum).ok


def test_what_a_builtin_part_is_handed_is_to_blame_not_the_part(finding):
    class Doubles(several.TwoHeads):
        def backward(self, grad_number, grad_scores):
            grad_hidden = self.number.backward(grad_number)
            grad_hidden = grad_hidden + 2 * self.scores.backward(grad_scores.clone().mul_(1.5))
            return self.trunk.backward(grad_hidden)

    found = finding(Doubles, "module.parameter_gradients")
    assert "builtin/linear.py" not in found
    assert "grad_hidden = grad_hidden + 2 * self.scores.backward(grad_scores" in found
