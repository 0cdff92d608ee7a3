"""Weights of half precision whose masters, in float32, are the optimizer's affair: a rule of a few lines."""

import pytest
import torch

import corenet as cn


class MasteredSGD(cn.SGD):
    """SGD on a float32 copy of each parameter, to which the parameter is rounded after each step."""

    def init_state(self, param):
        master = param.float()
        return {"master": master} | super().init_state(master)

    def update(self, param, grad, state):
        super().update(state["master"], grad.float(), state)
        param.copy_(state["master"])


def small_steps(optimizer, weight, steps=200):
    for step in range(steps):
        weight.grad.fill_(0.003 + 0.001 * (step % 3))
        optimizer.step()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_steps_below_the_precision_of_the_weights_add_up_in_the_masters(dtype):
    start = torch.tensor([1.5, -2.25, 0.75], dtype=dtype)
    weight, alone, precise = cn.Parameter(start.clone()), cn.Parameter(start.clone()), cn.Parameter(start.float())
    mastered = MasteredSGD([weight], lr=0.01)
    small_steps(mastered, weight)
    small_steps(cn.SGD([alone], lr=0.01), alone)
    small_steps(cn.SGD([precise], lr=0.01), precise)
    assert torch.equal(alone[:2], start[:2])  # each step was lost in rounding
    assert weight.dtype == dtype
    (state,) = mastered.state_dict()["states"]
    assert state["master"].dtype == torch.float32
    torch.testing.assert_close(state["master"], precise.data, rtol=0, atol=2e-5)
    assert torch.equal(weight, state["master"].to(dtype))
    assert (precise - start.float()).abs().min() > 0.007


def test_masters_are_saved_and_train_on(tmp_path):
    def parts():
        torch.manual_seed(3)
        model = cn.Sequential(cn.Linear(2, 4), cn.Tanh(), cn.Linear(4, 1)).to(dtype=torch.bfloat16)
        return model, cn.MSELoss(), MasteredSGD(model.parameters(), lr=0.02, momentum=0.9)

    data = cn.data.disk(40, seed=0).to(dtype=torch.bfloat16)
    options = {"batch_size": 10, "progress": False, "engine": "plain"}
    one, other = parts(), parts()
    cn.fit(*one, data, epochs=3, **options)
    cn.save(tmp_path / "file", one[0], one[2])
    cn.load(tmp_path / "file", other[0], other[2])
    assert [len(each) for each in other[2].state_dict()["states"]] == [2] * 4
    for each in (one, other):
        cn.fit(*each, data, epochs=2, **options)
    assert torch.equal(one[0][0].weight, other[0][0].weight)
    masters = [[state["master"] for state in each[2].state_dict()["states"]] for each in (one, other)]
    assert all(map(torch.equal, *masters))
    assert not torch.equal(masters[0][0], one[0][0].weight.float())
