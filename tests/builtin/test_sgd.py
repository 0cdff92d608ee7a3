"""SGD, bit for bit PyTorch's."""

from itertools import product

import pytest
import torch

import corenet as cn

STEPS = 50
SETTINGS = [
    {"momentum": momentum, "dampening": dampening, "nesterov": nesterov, "weight_decay": decay, "maximize": maximize}
    for momentum, dampening, nesterov, decay, maximize in product(
        (0.0, 0.9), (0.0, 0.3), (False, True), (0.0, 0.01), (False, True)
    )
    if not nesterov or (momentum and not dampening)
]


def weights():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((3, 2), (3,), (1, 3), ())]


def steps_of(values, make, count=STEPS):
    """Yield the values after each step, by the gradients of one fixed random stream."""
    generator = torch.Generator().manual_seed(1)
    optimizer = make(values)
    for _ in range(count):
        for value in values:
            grad = torch.randn(value.shape, generator=generator, dtype=value.dtype)
            value.grad = grad if value.grad is None else value.grad.copy_(grad)
        optimizer.step()
        yield torch.cat([value.detach().reshape(-1) for value in values]).clone()


def ours(**options):
    return steps_of([cn.Parameter(weight) for weight in weights()], lambda values: cn.SGD(values, **options))


def theirs(**options):
    leaves = [torch.nn.Parameter(weight) for weight in weights()]
    return steps_of(leaves, lambda values: torch.optim.SGD(values, **options))


@pytest.mark.parametrize(
    "options", SETTINGS, ids=lambda options: "-".join(k for k, v in options.items() if v) or "plain"
)
def test_sgd_trajectory_is_pytorchs_bit_for_bit(options):
    for step, (mine, other) in enumerate(zip(ours(lr=0.1, **options), theirs(lr=0.1, **options), strict=True)):
        assert torch.equal(mine, other), f"step {step}"


def test_sgd_trains_a_network_as_pytorch_does():
    model = cn.Sequential(cn.Linear(2, 8), cn.Tanh(), cn.Linear(8, 1), cn.Sigmoid()).to(dtype=torch.float64)
    counterpart = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1), torch.nn.Sigmoid())
    counterpart.double().load_state_dict(model.state_dict())
    data = cn.data.disk(64, seed=0).to(dtype=torch.float64)
    loss, optimizer = cn.BCELoss(), cn.SGD(model.parameters(), lr=0.5, momentum=0.9, weight_decay=1e-4)
    other = torch.optim.SGD(counterpart.parameters(), lr=0.5, momentum=0.9, weight_decay=1e-4)
    for _ in range(STEPS):
        value = cn.train_step(model, loss, optimizer, data.inputs, data.targets)
        other.zero_grad()
        expected = torch.nn.functional.binary_cross_entropy(counterpart(data.inputs), data.targets)
        expected.backward()
        other.step()
        torch.testing.assert_close(value, expected.detach(), rtol=1e-12, atol=1e-12)
    for mine, parameter in zip(model.parameters(), counterpart.parameters(), strict=True):
        torch.testing.assert_close(mine, parameter.detach(), rtol=1e-11, atol=1e-12)


def test_sgd_by_hand():
    weight = cn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = cn.SGD([weight], lr=0.1, momentum=0.5, dampening=0.25, weight_decay=0.5)
    weight.grad.fill_(2.0)
    optimizer.step()  # g = 2 + 0.5 · 1 = 2.5, v = 2.5
    assert weight.item() == pytest.approx(0.75)
    optimizer.step()  # g = 2 + 0.5 · 0.75 = 2.375, v = 0.5 · 2.5 + 0.75 · 2.375
    assert weight.item() == pytest.approx(0.75 - 0.1 * (1.25 + 0.75 * 2.375))


def test_sgd_velocity_is_the_gradient_at_the_first_step():
    weight = cn.Parameter(torch.zeros(2))
    optimizer = cn.SGD([weight], lr=1.0, momentum=0.9, dampening=0.5)
    weight.grad.copy_(torch.tensor([1.0, -2.0]))
    optimizer.step()
    assert optimizer.state_dict()["states"][0]["velocity"].tolist() == [1.0, -2.0]
    assert weight.tolist() == [-1.0, 2.0]


def test_sgd_without_momentum_remembers_nothing():
    optimizer = cn.SGD([cn.Parameter(torch.zeros(2))], lr=1.0)
    assert optimizer.state_dict()["states"] == [{}]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_lr_decay_is_lr_over_1_plus_t_lr_decay_with_t_from_0(momentum):
    weight = cn.Parameter(torch.tensor([0.0], dtype=torch.float64))
    optimizer = cn.SGD([weight], lr=0.2, lr_decay=0.1, momentum=momentum)
    position = velocity = 0.0
    for t in range(STEPS):
        assert optimizer.current_lr == 0.2 / (1 + t * 0.1)
        weight.grad.fill_(1 + t)
        velocity = momentum * velocity + 1 + t
        position -= 0.2 / (1 + t * 0.1) * velocity
        optimizer.step()
        assert weight.item() == pytest.approx(position, rel=1e-12)
    assert optimizer.lr == 0.2


def test_lr_decay_is_pytorchs_adagrad_schedule():
    theirs = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    adagrad = torch.optim.Adagrad([theirs], lr=0.2, lr_decay=0.1, eps=0)
    mine = cn.SGD([cn.Parameter(torch.zeros(1))], lr=0.2, lr_decay=0.1)
    squares = 0.0
    for _ in range(10):
        before = theirs.item()
        theirs.grad = torch.ones(1, dtype=torch.float64)
        adagrad.step()
        squares += 1
        assert (before - theirs.item()) * squares**0.5 == pytest.approx(mine.current_lr)
        mine.step()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_sgd_in_each_dtype(dtype):
    weight = cn.Parameter(torch.tensor([1.0, 2.0], dtype=dtype))
    optimizer = cn.SGD([weight], lr=0.5, momentum=0.5)
    weight.grad.fill_(1)
    optimizer.step()
    assert weight.dtype == dtype
    assert weight.tolist() == [0.5, 1.5]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"lr": -0.1}, "lr"),
        ({"lr": float("nan")}, "lr"),
        ({"lr": float("inf")}, "lr"),
        ({"lr": "0.1"}, "lr"),
        ({"lr": None}, "lr"),
        ({"lr": 0.1, "momentum": -0.1}, "momentum"),
        ({"lr": 0.1, "momentum": float("nan")}, "momentum"),
        ({"lr": 0.1, "weight_decay": -0.1}, "weight_decay"),
        ({"lr": 0.1, "weight_decay": float("inf")}, "weight_decay"),
        ({"lr": 0.1, "dampening": float("nan")}, "dampening"),
        ({"lr": 0.1, "lr_decay": -1.0}, "lr_decay"),
        ({"lr": 0.1, "nesterov": True}, "nesterov"),
        ({"lr": 0.1, "nesterov": True, "momentum": 0.9, "dampening": 0.1}, "nesterov"),
    ],
)
def test_hyper_parameters_follow_pytorchs_rules(options, named):
    weight = cn.Parameter(torch.ones(2))
    address = weight.data_ptr()
    with pytest.raises(cn.ConfigError, match=named) as caught:
        cn.SGD([weight], **options)
    assert caught.value.name == named
    assert weight.data_ptr() == address


def test_hyper_parameters_that_pytorch_takes_are_taken():
    weight = cn.Parameter(torch.ones(1))
    cn.SGD([weight], lr=0)
    cn.SGD([weight], lr=1, momentum=2.0, dampening=-0.5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_sgd_on_a_gpu_is_pytorchs():
    def on_gpu(kind, **options):
        values = [kind(weight.cuda()) for weight in weights()]
        optimizer = (cn.SGD if kind is cn.Parameter else torch.optim.SGD)(values, lr=0.1, momentum=0.9, **options)
        for value in values:
            value.grad = torch.ones_like(value)
        for _ in range(5):
            optimizer.step()
        return [value.detach() for value in values]

    for mine, other in zip(on_gpu(cn.Parameter), on_gpu(torch.nn.Parameter), strict=True):
        assert torch.equal(mine, other)


def test_momentum_assigned_later_begins_with_the_gradient_as_torch_does():
    ours, theirs = cn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(3))
    optimizer, oracle = cn.SGD([ours], lr=0.1, dampening=0.5), torch.optim.SGD([theirs], lr=0.1, dampening=0.5)
    for step in range(4):
        if step == 2:
            optimizer.momentum = oracle.param_groups[0]["momentum"] = 0.9
        ours.grad.fill_(1.0 + step)
        theirs.grad = torch.full((3,), 1.0 + step)
        optimizer.step()
        oracle.step()
    assert torch.equal(ours, theirs.detach())
