"""Clipping and schedules, which come from the base class, are PyTorch's for each of its optimizers."""

import pytest
import torch

import corenet_optim as co

KINDS = [co.Adadelta, co.Adagrad, co.Adamax, co.NAdam, co.RAdam, co.RMSprop]
MOST, RATE = 0.7, 0.03


def factor(step):
    return 1 / (1 + step / 7)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_schedule_and_clipping_are_as_pytorch_has_them(paths, kind):
    def before_step(weights, optimizer, step):
        torch.nn.utils.clip_grad_norm_(weights, MOST)
        optimizer.param_groups[0]["lr"] = RATE * factor(step)

    counterpart = getattr(torch.optim, kind.__name__)
    mine = paths.ours(lambda own: kind(own, lr=RATE, max_grad_norm=MOST, schedule=factor))
    other = paths.theirs(lambda own: counterpart(own, lr=RATE), before_step=before_step)
    torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-12)
    free = paths.ours(lambda own: kind(own, lr=RATE))
    assert (free - mine).abs().max() > 1e-4
