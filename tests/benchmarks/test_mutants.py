"""A few mutants of right components are made, told from what computes the same, caught and named."""

import pytest

import corenet as cn

SAMPLE = (
    "Softmax.backward:42 [axis] inner = (grad_output * output).sum(0, keepdim=True)",
    "Softmax.forward:37 [saved] self.save(input)",
    "Scale.backward:41 [factor] return self.weight",
    "Scale.backward:40 [deleted] pass",
    "Scale.backward:40 [assigned] self.weight.grad = (grad_output * input).reshape(-1, len(self.weight)).sum(0)",
    "Swish.slope:138 [sign] return gate - x * gate * (1 - gate)",
    "Tanh.backward:70 [factor] return grad_output * (1 - output)",
    "HeavyBall.update:39 [sign] param += self.current_lr * velocity",
)


@pytest.fixture(scope="module")
def mutants():
    from benchmarks.mutants import curves, maps, optimizers, rows
    from benchmarks.mutants.mutant import mutants_of

    classes = (rows.Softmax, maps.Scale, curves.Swish, optimizers.HeavyBall, cn.MSELoss, cn.Tanh)
    return {str(each): each for cls in classes for each in mutants_of(cls, 1000)}


@pytest.fixture(scope="module")
def verdicts(mutants):
    from benchmarks.mutants.verdict import verdict_on

    return {name: verdict_on(mutants[name], place) for place, name in enumerate(SAMPLE)}


def test_every_kind_of_change_is_made(mutants):
    kinds = {"assigned", "axis", "constant", "deleted", "factor", "function", "operator", "saved", "sign", "term"}
    assert {each.edit.kind for each in mutants.values()} == kinds


def test_all_of_a_sample_are_caught_and_their_cause_named(verdicts):
    assert {name: each.state for name, each in verdicts.items()} == dict.fromkeys(verdicts, "caught")
    assert [name for name, each in verdicts.items() if not each.named and "HeavyBall" not in name] == []


def test_what_computes_the_same_is_no_mutant():
    from benchmarks.mutants.same import is_same

    class Twice(cn.Tanh):
        def backward(self, grad_output):
            (output,) = self.saved()
            return grad_output - grad_output * output * output

    class Wrong(cn.Tanh):
        def backward(self, grad_output):
            (output,) = self.saved()
            return grad_output - grad_output * output * output * 1.0000001

    assert is_same(cn.Tanh, Twice, "module")
    assert not is_same(cn.Tanh, Wrong, "module")
