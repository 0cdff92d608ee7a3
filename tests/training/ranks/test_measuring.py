"""What is measured after an epoch is shared out among ranks, and comes to the numbers of one process."""

import json
import random

import numpy as np
import pytest
import torch

import corenet as cn
from corenet.training.ranks.measuring import SharedOut, goes_by_rows

SEED = random.randrange(1000)


class Alone:
    """One rank of several, with the parts of the others computed by nobody."""

    def __init__(self, rank, size):
        self.rank, self.size = rank, size

    def part(self, rows):
        return slice(rows * self.rank // self.size, rows * (self.rank + 1) // self.size)

    def rows_of_all(self, own):
        return [own]


class Centred(cn.Module):
    def forward(self, input):
        return input - input.mean(0)


class Noisy(cn.Module):
    def forward(self, input):
        return input + torch.rand_like(input)


class Summed(cn.Module):
    def forward(self, input):
        return input.sum(0, keepdim=True)


class Pair(cn.Module):
    def forward(self, input):
        return input * 2, input[:, 0]


def numbers(history):
    return [np.ravel(value) for parts in history for part in parts for value in part.values()]


@pytest.mark.parametrize("ranks", [2, 3])
def test_each_rank_computes_its_rows_and_all_metrics_are_those_of_one_process(torchrun, program, tmp_path, ranks):
    done = torchrun(ranks, program("measuring"), SEED)
    assert done.code == 0, done.err
    told = [tmp_path.joinpath(f"rank-{rank}.jsonl").read_text(encoding="utf-8").splitlines() for rank in range(ranks)]
    for first, *others in ([json.loads(line) for line in lines] for lines in zip(*told, strict=True)):
        assert all(each["history"] == first["history"] for each in others)
        for ours, theirs in zip(numbers(first["history"]), numbers(first["one"]), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12, err_msg=f"{SEED} {first['case']}")
        for each in (first, *others):
            share = each["rows"] / first["rows of one"]
            if first["case"] == "as a whole":
                assert share >= 1, "each measures all"
            elif first["points"] > 1:
                assert share == pytest.approx(1 / ranks, abs=0.2), "a row more, and the rows on which it is tried"


def test_a_rank_computes_its_rows_alone():
    inputs = torch.arange(10.0)[:, None]
    for rank in range(3):
        own = SharedOut(Alone(rank, 3))(cn.ReLU(), inputs)
        assert own.flatten().tolist() == inputs[Alone(rank, 3).part(10)].flatten().tolist()
    assert SharedOut(Alone(0, 3))(cn.ReLU(), inputs[:2]).shape == (0, 1), "there is no row for it"
    double, first = SharedOut(Alone(2, 3))(Pair(), inputs)
    assert (double.shape, first.shape) == ((4, 1), (4,))


@pytest.mark.parametrize(
    ("model", "expected"),
    [(cn.Linear(3, 2), True), (Pair(), True), (cn.Dropout(0.5), True)]
    + [(each, False) for each in (Centred(), Noisy(), Summed(), cn.Linear(4, 2))],
)
def test_a_model_whose_outputs_do_not_go_by_rows_is_known(model, expected):
    inputs, before = torch.randn(random.randint(2, 20), 3), torch.get_rng_state()
    assert goes_by_rows(model, inputs) is expected
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training, "it was a copy that evaluated"
