"""Groups of parameters, each with hyper-parameters of its own: PyTorch's convention, and its numbers."""

import copy
import pickle

import pytest
import torch

import corenet as cn

OWN = {"lr": 0.03, "momentum": 0.5, "weight_decay": 0.2, "nesterov": True}


def weights_of(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((3, 2), (5,), (2, 2), ())]


def in_groups(weights, own=OWN):
    return [{"params": weights[:2]}, {"params": [weights[2]], **own}, {"params": weights[3], "dampening": 0.3}]


@pytest.fixture
def grouped(parameters):
    """Return a function that makes an optimizer of three groups, and its parameters."""

    def make(kind=cn.SGD, own=OWN, **options):
        weights = [cn.Parameter(each) for each in weights_of()]
        return weights, kind(in_groups(weights, own), **{"lr": 0.1, "momentum": 0.9} | options)

    return make


def test_each_group_goes_as_pytorchs(grouped, fill_gradients):
    weights, optimizer = grouped()
    theirs = [torch.nn.Parameter(each) for each in weights_of()]
    oracle = torch.optim.SGD(in_groups(theirs), lr=0.1, momentum=0.9)
    for step in range(20):
        fill_gradients(weights, step)
        for one, other in zip(weights, theirs, strict=True):
            other.grad = one.grad.clone()
        optimizer.step()
        oracle.step()
    for one, other in zip(weights, theirs, strict=True):
        assert torch.equal(one, other.detach())


def test_an_elementwise_rule_runs_once_for_each_group(grouped):
    _, optimizer = grouped()
    assert [weights.shape for weights in optimizer.layout.weights()] == [(11,), (4,), (1,)]


class Alone(cn.SGD):
    elementwise = False


def test_a_rule_for_whole_parameters_follows_groups_too(grouped, trained, assert_equal):
    together, alone = (trained(*grouped(kind)) for kind in (cn.SGD, Alone))
    assert_equal(together, alone)


class Spying(cn.Optimizer):
    elementwise = True
    seen = ()

    def __init__(self, parameters, lr, decay=0.5, names=("a", "b"), **options):
        super().__init__(parameters, lr, **options)
        self.decay, self.names = decay, tuple(names)  # after the base class, which needs none of them

    def init_state(self, param):
        type(self).seen += (("init", getattr(self, "decay", None)),)
        return {}

    def update(self, param, grad, state):
        type(self).seen += ((self.lr, self.current_lr, self.decay, self.names, self.steps),)


def test_update_reads_the_values_of_the_group_at_hand(parameters):
    a, b = parameters(2, 3)
    optimizer = Spying(
        [{"params": a, "decay": 0.25, "names": ["c"]}, {"params": b, "lr": 0.4, "lr_decay": 3.0}], lr=0.2, lr_decay=1.0
    )
    optimizer.step()
    Spying.seen = ()
    optimizer.step()
    assert Spying.seen == ((0.2, 0.1, 0.25, ("c",), 1), (0.4, 0.1, 0.5, ("a", "b"), 1))
    assert (optimizer.lr, optimizer.lr_decay, optimizer.decay, optimizer.names) == (0.2, 1.0, 0.5, ("a", "b"))
    assert vars(optimizer).keys() == vars(Spying([a], lr=0.2)).keys()


def test_the_values_are_the_optimizers_again_where_a_rule_raises(parameters):
    class Raises(cn.SGD):
        def update(self, param, grad, state):
            raise ArithmeticError(self.lr)

    optimizer = Raises([{"params": parameters(1), "lr": 0.7}], lr=0.1)
    with pytest.raises(ArithmeticError, match=r"0\.7"):
        optimizer.step()
    assert (optimizer.lr, optimizer.steps) == (0.1, 0)


def test_groups_show_their_own_values_and_assigning_reaches_who_has_none(grouped, fill_gradients):
    weights, optimizer = grouped(own={"lr": 0.5})
    assert [group.own for group in optimizer.groups] == [{}, {"lr": 0.5}, {"dampening": 0.3}]
    assert optimizer.groups[1]["params"] == (weights[2],)
    optimizer.lr, optimizer.momentum, optimizer.groups[1]["lr"] = 0.25, 0.0, 0.125
    before = [weight.clone() for weight in weights]
    fill_gradients(weights)
    optimizer.step()
    for weight, old, rate in zip(weights, before, (0.25, 0.25, 0.125, 0.25), strict=True):
        torch.testing.assert_close(weight, old - rate * weight.grad)
    del optimizer.groups[1]["lr"]
    assert optimizer.groups[1].own == {}


def test_a_group_of_none_of_its_own_is_an_optimizer_without_groups(parameters, trained, assert_equal):
    weights, others = parameters(2, 3), None
    others = copy.deepcopy(weights)
    plain, grouped = cn.SGD(weights, lr=0.1, momentum=0.9), cn.SGD([{"params": others}], lr=0.1, momentum=0.9)
    assert len(plain.groups) == len(grouped.groups) == 1
    assert_equal(trained(weights, plain), trained(others, grouped))


def test_frozen_parameters_of_a_group_stay(mlp, fill_gradients):
    mlp[0].freeze()
    groups = [{"params": mlp[0].parameters()}, {"params": mlp[2].parameters(), "lr": 0.5}]
    optimizer = cn.SGD(groups, lr=0.1)
    before = [each.clone() for each in mlp.parameters()]
    fill_gradients(mlp[2].parameters())
    optimizer.step()
    after = list(mlp.parameters())
    assert all(torch.equal(one, other) for one, other in zip(after[:2], before[:2], strict=True))
    for one, other in zip(after[2:], before[2:], strict=True):
        torch.testing.assert_close(one, other - 0.5 * one.grad)


# Copies and states.


def test_copies_and_states_carry_the_groups(grouped, trained, assert_equal):
    weights, optimizer = grouped()
    trained(weights, optimizer)
    optimizer.groups[1]["lr"] = 0.07
    copied, pickled = copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))
    others, loaded = grouped(own={"lr": 0.9, "momentum": 0.1})
    for other, weight in zip(others, weights, strict=True):
        other.copy_(weight)
    loaded.load_state_dict(optimizer.state_dict())
    expected = trained(weights, optimizer, seed=7)
    for other in (copied, pickled, loaded):
        assert [group.own for group in other.groups] == [group.own for group in optimizer.groups]
        assert_equal(trained(other.parameters, other, seed=7), expected)


def test_a_state_dict_names_the_groups_as_pytorchs_does(grouped):
    _, optimizer = grouped()
    assert optimizer.state_dict()["groups"] == [
        {"params": [0, 1]},
        {"params": [2], **OWN},
        {"params": [3], "dampening": 0.3},
    ]


def test_a_state_of_an_earlier_version_has_no_groups_and_leaves_them(grouped):
    _, optimizer = grouped()
    state = optimizer.state_dict()
    del state["groups"]
    optimizer.load_state_dict(state | {"lr": 0.7})
    assert (optimizer.lr, optimizer.groups[1].own) == (0.7, OWN)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (
            lambda groups: groups.pop(),
            cn.StructureError,
            r"has groups of the parameters \[\[0, 1\], \[2\]\], SGD .* has",
        ),
        (lambda groups: groups[0].update(params=[0]), cn.StructureError, "make it of the same groups"),
        (lambda groups: groups[1].update(lr=-1.0), cn.ConfigError, "lr must be at least 0"),
        (lambda groups: groups[1].update(mometum=0.5), cn.ConfigError, "did you mean 'momentum'"),
    ],
)
def test_groups_that_do_not_fit_are_refused_and_change_nothing(spoil, error, message, grouped):
    _, optimizer = grouped()
    state = optimizer.state_dict() | {"lr": 0.9, "steps": 5}
    state["groups"][0]["momentum"] = 0.1
    spoil(state["groups"])
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(state)
    assert (optimizer.lr, optimizer.steps, optimizer.groups[0].own) == (0.1, 0, {})


# What is refused.


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (lambda a, b: [{"params": a}, {"params": [b, a]}], cn.StructureError, "parameter 1 of group 1 is in group 0"),
        (lambda a, b: [{"params": [a, a]}, {"params": b}], cn.StructureError, "the same parameter was given twice"),
        (lambda a, b: [{"params": a}, {"param": b}], cn.StructureError, r"has no 'params' \(did you mean 'param"),
        (lambda a, b: [{"params": a}, {}], cn.StructureError, "group 1 has no 'params'; it has nothing"),
        (lambda a, b: [{"params": a}, b], cn.StructureError, "group 1 is a Tensor; give a dict with 'params'"),
        (lambda a, b: [{"params": [a, b.clone()]}, {"params": b}], cn.StructureError, "parameter 1 of group 0 is a"),
        (lambda a, b: [{"params": []}, {"params": ()}], cn.StructureError, "at least one parameter"),
        (lambda a, b: [{"params": a, "mometum": 0.1}], cn.ConfigError, r"'mometum' \(did you mean 'momentum'"),
        (lambda a, b: [{"params": a, "schedule": len}], cn.ConfigError, "schedule is of all groups together"),
        (lambda a, b: [{"params": a, "max_grad_norm": 1}], cn.ConfigError, "max_grad_norm is of all groups together"),
        (lambda a, b: [{"params": a}, {"params": b, "lr": -0.1}], cn.ConfigError, "lr must be at least 0"),
        (lambda a, b: [{"params": a, "momentum": -0.1}], cn.ConfigError, "momentum must be at least 0"),
        (lambda a, b: [{"params": a, "nesterov": True}], cn.ConfigError, "nesterov needs momentum"),
    ],
)  # fmt: skip
def test_wrong_groups_are_refused_and_nothing_is_moved(given, error, message, parameters):
    a, b = parameters(2, 3)
    values = a.clone(), b.clone()
    with pytest.raises(error, match=message):
        cn.SGD(given(a, b), lr=0.1)
    assert torch.equal(a, values[0])
    assert torch.equal(b, values[1])


def test_what_is_assigned_to_a_group_is_checked(grouped):
    _, optimizer = grouped()
    for name, value, message in (("lr", -1, "lr must be"), ("momentun", 0.1, "did you mean 'momentum'")):
        with pytest.raises(cn.ConfigError, match=message):
            optimizer.groups[1][name] = value
    with pytest.raises(cn.ConfigError, match="has no hyper-parameter 'params'"):
        optimizer.groups[1]["params"] = []
    with pytest.raises(cn.StructureError, match="a group keeps its params"):
        del optimizer.groups[1]["params"]
    assert optimizer.groups[1].own == OWN


def test_a_hyper_parameter_that_is_kept_under_another_name_is_refused(parameters):
    class Renames(cn.Optimizer):
        def __init__(self, parameters, lr, decay=0.0):
            self.rate_of_decay = decay
            super().__init__(parameters, lr)

    with pytest.raises(cn.ConfigError, match=r"a group cannot set decay: Renames does not keep it as self\.decay"):
        Renames([{"params": parameters(2), "decay": 0.1}], lr=0.1)


class Bare(cn.Optimizer):
    """A constructor that takes nothing, one that takes all, and one that names nothing."""

    weight = cn.Parameter(torch.ones(2))

    def __init__(self):
        super().__init__([{"params": self.weight}], lr=0.1)


class TakesAll(cn.SGD):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)


class Forwards(cn.SGD):
    def __init__(self, parameters, scale=1.0, **options):
        self.scale = scale
        super().__init__(parameters, **options)


def test_constructors_of_other_forms_take_groups_too(parameters):
    a, b = parameters(2, 3)
    assert [group["params"] for group in Bare().groups] == [(Bare.weight,)]
    for kind, own in ((TakesAll, {"momentum": 0.5}), (Forwards, {"momentum": 0.5, "scale": 2.0, "lr": 0.7})):
        optimizer = kind([{"params": a}, {"params": b, **own}], lr=0.1)
        assert [group.own for group in optimizer.groups] == [{}, own]
        with pytest.raises(cn.ConfigError, match="no hyper-parameter 'mometum'"):
            kind([{"params": a, "mometum": 0.1}], lr=0.1)
    with pytest.raises(cn.ConfigError, match="momentum must be at least 0"):
        Forwards([{"params": a, "momentum": -1.0}], lr=0.1)


def test_the_repr_counts_the_groups(grouped):
    assert repr(grouped()[1]) == "SGD(4 parameters in 3 groups, lr=0.1)"
