"""The contract of an optimizer: its rule runs over flat tensors and every parameter stays the object it was."""

import copy
import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import corenet as cn
from corenet.contracts.optimizer import finite, non_negative

WRONG_RATES = [-0.1, math.nan, math.inf, -math.inf, "0.1", None]


class Summing(cn.Optimizer):
    """``s ← s + g; w ← w − η s``: one state tensor, flat."""

    elementwise = True

    def init_state(self, param):
        return {"sum": torch.zeros_like(param)}

    def update(self, param, grad, state):
        state["sum"] += grad
        param -= self.current_lr * state["sum"]


class Normed(cn.Optimizer):
    """``v ← v + g / |g|``, |g| along the last dimension; ``w ← w − η v``: looks at a parameter as it is shaped."""

    def init_state(self, param):
        return {"velocity": torch.zeros_like(param), "count": torch.zeros((), dtype=param.dtype)}

    def update(self, param, grad, state):
        state["count"] += 1
        state["velocity"] += grad / grad.norm(dim=-1, keepdim=True)
        param -= self.current_lr * state["velocity"]


def parameters(*shapes, dtype=torch.float64):
    return [cn.Parameter(torch.randn(shape, dtype=dtype)) for shape in shapes]


def storage(tensor):
    return tensor.untyped_storage().data_ptr()


def sgd(of, **options):
    return cn.SGD(of, **{"lr": 0.1, "momentum": 0.9, **options})


def trained(of, optimizer, fill_gradients, steps=3, seed=0):
    """Return the values after some steps by random gradients."""
    of = list(of)
    for step in range(steps):
        optimizer.zero_grad()
        fill_gradients(of, seed + step)
        optimizer.step()
    return [parameter.clone() for parameter in of]


def assert_equal(ours, theirs):
    assert len(ours) == len(theirs)
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.fixture
def reference(mlp, fill_gradients):
    """Return the values of the chain after three undisturbed steps of SGD."""
    twin = copy.deepcopy(mlp)
    return trained(twin.parameters(), sgd(twin.parameters()), fill_gradients)


# Writing an optimizer.


def test_an_optimizer_without_a_rule_says_so():
    with pytest.raises(NotImplementedError, match=r"Optimizer must define update\(self, param, grad, state\)"):
        cn.Optimizer(parameters(2), lr=0.1).step()


def test_an_elementwise_rule_runs_once_over_one_flat_tensor():
    seen = []

    class Spy(Summing):
        def update(self, param, grad, state):
            seen.append((param.shape, grad.shape, state["sum"].shape))

    Spy(parameters((2, 3), 4, ()), lr=0.1).step()
    assert seen == [((11,), (11,), (11,))]


def test_any_other_rule_runs_once_for_each_parameter_in_its_shape(fill_gradients):
    weights = parameters((2, 3), 4)
    before = [weight.clone() for weight in weights]
    optimizer = Normed(weights, lr=0.1)
    fill_gradients(weights)
    optimizer.step()
    for weight, old, state in zip(weights, before, optimizer.state_dict()["states"], strict=True):
        direction = weight.grad / weight.grad.norm(dim=-1, keepdim=True)
        torch.testing.assert_close(weight, old - 0.1 * direction)
        torch.testing.assert_close(state["velocity"], direction)
        assert state["count"].item() == 1


def test_flat_and_per_parameter_runs_agree(fill_gradients):
    class Alone(cn.SGD):
        elementwise = False

    flat = parameters((2, 3), 4)
    alone = copy.deepcopy(flat)
    ends = [trained(w, cls(w, lr=0.1, momentum=0.9), fill_gradients) for w, cls in ((flat, cn.SGD), (alone, Alone))]
    assert_equal(*ends)


def test_init_state_is_called_with_the_values_in_place():
    class Anchored(cn.Optimizer):
        elementwise = True

        def init_state(self, param):
            return {"start": param.clone()}

    weights = parameters(2, (2, 2))
    states = Anchored(weights, lr=0.1).state_dict()["states"]
    assert_equal([state["start"] for state in states], weights)


@settings(deadline=None, max_examples=25)
@given(
    shapes=st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=1, max_size=4),
    dtype=st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
)
def test_a_step_treats_every_shape_and_dtype_alike(shapes, dtype):
    weights = parameters(*shapes, dtype=dtype)
    before = [weight.clone() for weight in weights]
    optimizer = cn.SGD(weights, lr=0.5)
    for weight in weights:
        weight.grad += 2
    optimizer.step()
    assert_equal(weights, [old - 1 for old in before])
    optimizer.zero_grad()
    assert all(weight.grad.count_nonzero() == 0 for weight in weights)


# The learning rate.


def test_lr_is_the_base_rate_assignable_and_used():
    (weight,) = parameters(1)
    optimizer = cn.SGD([weight], lr=1)
    assert isinstance(optimizer.lr, float)
    weight.zero_()
    weight.grad += 1
    optimizer.lr = 0.25
    optimizer.step()
    assert (optimizer.lr, weight.item()) == (0.25, -0.25)


@pytest.mark.parametrize("lr", WRONG_RATES)
def test_lr_negative_nan_or_infinite_is_refused_at_construction_and_nothing_is_moved(lr):
    weights = parameters(2, 3)
    addresses = [weight.data_ptr() for weight in weights]
    with pytest.raises(cn.ConfigError, match=r"lr must be") as caught:
        cn.SGD(weights, lr=lr)
    assert caught.value.name == "lr"
    assert [weight.data_ptr() for weight in weights] == addresses


@pytest.mark.parametrize("lr", WRONG_RATES)
def test_lr_negative_nan_or_infinite_is_refused_at_assignment_and_the_old_one_stays(lr):
    optimizer = cn.SGD(parameters(2), lr=0.1)
    with pytest.raises(cn.ConfigError, match="lr must be"):
        optimizer.lr = lr
    assert optimizer.lr == 0.1


def test_lr_decay_counts_optimizer_steps_from_0():
    optimizer = Summing(parameters(1), lr=0.3, lr_decay=0.5)
    rates = []
    for _ in range(4):
        rates.append(optimizer.current_lr)
        optimizer.step()
    assert rates == pytest.approx([0.3 / (1 + t * 0.5) for t in range(4)], rel=1e-15)
    assert (optimizer.steps, optimizer.lr) == (4, 0.3)


@pytest.mark.parametrize("value", WRONG_RATES)
def test_lr_decay_is_held_to_the_same_rules(value):
    with pytest.raises(cn.ConfigError, match="lr_decay must be"):
        cn.SGD(parameters(1), lr=0.1, lr_decay=value)


def test_finite_takes_negative_numbers_and_non_negative_takes_zero():
    assert (finite("x", -2), non_negative("x", 0)) == (-2.0, 0.0)
    assert type(finite("x", 1)) is float
    with pytest.raises(cn.ConfigError, match="x must be at least 0, not -1"):
        non_negative("x", -1)


# The parameters.


def test_parameters_may_come_from_a_generator(mlp):
    assert len(cn.SGD(iter(mlp.parameters()), lr=0.1).parameters) == 4


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (lambda weight: weight, r"iterable of parameters: model.parameters\(\), or \[parameter\]"),
        (lambda weight: [], "at least one parameter"),
        (lambda weight: [weight, weight], "the same parameter was given twice"),
        (lambda weight: [weight, torch.ones(2)], "parameter 1 is a Tensor, not a Parameter"),
        (lambda weight: [weight, cn.Buffer(torch.ones(2))], "parameter 1 is a Tensor, not a Parameter"),
        (lambda weight: [("weight", weight)], "parameter 0 is a tuple, not a Parameter"),
    ],
    ids=["tensor", "none", "twice", "plain", "buffer", "named"],
)
def test_what_is_no_iterable_of_distinct_parameters_is_refused(given_, message):
    with pytest.raises(cn.StructureError, match=message):
        cn.SGD(given_(parameters(2)[0]), lr=0.1)


# The flat tensor.


def test_every_parameter_stays_the_same_object_with_the_same_value_and_gradient(mlp, fill_gradients):
    before = mlp.parameters()
    fill_gradients(before)
    gradients = [parameter.grad for parameter in before]
    values = [(parameter.clone(), parameter.grad.clone()) for parameter in before]
    cn.SGD(mlp.parameters(), lr=0.1)
    assert all(new is old for new, old in zip(mlp.parameters(), before, strict=True))
    assert all(parameter.grad is gradient for parameter, gradient in zip(before, gradients, strict=True))
    for parameter, (value, gradient) in zip(before, values, strict=True):
        assert torch.equal(parameter, value)
        assert torch.equal(parameter.grad, gradient)


def test_all_parameters_share_one_memory_and_all_gradients_another(mlp):
    optimizer = cn.SGD(mlp.parameters(), lr=0.1)
    assert len({storage(parameter) for parameter in mlp.parameters()}) == 1
    (gradients,) = optimizer.layout.gradients()
    assert {storage(parameter.grad) for parameter in mlp.parameters()} == {storage(gradients)}
    gradients += 1
    assert all((parameter.grad == 1).all() for parameter in mlp.parameters())


def test_one_flat_tensor_for_each_dtype():
    weights = parameters(2, 3) + parameters(4, 5, dtype=torch.float32)
    optimizer = cn.SGD(weights, lr=0.1)
    assert {(g.dtype, len(g)) for g in optimizer.layout.gradients()} == {(torch.float64, 5), (torch.float32, 9)}


def test_one_parameter_is_used_where_it_is():
    (weight,) = parameters((2, 3))
    address = weight.data_ptr(), weight.grad.data_ptr()
    optimizer = cn.SGD([weight], lr=1.0)
    weight.grad += 1
    before = weight.clone()
    optimizer.step()
    assert (weight.data_ptr(), weight.grad.data_ptr()) == address
    assert torch.equal(weight, before - 1)


def test_a_second_optimizer_over_the_same_model_uses_the_flat_tensor_where_it_is(mlp):
    cn.SGD(mlp.parameters(), lr=0.1)
    addresses = [parameter.data_ptr() for parameter in mlp.parameters()]
    cn.SGD(mlp.parameters(), lr=0.2)
    assert [parameter.data_ptr() for parameter in mlp.parameters()] == addresses


@pytest.mark.parametrize("whole_first", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_two_optimizers_over_halves_of_one_model(mlp, reference, fill_gradients, whole_first, reverse):
    if whole_first:
        cn.SGD(mlp.parameters(), lr=0.1)
    halves = [sgd(mlp[index].parameters()) for index in ((2, 0) if reverse else (0, 2))]
    for step in range(3):
        for optimizer in halves:
            optimizer.zero_grad()
        fill_gradients(mlp.parameters(), step)
        for optimizer in halves:
            optimizer.step()
    assert_equal(mlp.parameters(), reference)


def test_one_of_two_halves_leaves_the_other_alone(mlp, fill_gradients):
    first, _second = sgd(mlp[0].parameters()), sgd(mlp[2].parameters())
    fill_gradients(mlp.parameters())
    before, gradient = mlp[2].weight.clone(), mlp[2].weight.grad.clone()
    first.step()
    first.zero_grad()
    assert torch.equal(mlp[2].weight, before)
    assert torch.equal(mlp[2].weight.grad, gradient)
    assert mlp[0].weight.grad.count_nonzero() == 0


@pytest.mark.parametrize("when", ["before zero_grad", "before step"])
def test_a_replaced_grad_is_what_the_step_uses(mlp, reference, fill_gradients, when):
    optimizer = sgd(mlp.parameters())
    for step in range(3):
        if when == "before zero_grad":
            mlp[0].weight.grad = torch.full_like(mlp[0].weight, 9)
        optimizer.zero_grad()
        fill_gradients(mlp.parameters(), step)
        if when == "before step":
            mlp[0].weight.grad = mlp[0].weight.grad.clone()
        optimizer.step()
    assert_equal(mlp.parameters(), reference)


def test_a_grad_taken_away_counts_as_zero(mlp, fill_gradients):
    optimizer = cn.SGD(mlp.parameters(), lr=0.1)
    fill_gradients(mlp.parameters())
    before = mlp.state_dict()
    mlp[0].weight.grad = None
    optimizer.step()
    assert torch.equal(mlp[0].weight, before["0.weight"])
    assert not torch.equal(mlp[0].bias, before["0.bias"])
    assert mlp[0].weight.grad.count_nonzero() == 0


def test_replaced_data_is_what_the_step_changes_and_the_state_is_kept(mlp, reference, fill_gradients):
    optimizer = sgd(mlp.parameters())
    for step in range(3):
        mlp[0].weight.data = mlp[0].weight.data.clone()
        optimizer.zero_grad()
        fill_gradients(mlp.parameters(), step)
        optimizer.step()
    assert_equal(mlp.parameters(), reference)


def test_a_rule_for_whole_parameters_keeps_its_state_when_data_is_replaced(fill_gradients):
    weights = parameters((2, 3), ())
    twins = copy.deepcopy(weights)
    optimizer, other = Normed(weights, lr=0.1), Normed(twins, lr=0.1)
    for step in range(3):
        weights[0].data = weights[0].data.clone()
        for of, each in ((weights, optimizer), (twins, other)):
            fill_gradients(of, step)
            each.step()
    assert_equal(weights, twins)


def test_replaced_data_of_other_values_is_taken_over(mlp):
    optimizer = cn.SGD(mlp.parameters(), lr=0.5)
    mlp[0].weight.data = torch.ones(5, 3, dtype=torch.float64)
    mlp[0].weight.grad += 1
    optimizer.step()
    assert (mlp[0].weight == 0.5).all()


def test_a_model_moved_under_its_optimizer_trains_on_with_its_velocity(mlp, fill_gradients):
    optimizer = sgd(mlp.parameters())
    trained(mlp.parameters(), optimizer, fill_gradients)
    velocity = optimizer.state_dict()["states"][0]["velocity"]
    before = mlp[0].weight.clone()
    mlp.to(dtype=torch.float32)
    optimizer.zero_grad()
    optimizer.step()
    assert mlp[0].weight.dtype == torch.float32
    assert optimizer.state_dict()["states"][0]["velocity"].dtype == torch.float32
    torch.testing.assert_close(mlp[0].weight.double(), before - 0.1 * 0.9 * velocity, rtol=1e-5, atol=1e-6)


def test_a_model_moved_there_and_back_is_still_trained(mlp, fill_gradients):
    optimizer = cn.SGD(mlp.parameters(), lr=0.1)
    mlp.to(dtype=torch.float32).to(dtype=torch.float64)
    before = mlp.state_dict()
    fill_gradients(mlp.parameters())
    optimizer.step()
    for name, parameter in mlp.named_parameters():
        torch.testing.assert_close(parameter, before[name] - 0.1 * parameter.grad)


def test_tied_weights_are_stepped_once():
    model = cn.Sequential(cn.Linear(2, 2, bias=False), cn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    optimizer = cn.SGD(model.parameters(), lr=0.5)
    before = model[0].weight.clone()
    model[0].weight.grad += 1
    optimizer.step()
    assert model[1].weight is model[0].weight
    assert torch.equal(model[1].weight, before - 0.5)


# Copies.


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_a_copy_of_model_and_optimizer_trains_on_alike_and_apart(mlp, fill_gradients, how):
    optimizer = sgd(mlp.parameters())
    trained(mlp.parameters(), optimizer, fill_gradients)
    both = mlp, optimizer
    model, twin = copy.deepcopy(both) if how == "deepcopy" else pickle.loads(pickle.dumps(both))
    assert all(one is other for one, other in zip(model.parameters(), twin.parameters, strict=True))
    assert not {storage(p) for p in model.parameters()} & {storage(p) for p in mlp.parameters()}
    assert len({storage(p) for p in model.parameters()}) == 1

    before = mlp.state_dict()
    there = trained(model.parameters(), twin, fill_gradients, seed=9)
    assert all(torch.equal(before[name], tensor) for name, tensor in mlp.state_dict().items())
    assert_equal(there, trained(mlp.parameters(), optimizer, fill_gradients, seed=9))
    assert (twin.steps, twin.lr, twin.momentum) == (6, 0.1, 0.9)


# The state.


def test_a_state_dict_is_a_copy_by_parameter(fill_gradients):
    weights = parameters((2, 3), 4)
    optimizer = Summing(weights, lr=0.1)
    trained(weights, optimizer, fill_gradients)
    state = optimizer.state_dict()
    assert (state["lr"], state["steps"]) == (0.1, 3)
    assert [each["sum"].shape for each in state["states"]] == [(2, 3), (4,)]
    kept = state["states"][1]["sum"].clone()
    trained(weights, optimizer, fill_gradients)
    assert torch.equal(state["states"][1]["sum"], kept)


@pytest.mark.parametrize("cls", [Summing, Normed])
def test_a_loaded_state_trains_on_as_if_never_stopped(cls, fill_gradients):
    weights = parameters((2, 3), 4)
    optimizer = cls(weights, lr=0.1, lr_decay=0.01)
    trained(weights, optimizer, fill_gradients)
    others = copy.deepcopy(weights)
    other = cls(others, lr=0.7, lr_decay=0.01)
    other.load_state_dict(optimizer.state_dict())
    assert (other.lr, other.steps) == (0.1, 3)
    assert_equal(trained(others, other, fill_gradients), trained(weights, optimizer, fill_gradients))
    for name, value in optimizer.state_dict()["states"][0].items():
        assert torch.equal(other.state_dict()["states"][0][name], value)


def test_the_state_follows_the_order_of_the_parameters_given_not_of_memory(fill_gradients):
    float32, float64 = parameters(2, dtype=torch.float32) + parameters(3)
    optimizer = Summing([float64, float32], lr=0.1)
    fill_gradients([float64, float32])
    optimizer.step()
    assert_equal([state["sum"] for state in optimizer.state_dict()["states"]], [float64.grad, float32.grad])


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda s: s["states"].pop(), cn.StructureError, "not one of Summing over 2 parameters"),
        (lambda s: s.pop("steps"), cn.StructureError, "not one of Summing over 2 parameters"),
        (lambda s: s["states"][1].clear(), cn.StructureError, r"state 1 is \{\}, expected \['sum'\]"),
        (
            lambda s: s["states"][1].update(sum=torch.ones(7)),
            cn.ShapeError,
            r"state 1 'sum' got \(7,\); expected \(4,\)",
        ),
        (lambda s: s.update(lr=-1.0), cn.ConfigError, "lr must be at least 0"),
    ],
    ids=["count", "key", "name", "shape", "lr"],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(spoil, error, message):
    optimizer = Summing(parameters((2, 3), 4), lr=0.1)
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


def test_the_repr_counts_the_parameters():
    assert repr(cn.SGD(parameters(2, 3), lr=0.1)) == "SGD(2 parameters, lr=0.1)"


# A whole step as one graph.


@pytest.mark.parametrize("loss", [cn.MSELoss(), cn.MAELoss(), cn.BCELoss(), cn.BCEWithLogitsLoss()], ids=repr)
def test_a_whole_step_is_traced_as_one_graph(loss):
    def build():
        torch.manual_seed(0)
        layers = cn.Linear(3, 4), cn.ReLU(), cn.Dropout(0.2), cn.Linear(4, 4), cn.Tanh(), cn.Linear(4, 1), cn.Sigmoid()
        return cn.Sequential(*layers).to(dtype=torch.float64)

    def make_step(model, optimizer):
        (slot,) = optimizer.layout.slots
        flat, state = slot.flat, slot.state

        def step(input, target):
            flat.grad.zero_()
            value = loss.forward(model(input), target)
            model.backward(loss.backward())
            optimizer.update(flat.param, flat.grad, state)
            return value

        return step

    input, target = torch.randn(5, 3, dtype=torch.float64), torch.rand(5, 1, dtype=torch.float64)
    values, weights = [], []
    for compiled in (False, True):
        torch._dynamo.reset()
        model = build()
        step = make_step(model, sgd(model.parameters()))
        if compiled:
            step = torch.compile(step, fullgraph=True, backend="eager")
        torch.manual_seed(1)
        values.append([step(input, target).item() for _ in range(3)])
        weights.append(torch.cat([parameter.reshape(-1) for parameter in model.parameters()]))
    assert values[0] == values[1]
    assert len(set(values[0])) == 3
    assert torch.equal(*weights)
