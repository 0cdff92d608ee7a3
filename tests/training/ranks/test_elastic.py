"""A training goes on with another number of ranks, and with one process, as if it had never been stopped."""

import json
import random
import re
import subprocess
import sys

import pytest

CASES = [
    "plain, momentum, dropout",
    "replay, Adam",
    "compiled, momentum",
    "compiled, Adam, dropout",
    "streamed, momentum, dropout",
]


@pytest.fixture
def going_on(torchrun, program, tmp_path):
    """Train by so many ranks, or one process, until it ends in some way; return what it came to, case by case."""
    seed = random.randrange(1000)

    def run(ranks, way, looks=0, cases=()):
        arguments = [program("elastic"), str(seed), f"{ranks}-{way}.json", way, str(looks), *cases]
        if ranks:
            done = torchrun(ranks, *arguments)
            code, err = done.code, done.err
        else:
            done = subprocess.run(
                [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            code, err = done.returncode, done.stderr
        if way == "killed":
            assert code != 0
            return err
        assert code == 0, (seed, err)
        return json.loads(tmp_path.joinpath(f"{ranks}-{way}.json").read_text(encoding="utf-8"))

    return run


def refuse_difference(one, other, case):
    """See that two trainings came to the same, within rounding."""
    for name in ("weights", "losses", "measured"):
        farthest = max(abs(a - b) for a, b in zip(one[name], other[name], strict=True))
        assert farthest < 1e-12, (case, name, farthest)


def test_two_ranks_are_stopped_then_one_process_and_three_ranks_come_to_the_end(going_on):
    whole, steps = going_on(0, "whole"), random.randint(13, 30)
    for ranks, looks in ((2, steps), (0, random.randint(1, 4))):
        for case, text in going_on(ranks, "told", looks).items():
            assert re.match(r"SIGTERM: stopped at (epoch|the end of epoch) \d+.*, saved as", text), (case, text)
    end = going_on(3, "going on")
    assert {end[case]["engine"] for case in CASES[1:3]} <= {"replay", "compiled"}
    for case, found in end.items():
        refuse_difference(found, whole[case], case)


@pytest.mark.parametrize(("ranks", "then"), [(2, 3), (3, 0)])
def test_one_of_the_ranks_is_killed_and_another_number_of_them_comes_to_the_end(going_on, ranks, then):
    case = random.choice(CASES)
    assert "does not answer: it was killed" in going_on(ranks, "killed", random.randint(13, 60), [case])
    found, whole = going_on(then, "going on", cases=[case])[case], going_on(0, "whole", cases=[case])[case]
    refuse_difference(found, whole, case)
