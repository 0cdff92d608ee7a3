"""Every engine trains models of several inputs and outputs, of integers, of modules that run several times alike."""

import pytest
import torch

import corenet as cn

POINTS, BATCH = 83, 10  # the last batch of an epoch is smaller


class Embedding(cn.Module):
    """The rows of a table, picked by integers that it checks."""

    def __init__(self, count, width):
        self.table = cn.Parameter(torch.randn(count, width))
        self.checked = 0

    def check_values(self, indices):
        low, high = indices.aminmax()
        if low < 0 or high >= len(self.table):
            raise cn.RangeError(f"Embedding: index {int(high if high >= len(self.table) else low)} is out of range")

    def forward(self, indices):
        self.save(indices)
        return self.table.index_select(0, indices)

    def backward(self, grad_output):
        (indices,) = self.saved()
        self.table.grad.index_add_(0, indices, grad_output)


class Table(cn.Module):
    """Numbers and a category in; two heads out."""

    def __init__(self):
        self.embedding = Embedding(7, 4)
        self.trunk = cn.Sequential(cn.Linear(3, 4), cn.Tanh())
        self.heads = cn.Linear(4, 1), cn.Linear(4, 2)

    def forward(self, numbers, category):
        hidden = self.trunk(numbers) + self.embedding(category)
        return tuple(head(hidden) for head in self.heads)

    def backward(self, *gradients):
        hidden = sum(head.backward(gradient) for head, gradient in zip(self.heads, gradients, strict=True))
        self.embedding.backward(hidden)
        return self.trunk.backward(hidden), None


class Weighted(cn.Loss):
    """``MSE(a) + w · MSE(b)``, with targets for both."""

    reduction = "mean"

    def __init__(self, weight):
        self.first, self.second, self.weight = cn.MSELoss(), cn.MSELoss(), cn.Buffer(torch.tensor(weight))

    def forward(self, outputs, targets):
        first, second = (loss(*pair) for loss, *pair in zip((self.first, self.second), outputs, targets, strict=True))
        return first + self.weight * second

    def backward(self):
        return self.first.backward(), self.weight * self.second.backward()


class Recurrence(cn.Module):
    def __init__(self, width):
        self.cell = self.repeat(cn.Sequential(cn.Linear(width, width), cn.Tanh()))

    def forward(self, input):
        self.save(input.shape[1])
        state = torch.zeros_like(input[:, 0])
        for step in range(input.shape[1]):
            state = self.cell(state) + input[:, step]
        return state

    def backward(self, grad_output):
        gradients = []
        for _ in range(*self.saved()):
            gradients.append(grad_output)
            grad_output = self.cell.backward(grad_output)
        return torch.stack(gradients[::-1], 1)


class Tempered(cn.Loss):
    """``mean (x − s t)²`` with a scale ``s`` of its own that is trained."""

    def __init__(self):
        self.scale = cn.Parameter(torch.tensor(0.5))

    def forward(self, input, target):
        self.save(input, target)
        return (input - self.scale * target).square().mean()

    def backward(self):
        input, target = self.saved()
        gradient = 2 * (input - self.scale * target) / input.numel()
        self.scale.grad -= (gradient * target).sum()
        return gradient


def table_data():
    generator = torch.Generator().manual_seed(5)
    numbers, category = torch.randn(POINTS, 3, generator=generator), torch.randint(7, (POINTS,), generator=generator)
    first = numbers[:, :1] * category[:, None] / 7
    return cn.data.Dataset((numbers, category), (first, torch.cat([first, -first], 1)))


def table():
    torch.manual_seed(2)
    model = Table()
    return model, Weighted(0.3), cn.SGD(model.parameters(), lr=0.05, momentum=0.9)


def recurrence():
    torch.manual_seed(2)
    model = cn.Sequential(Recurrence(3), cn.Linear(3, 1))
    return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.05, momentum=0.9)


def tempered():
    torch.manual_seed(2)
    model, loss = cn.Sequential(cn.Linear(3, 4), cn.Tanh(), cn.Linear(4, 1)), Tempered()
    return model, loss, cn.SGD([*model.parameters(), *loss.parameters()], lr=0.05, momentum=0.9)


def sequences():
    generator = torch.Generator().manual_seed(5)
    inputs = torch.randn(POINTS, 4, 3, generator=generator)
    return cn.data.Dataset(inputs, inputs.sum((1, 2))[:, None].tanh())


def numbers():
    (inputs, _), (targets, _) = table_data().inputs, table_data().targets
    return cn.data.Dataset(inputs, targets)


KINDS = {"table": (table, table_data), "recurrence": (recurrence, sequences), "loss": (tempered, numbers)}
OPTIONS = {"epochs": 8, "batch_size": BATCH, "progress": False, "metrics": []}


def state(model, loss, optimizer):
    return [model.state_dict(), loss.state_dict(), optimizer.state_dict()["states"]]


@pytest.mark.filterwarnings("error::corenet.EngineWarning")
@pytest.mark.parametrize("engine", ["replay", "compiled", "auto"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_engine_trains_alike(kind, engine):
    make, data = KINDS[kind]
    plain, other = make(), make()
    expected = cn.fit(*plain, data(), data(), engine="plain", **OPTIONS)
    found = cn.fit(*other, data(), data(), engine=engine, **OPTIONS)
    torch.testing.assert_close(state(*other), state(*plain), rtol=1e-4, atol=1e-5)
    assert found.losses == pytest.approx(expected.losses, rel=1e-4)
    assert [each.valid["loss"] for each in found] == pytest.approx([each.valid["loss"] for each in expected], rel=1e-4)
    assert expected.losses[-1] < 0.7 * expected.losses[0]
    assert engine == "auto" or found.engine == engine


@pytest.mark.parametrize("kind", KINDS)
def test_a_loop_of_ones_own_trains_alike(kind):
    make, data = KINDS[kind]
    plain, other = make(), make()
    step = cn.compile_step(*other)
    for epoch in range(4):
        for batch in data().batches(BATCH, seed=1, epoch=epoch):
            assert step(*batch).item() == pytest.approx(cn.train_step(*plain, *batch).item(), rel=1e-4)
    torch.testing.assert_close(state(*other), state(*plain), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["table", "recurrence"])
def test_pieces_of_a_batch_add_up(kind):
    make, data = KINDS[kind]
    plain, other = make(), make()
    cn.fit(*plain, data(), engine="plain", **OPTIONS)
    cn.fit(*other, data(), micro_batch_size=3, **OPTIONS)
    torch.testing.assert_close(state(*other), state(*plain), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_rounds_train_as_plain_ones_do(kind):
    make, data = KINDS[kind]
    options = {**OPTIONS, "metrics": None, "rounds": 3}
    expected = cn.fit_rounds(lambda number: make(), data(), engine="plain", **options)
    found = cn.fit_rounds(lambda number: make(), data(), **options)
    for (model, history), (plain, losses) in zip(found, expected, strict=True):
        torch.testing.assert_close(model.state_dict(), plain.state_dict(), rtol=1e-4, atol=1e-5)
        assert history.losses == pytest.approx(losses.losses, rel=1e-4)


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled", "auto"])
@pytest.mark.parametrize("wrong", [7, -1])
def test_an_index_out_of_range_is_named_and_no_step_is_done_with_it(engine, wrong):
    data, late = table_data(), table_data()
    model, loss, optimizer = table()
    cn.fit(model, loss, optimizer, data, engine=engine, **OPTIONS)
    before = state(model, loss, optimizer)
    late.inputs[1].fill_(wrong)
    with pytest.raises(cn.RangeError, match=f"Embedding: index {wrong} is out of range"):
        cn.fit(model, loss, optimizer, late, engine=engine, **OPTIONS)
    torch.testing.assert_close(state(model, loss, optimizer), before, rtol=0, atol=0)


@pytest.mark.parametrize("engine", ["replay", "compiled"])
def test_an_index_that_changes_after_many_good_steps_is_seen(engine):
    data = table_data()
    model, loss, optimizer = table()

    def spoil(model, data):
        if len(seen) == 5:
            data.inputs[1][40] = 9
        seen.append(0)
        return 0.0

    seen = []
    with pytest.raises(cn.RangeError, match="index 9 is out of range"):
        cn.fit(model, loss, optimizer, data, engine=engine, **{**OPTIONS, "metrics": [spoil]})


class Positive(cn.Module):
    """``√x`` of numbers that another module computes."""

    def check_values(self, input):
        if (input < 0).any():
            raise cn.RangeError(f"Positive: {input.min().item():.3g} has no square root")

    def forward(self, input):
        output = input.sqrt()
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        return grad_output / (2 * output)


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled"])
def test_numbers_that_another_module_computes_are_checked_in_every_step(engine):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(1, 1), Positive())
    model[0].weight.fill_(1.0), model[0].bias.fill_(0.3)
    inputs = 1 + torch.rand(80, 1)
    data = cn.data.Dataset(inputs, 0 * inputs)
    optimizer = cn.SGD(model.parameters(), lr=0.2)  # towards 0, and past it
    with pytest.raises(cn.RangeError, match=r"Positive: -[\d.e-]+ has no square root"):
        cn.fit(model, cn.MSELoss("sum"), optimizer, data, epochs=200, batch_size=8, progress=False, engine=engine)
    found = optimizer.steps, model.state_dict()
    if engine != "plain":
        plain = cn.Sequential(cn.Linear(1, 1), Positive())
        plain[0].weight.fill_(1.0), plain[0].bias.fill_(0.3)
        rule = cn.SGD(plain.parameters(), lr=0.2)
        with pytest.raises(cn.RangeError):
            cn.fit(plain, cn.MSELoss("sum"), rule, data, epochs=200, batch_size=8, progress=False, engine="plain")
        assert found[0] == rule.steps
        torch.testing.assert_close(found[1], plain.state_dict(), rtol=1e-4, atol=1e-5)
