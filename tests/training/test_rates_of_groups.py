"""A callback that lowers the rate lowers that of every group."""

import pytest
import torch

import corenet as cn


class Halves(cn.Callback):
    def after_epoch(self, training):
        training.scale_lr(0.5, 0.03)
        return False


@pytest.mark.parametrize("engine", ["plain", "replay"])
def test_the_rate_of_each_group_falls_from_its_own(engine):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 3), cn.Linear(3, 1), cn.Linear(1, 1))
    groups = [
        {"params": model[0].parameters()},
        {"params": model[1].parameters(), "lr": 0.4},
        {"params": model[2].parameters(), "lr": 0.01},
    ]
    optimizer = cn.SGD(groups, lr=0.08)
    options = {"epochs": 2, "batch_size": 10, "progress": False, "engine": engine}
    cn.fit(model, cn.MSELoss(), optimizer, cn.data.disk(30, seed=0), callbacks=[Halves()], **options)
    assert optimizer.lr == pytest.approx(0.03)
    assert [group.own for group in optimizer.groups] == [{}, {"lr": pytest.approx(0.1)}, {"lr": 0.01}]
