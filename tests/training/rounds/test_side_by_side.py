"""Rounds that several processes share: those of one process, in order, and one line where a process ends."""

import os
import re
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest
import torch

import corenet as cn

FACTORIES = """
import os
import signal

import corenet as cn


def network(round):
    model = cn.Sequential(cn.Linear(2, 6), cn.ReLU(), cn.Dropout(0.3), cn.Linear(6, 1), cn.Sigmoid())
    return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.1 * (1 + round), momentum=0.9)


def deadly(round):
    if round == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return network(round)


class Odd(Exception):
    def __init__(self, text, number):
        super().__init__(text)
        self.number = number


def odd(round):
    if round == 1:
        raise Odd("out of paper", 1)
    return network(round)


def wild(round):
    model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 1))
    return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=1e30 if round == 1 else 0.1)
"""
SCRIPT = """
import corenet as cn

def network(round):
    model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 1))
    return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)

def main(epochs):
    data = cn.data.disk(50, seed=0)
    found = cn.fit_rounds(network, data, rounds=3, epochs=epochs, batch_size=20, progress=False, workers=2)
    print([len(history) for _, history in found])
"""
HEARS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a job in the background does not
GUARDED = f"{SCRIPT}\nif __name__ == '__main__':\n    {HEARS}\n    main({{epochs}})\n"


@pytest.fixture
def factories(tmp_path, monkeypatch):
    """Return a module of factories that other processes can import too."""
    name = f"factories_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(FACTORIES, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield import_module(name)
    del sys.modules[name]


@pytest.fixture
def rounds():
    """Train rounds as a test asks for, from a seed that nobody has chosen."""
    torch.set_num_threads(1)
    seed = int.from_bytes(os.urandom(3))
    data = [cn.data.disk(50, seed=number) for number in range(5)]

    def train(factory, workers, **settings):
        settings = {"rounds": 5, "epochs": 3, "batch_size": 20, "progress": False, "engine": "plain"} | settings
        return cn.fit_rounds(factory, data, data[::-1], seed=seed, workers=workers, **settings)

    return train


@pytest.mark.parametrize("workers", [2, 7])
def test_they_are_those_of_one_process_bit_for_bit(factories, rounds, workers):
    for (one, alone), (other, history) in zip(
        rounds(factories.network, 1), rounds(factories.network, workers), strict=True
    ):
        torch.testing.assert_close(other.state_dict(), one.state_dict(), rtol=0, atol=0)
        assert history.losses == alone.losses
        assert [epoch.valid for epoch in history] == [epoch.valid for epoch in alone]
        other(torch.zeros(1, 2))  # whole, and in training mode as after fit


def test_recorded_ones_are_the_same_within_rounding(factories, rounds):
    alone = rounds(factories.network, 1, engine="replay", epochs=30)
    for (one, _), (other, history) in zip(alone, rounds(factories.network, 2, engine="replay", epochs=30), strict=True):
        assert history.engine == "replay"
        torch.testing.assert_close(other.state_dict(), one.state_dict(), rtol=1e-4, atol=1e-5)


def test_a_line_tells_of_each_that_is_done(factories, rounds, capsys):
    rounds(factories.network, 2, progress=None)
    lines = capsys.readouterr().err.splitlines()
    assert sorted(line[:20] for line in lines) == [f"round {number}/5, epoch 3/3" for number in range(1, 6)]


def test_one_that_is_killed_is_named_with_the_rounds_that_it_owes(factories, rounds):
    message = (
        "a worker was ended by SIGKILL before it was done; it may have run out of memory; without a result: round "
    )
    with pytest.raises(cn.RankError, match=message) as raised:
        rounds(factories.deadly, 2)
    owed = {int(each) for each in re.findall(r"\d", str(raised.value).partition("round ")[2].partition(" of ")[0])}
    assert {2, 4} <= owed  # and what the other had not done when it was ended
    assert [len(history) for _, history in raised.value.results] == [3] * (5 - len(owed))


def test_a_round_that_runs_away_is_named(factories, rounds):
    with pytest.raises(cn.NonFiniteError, match="round 1, epoch 1, step") as raised:
        rounds(factories.wild, 2)
    assert raised.value.round == 1


def test_an_error_that_cannot_be_told_is_told_in_words(factories, rounds):
    with pytest.raises(cn.RankError, match=r"a worker ended: Odd: out of paper"):
        rounds(factories.odd, workers=2)


def test_what_another_process_cannot_be_told_of_is_refused(factories, rounds):
    with pytest.raises(cn.ConfigError, match=r"workers: .* lambdas .* write one at the top of a file"):
        rounds(lambda number: factories.network(number), 2)
    with pytest.raises(cn.ConfigError, match="workers: CSVLogger writes a file"):
        rounds(factories.network, 2, callbacks=[cn.CSVLogger("log.csv")])
    with pytest.raises(cn.ConfigError, match="workers"):
        rounds(factories.network, 0)


def script(folder, text, **options):
    path = folder / "script.py"
    path.write_text(text, encoding="utf-8")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, str(path)], env=environment, **pipes, **options)


def test_a_script_trains_them_under_its_guard(tmp_path):
    assert script(tmp_path, GUARDED.format(epochs=2)).communicate(timeout=240) == ("[2, 2, 2]\n", "")


def test_a_script_without_a_guard_is_told_of_it(tmp_path):
    running = script(tmp_path, f"{SCRIPT}\nmain(2)\n")
    _, said = running.communicate(timeout=240)
    assert running.returncode == 1
    assert 'put what starts them under if __name__ == "__main__":' in said


def test_what_is_known_at_a_prompt_alone_is_refused(tmp_path):
    code = f"{SCRIPT}\nimport corenet\ntry:\n    main(2)\nexcept corenet.ConfigError as error:\n    print(error)\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False)
    assert "what is written in a notebook or at a prompt is known there alone" in done.stdout
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def children(process):
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for the workers in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl_c", "kill"])
def test_all_end_with_the_first(tmp_path, number):
    running = script(tmp_path, GUARDED.format(epochs=10**8), start_new_session=True)
    deadline = time.monotonic() + 120
    while len(workers := children(running.pid)) < 3:  # two, and Python's own tracker of resources
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)
    if number is signal.SIGINT:
        os.killpg(running.pid, number)  # as a terminal does
    else:
        running.kill()
    _, said = running.communicate(timeout=60)
    assert said.count("Traceback") == (number is signal.SIGINT)
    while any(Path(f"/proc/{each}").exists() for each in workers):
        assert time.monotonic() < deadline + 60
        time.sleep(0.05)
