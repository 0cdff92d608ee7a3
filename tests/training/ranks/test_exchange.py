"""What ranks add up and tell each other, sent to all at once or by a ring."""

import json
import random

import pytest


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_all_ranks_have_the_same_sums_and_texts_whatever_their_size(torchrun, program, tmp_path, ranks):
    seed = random.randrange(1000)
    done = torchrun(ranks, program("sums"), seed)
    assert done.code == 0, done.err
    first, *others = (json.loads(tmp_path.joinpath(f"rank-{rank}.json").read_text("utf-8")) for rank in range(ranks))
    assert (first[0]["rings"], first[-1]["rings"] > 0) == (0, ranks == 4), "else it sends fewer bytes to all at once"
    for told in first:
        assert told["farthest"] < 1e-5, seed  # of float32, in which some are
        assert (told["integers"], told["texts"], told["rows"]) == (True, True, True), seed
        assert told["numbers"] == [ranks * (ranks - 1) / 2, ranks / 2]
    assert all(each == first for each in others), seed
