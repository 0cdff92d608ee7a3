"""What an optimizer remembers: copied with it, saved and loaded."""

import copy
import pickle

import pytest
import torch

import corenet as cn

# Copies.


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_a_copy_of_model_and_optimizer_trains_on_alike_and_apart(mlp, how, storage, sgd, trained, assert_equal):
    optimizer = sgd(mlp.parameters())
    trained(mlp.parameters(), optimizer)
    both = mlp, optimizer
    model, counterpart = copy.deepcopy(both) if how == "deepcopy" else pickle.loads(pickle.dumps(both))
    assert all(one is other for one, other in zip(model.parameters(), counterpart.parameters, strict=True))
    assert not {storage(p) for p in model.parameters()} & {storage(p) for p in mlp.parameters()}
    assert len({storage(p) for p in model.parameters()}) == 1

    before = mlp.state_dict()
    there = trained(model.parameters(), counterpart, seed=9)
    assert all(torch.equal(before[name], tensor) for name, tensor in mlp.state_dict().items())
    assert_equal(there, trained(mlp.parameters(), optimizer, seed=9))
    assert (counterpart.steps, counterpart.lr, counterpart.momentum) == (6, 0.1, 0.9)


# The state.


def test_a_state_dict_is_a_copy_by_parameter(parameters, trained, summing):
    weights = parameters((2, 3), 4)
    optimizer = summing(weights, lr=0.1)
    trained(weights, optimizer)
    state = optimizer.state_dict()
    assert (state["lr"], state["steps"]) == (0.1, 3)
    assert [each["sum"].shape for each in state["states"]] == [(2, 3), (4,)]
    kept = state["states"][1]["sum"].clone()
    trained(weights, optimizer)
    assert torch.equal(state["states"][1]["sum"], kept)


@pytest.mark.parametrize("rule", ["summing", "normed"])
def test_a_loaded_state_trains_on_as_if_never_stopped(rule, request, parameters, trained, assert_equal):
    cls = request.getfixturevalue(rule)
    weights = parameters((2, 3), 4)
    optimizer = cls(weights, lr=0.1, lr_decay=0.01)
    trained(weights, optimizer)
    others = copy.deepcopy(weights)
    other = cls(others, lr=0.7, lr_decay=0.01)
    other.load_state_dict(optimizer.state_dict())
    assert (other.lr, other.steps) == (0.1, 3)
    assert_equal(trained(others, other), trained(weights, optimizer))
    for name, value in optimizer.state_dict()["states"][0].items():
        assert torch.equal(other.state_dict()["states"][0][name], value)


def test_the_state_follows_the_order_of_the_parameters_given_not_of_memory(
    fill_gradients, parameters, assert_equal, summing
):
    float32, float64 = parameters(2, dtype=torch.float32) + parameters(3)
    optimizer = summing([float64, float32], lr=0.1)
    fill_gradients([float64, float32])
    optimizer.step()
    assert_equal([state["sum"] for state in optimizer.state_dict()["states"]], [float64.grad, float32.grad])


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda s: s["states"].pop(), cn.StructureError, "not one of Summing over 2 parameters"),
        (lambda s: s.pop("steps"), cn.StructureError, "not one of Summing over 2 parameters"),
        (lambda s: s["states"][1].clear(), cn.StructureError, r"state 1 is \[\], expected \['sum'\]"),
        (
            lambda s: s["states"][1].update(sum=torch.ones(7)),
            cn.ShapeError,
            r"state 1 'sum' got \(7,\); expected \(4,\)",
        ),
        (lambda s: s.update(lr=-1.0), cn.ConfigError, "lr must be at least 0"),
    ],
    ids=["count", "key", "name", "shape", "lr"],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(spoil, error, message, parameters, summing):
    optimizer = summing(parameters((2, 3), 4), lr=0.1)
    optimizer.step()
    state = copy.deepcopy(optimizer.state_dict())
    state.update(lr=0.9, steps=40)
    for each in state["states"]:
        each["sum"] += 1
    spoil(state)
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(state)
    after = optimizer.state_dict()
    assert (after["lr"], after["steps"]) == (0.1, 1)
    assert all(each["sum"].count_nonzero() == 0 for each in after["states"])


class Counting(cn.Optimizer):
    """Counts its steps by a number of Python's in the state."""

    def init_state(self, param):
        return {"mean": torch.zeros_like(param), "count": 0}

    def update(self, param, grad, state):
        state["count"] += 1
        state["mean"].lerp_(grad, 0.1)
        param -= self.current_lr * state["mean"] / (1 - 0.9 ** state["count"])


def test_a_state_may_have_numbers_of_python(tmp_path):
    layer = cn.Linear(2, 1)
    optimizer = Counting(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.step()
    state = optimizer.state_dict()
    assert [each["count"] for each in state["states"]] == [3, 3]
    twin = copy.deepcopy(optimizer)
    optimizer.step()
    assert [each["count"] for each in twin.state_dict()["states"]] == [3, 3]
    optimizer.load_state_dict(state)
    assert [each["count"] for each in optimizer.state_dict()["states"]] == [3, 3]
    state["states"][0]["count"] = torch.ones(())
    with pytest.raises(cn.StructureError, match="state 0 'count' is tensor"):
        optimizer.load_state_dict(state)
    with pytest.raises(cn.ConfigError, match=r"the state 'count' of Counting.* keep a number as torch.zeros"):
        cn.save(tmp_path / "model.safetensors", layer, optimizer)
    assert not list(tmp_path.iterdir())
