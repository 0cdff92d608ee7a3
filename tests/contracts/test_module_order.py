"""Forward saves, backward uses: the order of calls, and the modes."""

import pytest
import torch

import corenet as cn
from corenet.contracts.evaluating import evaluating


def test_order_backward_without_a_forward_raises(scale):
    with pytest.raises(cn.BackwardError, match=r"Scale\(\) has nothing saved for backward; run forward first"):
        scale().backward(torch.ones(1))


def test_order_backward_twice_raises_and_adds_nothing(scale):
    module = scale()
    module(torch.tensor([3.0]))
    module.backward(torch.ones(1))
    with pytest.raises(cn.BackwardError, match="once for each backward"):
        module.backward(torch.ones(1))
    assert module.weight.grad.tolist() == [3.0]


def test_order_a_second_training_forward_raises_and_drops_the_first(scale):
    module = scale()
    module(torch.tensor([3.0]))
    with pytest.raises(cn.BackwardError, match=r"ran forward twice in training mode.*eval\(\).*forget\(\)"):
        module(torch.tensor([4.0]))
    with pytest.raises(cn.BackwardError, match="nothing saved"):
        module.backward(torch.ones(1))


def test_order_forget_drops_what_is_saved(scale):
    module = scale()
    module(torch.tensor([3.0]))
    module.forget()
    module(torch.tensor([4.0]))
    module.backward(torch.ones(1))
    assert module.weight.grad.tolist() == [4.0]


def test_order_eval_drops_what_is_saved_and_saves_nothing(scale):
    module = scale()
    module(torch.tensor([3.0]))
    assert module.eval() is module
    module(torch.tensor([3.0]))
    module(torch.tensor([3.0]))
    with pytest.raises(cn.BackwardError, match=r"eval mode, which saves nothing: call train\(\)"):
        module.backward(torch.ones(1))
    assert module.train() is module
    module(torch.tensor([3.0]))
    module.backward(torch.ones(1))


def test_order_an_exception_inside_a_forward_drops_what_was_saved_below(scale):
    class Failing(cn.Module):
        def __init__(self):
            self.inner = scale()

        def forward(self, input):
            self.inner(input)
            raise KeyboardInterrupt

    module = Failing()
    with pytest.raises(KeyboardInterrupt):
        module(torch.ones(1))
    with pytest.raises(cn.BackwardError, match="nothing saved"):
        module.inner.backward(torch.ones(1))


def test_anything_is_saved_and_tensors_among_it_are_guarded():
    class Keeps(cn.Module):
        def forward(self, input):
            self.save(input.shape, input, None, (2, "b"))
            return input

    keeps, input = Keeps(), torch.ones(2)
    keeps(input)
    assert keeps.saved() == (torch.Size([2]), input, None, (2, "b"))
    keeps(input)
    input += 1
    with pytest.raises(cn.BackwardError, match="changed in place"):
        keeps.saved()


def test_order_a_module_that_saves_nothing_has_no_order_to_guard(negate):
    module = negate()
    assert module(module(torch.ones(1))).item() == 1
    assert module.backward(module.backward(torch.ones(1))).item() == 1


def test_saved_lets_go_of_what_it_hands_out(scale):
    module = scale()
    module(torch.ones(1))
    assert [tensor.tolist() for tensor in module.saved()] == [[1.0]]
    assert module._saved is None


def test_mode_reaches_every_module_below(counting):
    module = counting().eval()
    assert [each.training for _, each in module.named_modules()] == [False] * 5
    module.train()
    assert [each.training for _, each in module.named_modules()] == [True] * 5


def test_evaluating_gives_each_module_its_own_mode_back_even_after_an_error(counting):
    module = counting()
    module.listed[0].eval()
    seen = []

    def fail():
        with evaluating(module):
            seen.extend(each.training for _, each in module.named_modules())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert seen == [False] * 5
    assert [each.training for _, each in module.named_modules()] == [True, True, False, True, True]


@pytest.mark.parametrize("mode", [True, False])
def test_train_takes_pytorchs_argument(counting, mode):
    module = counting()
    module.train(not mode)
    assert module.train(mode) is module
    assert [each.training for _, each in module.named_modules()] == [mode] * 5


def test_train_false_drops_what_is_saved_as_eval_does(scale):
    module = scale()
    module(torch.tensor([3.0]))
    with pytest.raises(cn.BackwardError, match="eval mode"):
        module.train(False).backward(torch.ones(1))


@pytest.mark.parametrize("mode", [0, 1.0, "yes", None])
def test_train_refuses_what_is_no_mode(scale, mode):
    module = scale().eval()
    with pytest.raises(cn.ConfigError, match=r"switches the mode by True or False, not (int|float|str|NoneType)"):
        module.train(mode)
    assert not module.training
