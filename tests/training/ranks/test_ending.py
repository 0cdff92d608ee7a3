"""A rank that ends, or hangs, ends all others, and one of them tells of it."""

import re
import sys
import time

import pytest
import torch

import corenet as cn

PATIENCE = 20.0  # seconds after which a machine that is busy with other things has ended too


def last_lines(done):
    """Return the errors with which ranks ended, without torchrun's."""
    lines = re.findall(r"^(?:\[rank\d\]: )?(?:corenet\.\w+\.)(\w+: .*)$", done.err, re.MULTILINE)
    return [line for line in lines if "Failures" not in line]


def seconds_since(done):
    return time.time() - float(re.search(r"^at ([\d.]+)$", done.err, re.MULTILINE)[1])


class Ending(cn.Callback):
    """Ends the training of the program after five epochs."""

    def after_epoch(self, training):
        return training.epoch == 5


def trained_by_one_process(**saving):
    """Return the weights and the history of the program's training, ended after five epochs."""
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 4), cn.Tanh(), cn.Linear(4, 1), cn.Sigmoid())
    optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    train, valid = cn.data.disk(60, seed=0), cn.data.disk(60, seed=1)
    told = {"epochs": 1_000_000, "batch_size": 30, "callbacks": [Ending()], "progress": False, "engine": "plain"}
    history = cn.fit(model, cn.BCELoss(), optimizer, train, valid, **told, **saving)
    return torch.cat([each.reshape(-1) for each in model.parameters()]), history


def test_a_rank_that_is_killed_ends_all_with_one_line(torchrun, program):
    done = torchrun(3, program("ending"), "killed")
    assert done.code != 0
    assert seconds_since(done) < PATIENCE
    assert last_lines(done) == ["RankError: rank 1 of 3 does not answer: it was killed, ran out of memory, or hangs"]


def test_a_rank_that_raises_tells_of_it_alone(torchrun, program):
    done = torchrun(2, program("ending"), "raising")
    assert seconds_since(done) < PATIENCE
    assert last_lines(done) == ["CallbackError: callback Ending raised after epoch 3: ValueError: of rank 1"]


def test_a_rank_that_hangs_is_named_after_the_time_that_is_set(torchrun, program):
    done = torchrun(2, program("ending"), "hanging", CORENET_RANK_TIMEOUT="3")
    assert last_lines(done) == ["RankError: rank 1 of 2 did not come within 3 seconds (CORENET_RANK_TIMEOUT)"]


def test_a_signal_to_one_rank_saves_the_training_and_one_process_goes_on_from_it(torchrun, program, tmp_path):
    done = torchrun(2, program("ending"), "told")
    (line,) = last_lines(done)
    saved = re.fullmatch(r"Interrupted: SIGTERM: stopped at (?:epoch 4, step 1|.*), saved as (run/\S+); .*", line)
    assert saved is not None, line
    assert [path.name for path in tmp_path.joinpath("run").iterdir()] == [saved[1].removeprefix("run/")]
    assert len(cn.load(tmp_path / saved[1]).history) == 3
    weights, history = trained_by_one_process(checkpoint=tmp_path / "run")
    never_stopped, whole = trained_by_one_process()
    assert len(history) == len(whole) == 5
    assert (weights - never_stopped).abs().max() < 1e-5
    assert history.losses[:3] == cn.load(tmp_path / saved[1]).history.losses


@pytest.mark.skipif(sys.platform != "linux", reason="threads are found in /proc")
def test_no_thread_outlives_the_ranks(torchrun, program):
    done = torchrun(2, program("left"))
    assert (done.code, done.out.split()) == (0, []), done.err
