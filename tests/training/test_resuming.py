"""A training in two parts is the training in one: `fit(3)` and then `fit(6)` from epoch 3 on."""

import pytest
import torch

import corenet as cn

TRAIN, VALID = cn.data.disk(48, seed=0), cn.data.disk(20, seed=1)
OPTIONS = {"batch_size": 8, "seed": 5, "progress": False}
ENGINES = ["plain", "replay", "compiled", "auto"]
pytestmark = pytest.mark.usefixtures("needs_compiler")


class Noise(cn.Module):
    """Adds normal noise, in an odd number of draws."""

    def forward(self, input):
        return input + 0.1 * torch.randn(len(input), 1) if self.training else input + 0.0

    def backward(self, grad_output):
        return 1.0 * grad_output


def parts(*middle):
    torch.manual_seed(0)
    inside = [each() for each in middle]
    model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), *inside, cn.Linear(6, 1), cn.Sigmoid())
    return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.2, momentum=0.9, lr_decay=0.01)


def fitted(learner, *ends, data=TRAIN, **options):
    """Train up to each of some epochs in turn, and return the records of all."""
    start, records = 0, []
    for end in ends:
        records += cn.fit(*learner, data, epochs=end, initial_epoch=start, **OPTIONS | options)
        torch.rand(7)  # whoever draws in between draws from another stream
        start = end
    return records


def everything(learner):
    model, _, optimizer = learner
    return [model.state_dict(), optimizer.state_dict()]


@pytest.mark.parametrize("valid", [None, VALID])
@pytest.mark.parametrize("ends", [(3, 6), (1, 2, 6), (3, 3, 6), (5, 6)])
@pytest.mark.parametrize("middle", [(), (cn.Dropout,), (cn.Dropout, Noise)], ids=["still", "dropout", "noise"])
def test_a_plain_training_in_parts_is_the_whole_bit_for_bit(middle, ends, valid):
    whole, cut = parts(*middle), parts(*middle)
    told = fitted(whole, 6, valid=valid, engine="plain")
    found = fitted(cut, *ends, valid=valid, engine="plain")
    torch.testing.assert_close(everything(cut), everything(whole), rtol=0, atol=0)
    assert [(each.epoch, each.loss, each.lr, each.valid) for each in found] == [
        (each.epoch, each.loss, each.lr, each.valid) for each in told
    ]


@pytest.mark.parametrize("valid", [None, VALID])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("middle", [(), (cn.Dropout,), (cn.Dropout, Noise)], ids=["still", "dropout", "noise"])
def test_a_training_in_parts_is_the_whole_by_every_engine(middle, engine, valid):
    whole, cut = parts(*middle), parts(*middle)
    told = fitted(whole, 30, valid=valid, engine="plain")
    found = fitted(cut, 10, 11, 30, valid=valid, engine=engine)
    torch.testing.assert_close(everything(cut), everything(whole), rtol=1e-4, atol=1e-5)
    assert [each.loss for each in found] == pytest.approx([each.loss for each in told], rel=1e-4)
    assert [each.epoch for each in found] == list(range(1, 31))


def test_parts_may_be_trained_by_other_engines():
    whole, cut = parts(cn.Dropout), parts(cn.Dropout)
    fitted(whole, 30, engine="plain")
    for start, engine in zip((0, 10, 20), ("compiled", "plain", "replay"), strict=True):
        cn.fit(*cut, TRAIN, epochs=start + 10, initial_epoch=start, engine=engine, **OPTIONS)
    torch.testing.assert_close(everything(cut), everything(whole), rtol=1e-4, atol=1e-5)


def test_without_random_layers_a_part_needs_no_part_before_it_in_this_process():
    whole, cut = parts(), parts()
    fitted(whole, 6)
    fitted(cut, 3)
    copied = parts()
    copied[0].load_state_dict(cut[0].state_dict())
    copied[2].load_state_dict(cut[2].state_dict())
    cn.fit(*copied, TRAIN, epochs=6, initial_epoch=3, **OPTIONS)
    torch.testing.assert_close(everything(copied), everything(whole), rtol=0, atol=0)


def masks(learner, start, seed=5):
    """Return what a random layer draws in an epoch from ``start`` on."""
    drawn = []

    class Draws(cn.Module):
        def forward(self, input):
            drawn.append(torch.rand(3).tolist())
            return input

        def backward(self, grad_output):
            return grad_output

    model = cn.Sequential(*learner[0], Draws())
    options = OPTIONS | {"seed": seed, "batch_size": 48, "engine": "plain"}
    cn.fit(model, *learner[1:], TRAIN, epochs=start + 1, initial_epoch=start, **options)
    return drawn


def test_elsewhere_random_layers_draw_from_a_seed_of_their_own():
    alone = masks(parts(), 3)
    assert masks(parts(), 3) == alone
    others = [masks(parts(), 0), masks(parts(), 2), masks(parts(), 3, seed=6)]
    trained_elsewhere = parts()
    fitted(trained_elsewhere, 3)
    trained_elsewhere[2].step()
    assert masks(trained_elsewhere, 3) == alone
    went_on = parts(cn.Dropout)
    fitted(went_on, 3)
    others.append(masks(went_on, 3))
    assert all(others.count(each) == 1 and each != alone for each in others)


def test_torch_s_generator_is_left_where_it_was():
    learner = parts(cn.Dropout)
    state = torch.get_rng_state()
    for start in (0, 1):
        cn.fit(*learner, TRAIN, epochs=start + 1, initial_epoch=start, **OPTIONS)
    assert torch.equal(torch.get_rng_state(), state)


def test_where_all_epochs_are_done_nothing_is():
    learner = parts()
    before = everything(learner)
    assert len(cn.fit(*learner, TRAIN, epochs=4, initial_epoch=4, **OPTIONS)) == 0
    torch.testing.assert_close(everything(learner), before, rtol=0, atol=0)


@pytest.mark.parametrize("value", [-1, 5, 1.0, True, None])
def test_an_initial_epoch_is_one_of_the_epochs(value):
    with pytest.raises(cn.ConfigError, match="initial_epoch must") as caught:
        cn.fit(*parts(), TRAIN, epochs=4, initial_epoch=value, **OPTIONS)
    assert (caught.value.name, caught.value.value) == ("initial_epoch", value)
