"""Local SGD by real ranks, beside a textbook's loop over ranks, which torch's own gradients and rules take."""

import json
import random
from copy import deepcopy
from itertools import pairwise

import pytest
import torch

import corenet as cn

RULES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.3),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.02),
}
ENGINES = ["plain", "replay", "auto"]


def parts(size, ranks):
    """Return the rows of a batch that each rank has."""
    return [slice(start, end) for start, end in pairwise(size * rank // ranks for rank in range(ranks + 1))]


def average(models, optimizers, shares):
    """Let all weights, and all that rules remember, be the mean."""
    states = [optimizer.state_dict()["state"] for optimizer in optimizers]
    alike = list(zip(*(model.parameters() for model in models), strict=True))
    for place in states[0]:
        alike += [[state[place][name] for state in states] for name in states[0][place] if name != "step"]
        for state in states if "step" in states[0][place] else ():
            state[place]["step"] = max(each[place]["step"] for each in states).clone()
    with torch.no_grad():
        for tensors in alike:
            mean = sum(share * tensor for share, tensor in zip(shares, tensors, strict=True))
            for tensor in tensors:
                tensor.copy_(mean)
    for optimizer, state in zip(optimizers, states, strict=True):
        optimizer.load_state_dict(optimizer.state_dict() | {"state": state})


def local_sgd(rule, ranks, *, rows, batch_size, every, epochs, seed):
    """Return weights and losses of the program's training, all ranks in turn."""
    torch.manual_seed(seed)
    start = cn.Sequential(cn.Linear(2, 5), cn.Tanh(), cn.Linear(5, 1))
    model = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
    model.load_state_dict(start.state_dict())
    models = [deepcopy(model) for _ in range(ranks)]
    optimizers = [RULES[rule](each.parameters()) for each in models]
    data, losses = cn.data.disk(rows, seed=seed), []
    for epoch in range(epochs):
        batches, total = list(data.batches(batch_size, seed, epoch)), 0.0
        for at in range(0, len(batches), every):
            learnt = [0] * ranks
            for input, target in batches[at : at + every]:
                for rank, part in enumerate(parts(len(input), ranks)):
                    if part.stop > part.start:
                        optimizers[rank].zero_grad()
                        loss = torch.nn.functional.mse_loss(models[rank](input[part]), target[part])
                        loss.backward()
                        optimizers[rank].step()
                        learnt[rank] += part.stop - part.start
                        total += loss.item() * (part.stop - part.start)
            average(models, optimizers, [each / sum(learnt) for each in learnt])
        losses.append(total / rows)
    return [number for each in models[0].parameters() for number in each.reshape(-1).tolist()], losses


def farthest(one, other):
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module", params=[2, 3])
def found(request, torchrun_once):
    """Return how a random training was asked for, its number of ranks, and what each of them came to."""
    ranks, batch_size = request.param, random.randint(5, 12)
    asked = {
        "rows": random.randint(5, 9) * batch_size + random.choice([0, 1, 4]),
        "batch_size": batch_size,
        "every": random.randint(2, 4),
        "epochs": 9,
        "seed": random.randrange(1000),
    }
    engines = dict(zip(RULES, random.sample(ENGINES, 3), strict=True))
    done, folder = torchrun_once(ranks, "local", json.dumps(asked | {"engines": engines}))
    assert done.code == 0, done.err
    files = [folder / f"rank-{rank}.json" for rank in range(ranks)]
    return asked, ranks, [json.loads(path.read_text(encoding="utf-8")) for path in files]


@pytest.fixture
def default_float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("default_float64")
@pytest.mark.parametrize("rule", RULES)
def test_ranks_come_to_what_a_textbooks_loop_comes_to(found, rule):
    asked, ranks, told = found
    weights, losses = local_sgd(rule, ranks, **asked)
    for each in told:
        assert each[rule]["weights"] == told[0][rule]["weights"]
        assert farthest(each[rule]["weights"], weights) < 1e-12, asked
        assert farthest(each[rule]["losses"], losses) < 1e-12, asked
        assert each[rule]["steps"] == asked["epochs"] * -(-asked["rows"] // asked["batch_size"])


@pytest.mark.parametrize("rule", RULES)
def test_where_all_ranks_have_the_same_rows_it_is_the_training_of_one_process(found, rule):
    asked, _, told = found
    one = told[0][f"one process, {rule}"]
    for each in told:
        assert farthest(each[f"repeated {rule}"]["weights"], one["weights"]) < 1e-12, asked
        assert farthest(each[f"repeated {rule}"]["losses"], one["losses"]) < 1e-12, asked


def test_each_rank_draws_numbers_of_its_own_and_the_same_the_next_time(found):
    _, _, told = found
    drawn = [number for each in told for number in each["noise"]["drawn"]]
    assert len(set(drawn)) == len(drawn)
    assert all(each["noise"]["weights"] == each["noise again"]["weights"] for each in told)


def test_one_that_is_told_to_stop_between_two_exchanges_goes_on_as_if_it_had_not_been(found):
    asked, _, told = found
    for each in told:
        text = each["dropout, told"].pop("told")
        assert f"SIGTERM: stopped at epoch 3, step {asked['every']}, saved as" in text
        assert each["dropout, told"] == each["dropout"], asked


def test_a_number_that_is_none_in_one_rank_is_found_and_left_out_by_all(found):
    asked, _, told = found
    for each in told:
        assert each["skipped"]["skipped"] == [0, 1] + [0] * (asked["epochs"] - 2)
        assert each["skipped"]["weights"] == told[0]["skipped"]["weights"]
        assert each["skipped"]["steps"] == told[0]["sgd"]["steps"] - 1
        kind, text = each["refused"]["not finite"]
        assert kind == "NonFiniteError"
        assert "epoch 2, step 2" in text


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("nought", "exchange_every must be an integer ≥ 1, not 0"),
        ("flag", "exchange_every must be an integer ≥ 1, not True"),
        ("fraction", "exchange_every must be an integer ≥ 1, not 2.5"),
        ("sum", "MSELoss('sum') is no mean, so the step of a rank"),
    ],
)
def test_what_cannot_be_is_refused_by_every_rank(found, case, text):
    for each in found[2]:
        kind, said = each["refused"][case]
        assert kind == "ConfigError"
        assert text in said
        assert "\n" not in said
