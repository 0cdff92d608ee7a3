"""Several ranks train as one process does, whatever their number."""

import json
import random

import pytest

SEED = random.randrange(1000)
CASES = ["momentum", "adam", "dropout", "noisy rule", "classes", "streamed", "callbacks"]


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_ranks_come_to_the_weights_and_the_history_of_one_process(torchrun, program, tmp_path, ranks):
    done = torchrun(ranks, program("same"), SEED)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert list(found) == CASES
    for case, told in found.items():
        assert max(told["weights"], told["loss"], told["valid"]) < 1e-12, (SEED, case, told)
        assert (told["rest"], told["rates"]) == (True, True), (SEED, case, told)
    assert found["momentum"]["steps"] >= 500
    assert found["momentum"]["engine"] in ("compiled", "replay")  # without a compiler
    assert (found["classes"]["engine"], found["dropout"]["engine"]) == ("replay", "plain")
    assert found["callbacks"]["rows"] == found["callbacks"]["epochs"] + 1, "the first rank alone writes"
    first, *others = (tmp_path.joinpath(f"rank-{rank}.jsonl").read_text(encoding="utf-8") for rank in range(ranks))
    assert first.count("\n") == len(CASES)
    assert others == [first] * (ranks - 1)
