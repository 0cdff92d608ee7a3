"""Copies and pickles: which numbers they take, and what stays shared in them."""

import copy
import pickle

import pytest
import torch

import corenet as cn


def trained_a_little(model):
    model(torch.ones(4, 2))
    model.backward(torch.ones(4, 1))
    return model


def chain():
    return cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1))


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_computes_alike_and_shares_nothing(clone):
    model = trained_a_little(chain())
    counterpart = clone(model)
    input = torch.randn(5, 2)
    assert torch.equal(cn.predict(counterpart, input), cn.predict(model, input))
    assert [name for name, _ in counterpart.named_parameters()] == [name for name, _ in model.named_parameters()]
    for parameter in model.parameters():
        parameter.zero_()
    assert all(parameter.count_nonzero() for parameter in counterpart.parameters())


def test_an_unpickled_model_has_gradients_to_add_to():
    counterpart = trained_a_little(pickle.loads(pickle.dumps(chain())))
    assert all(parameter.grad.isfinite().all() for parameter in counterpart.parameters())
    assert counterpart[0].weight.grad.count_nonzero() > 0


def test_a_deep_copy_of_a_flat_model_keeps_its_gradients():
    model = chain()
    cn.SGD(model.parameters(), lr=0.1)
    trained_a_little(model)
    counterpart = copy.deepcopy(model)
    for ours, theirs in zip(model.parameters(), counterpart.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)
        assert ours.grad is not theirs.grad


def test_shared_parameters_stay_shared_in_copies():
    model = cn.Sequential(cn.Linear(2, 2), cn.Linear(2, 2))
    model[1].weight = model[0].weight
    for counterpart in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert counterpart[0].weight is counterpart[1].weight


CLONES = pytest.mark.parametrize("clone", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])


def memory(module):
    """Return the bytes of all memories that the tensors of a module, and their gradients, lie in."""
    tensors = [tensor for _, tensor in module.named_tensors()]
    tensors += [tensor.grad for tensor in tensors if tensor.grad is not None]
    memories = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(memories.values())


@pytest.fixture
def flat():
    """A small layer beside a large one, all of it in one memory."""
    model = cn.Sequential(cn.Linear(4, 4), cn.Linear(4, 1000))
    cn.SGD(model.parameters(), lr=0.1)
    return model


def test_a_pickle_of_one_layer_has_its_numbers_alone(flat):
    assert flat[0].weight.untyped_storage().nbytes() == 4 * (20 + 5000)
    assert len(pickle.dumps(flat[0])) < 2000
    assert len(pickle.dumps(flat)) > 4 * 5020


@CLONES
def test_a_copy_of_one_layer_has_its_numbers_alone(flat, clone):
    counterpart = clone(flat[0])
    assert memory(counterpart) == 2 * 4 * 20
    assert torch.equal(counterpart.weight, flat[0].weight)
    assert all(isinstance(parameter, cn.Parameter) for parameter in (counterpart.weight, counterpart.bias))


@CLONES
def test_a_buffer_in_a_larger_memory_stays_a_buffer(clone):
    module = cn.ReLU()
    module.mean = cn.Buffer(torch.zeros(2))
    module.mean.data = torch.arange(100.0)[3:5]
    counterpart = clone(module)
    assert isinstance(counterpart.mean, cn.Buffer)
    assert (counterpart.mean.tolist(), memory(counterpart)) == ([3.0, 4.0], 8)


@CLONES
def test_what_shares_a_parameter_shares_it_in_a_copy(flat, clone):
    flat[0].again = [{"tied": flat[0].weight}]
    loss, optimizer = cn.MSELoss(), cn.SGD(flat.parameters(), lr=0.1)
    loss.of = (flat[0].weight,)
    model, loss, optimizer = clone((flat, loss, optimizer))
    assert model[0].again[0]["tied"] is model[0].weight
    assert loss.of[0] is model[0].weight
    assert all(one is other for one, other in zip(model.parameters(), optimizer.parameters, strict=True))


def test_a_deep_copy_shares_what_is_held_outside_of_any_component(flat):
    for both in ([flat, flat[0].weight], [flat[0].weight, flat]):
        copied = copy.deepcopy(both)
        model, weight = copied if both[0] is flat else reversed(copied)
        assert model[0].weight is weight


def test_a_shallow_copy_has_the_same_parameters(flat):
    counterpart = copy.copy(flat[0])
    assert counterpart is not flat[0]
    assert counterpart.weight is flat[0].weight


def test_a_pickle_made_later_has_the_later_numbers(flat):
    first = flat[0].__getstate__()
    flat[0].weight.fill_(7)
    assert pickle.loads(pickle.dumps(flat[0])).weight.unique().tolist() == [7.0]
    assert pickle.loads(pickle.dumps(first))["weight"].unique().tolist() == [7.0]
