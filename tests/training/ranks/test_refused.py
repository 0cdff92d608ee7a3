"""What ranks refuse, in every one of them, and where they go on."""

import json

import pytest

TOLD = {
    "other data": ("ConfigError", "rank 1 differs from rank 0 in train data: 20 points"),
    "other weights": ("ConfigError", "rank 1 differs from rank 0 in weights"),
    "other arguments": ("ConfigError", "rank 1 differs from rank 0 in batch_size: 7 there and 6 here"),
    "other version": ("ConfigError", "rank 1 differs from rank 0 in corenet: 0.1 there and 0.0 here"),
    "too many": ("ConfigError", "2 ranks cannot share batches of 1 points"),
    "pieces": ("ConfigError", "leave micro_batch_size out"),
    "graph": ("ConfigError", "leave engine out"),
    "flag": ("ConfigError", "distributed must be True or False, not 2"),
    "batch": ("ConfigError", "the model looks at its batch as a whole"),
    "large batch": ("ConfigError", "the model looks at its batch as a whole"),
    "buffer": ("ConfigError", "the model changes a buffer with each batch"),
    "loss": ("ConfigError", "NoReduction() has no reduction"),
    "weights of classes": ("ConfigError", "CrossEntropyLoss(weight of 2) does not weigh all points alike"),
    "python": ("ConfigError", "draws random numbers by another generator than torch's"),
    "shape": ("ConfigError", "of the shapes (4,) and (7,) for 3 and 6 rows"),
    "transposed": ("ConfigError", "do not belong to the rows of its batch"),
    "elsewhere": ("RankError", "rank 1 has other weights than rank 0: a callback"),
    "not finite": ("NonFiniteError", "epoch 2, step 4"),
    "skipped": ("none", "skipped [0, 1, 0]"),
    "after all": ("none", "skipped [0, 0, 0]"),
}


@pytest.fixture
def refused(torchrun, program, tmp_path):
    """Return what each rank was told, case by case."""
    done = torchrun(2, program("refused"))
    assert done.code == 0, done.err
    lines = [tmp_path.joinpath(f"rank-{rank}.jsonl").read_text(encoding="utf-8").splitlines() for rank in range(2)]
    return [{case: told for case, *told in map(json.loads, each)} for each in lines]


def test_every_rank_is_told_in_one_line_what_is_wrong_and_trains_when_it_is_not(refused):
    for rank, told in enumerate(refused):
        assert list(told) == list(TOLD)
        for case, (kind, text) in TOLD.items():
            assert told[case][0] == kind, (rank, case, told[case])
            assert text in told[case][1], (rank, case, told[case])
            assert "\n" not in told[case][1]
