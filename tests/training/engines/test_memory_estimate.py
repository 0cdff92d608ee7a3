"""A large step is cut where its pieces add up, and nowhere else."""

import pytest
import torch

import corenet as cn
from corenet.training.engines import memory_estimate
from corenet.training.engines.memory_estimate import affordable
from corenet.training.learner import Learner

INPUT, TARGET = torch.randn(50, 16), torch.randn(50, 1)


class Centred(cn.Module):
    """Looks at the batch as a whole: y = x − mean x."""

    def forward(self, input):
        self.save(input)
        return input - input.mean(0)

    def backward(self, grad_output):
        self.saved()
        return grad_output - grad_output.mean(0)


def parts(*middle, loss=None):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(16, 32), *middle, cn.Tanh(), cn.Linear(32, 1))
    return model, loss or cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)


@pytest.fixture
def small_memory(monkeypatch):
    monkeypatch.setattr(memory_estimate, "LARGE", 100_000)
    monkeypatch.setattr(memory_estimate, "PIECE", 10_000)


@pytest.mark.usefixtures("small_memory")
def test_a_large_step_is_cut_to_what_a_piece_may_take():
    size = affordable(Learner(*parts()), INPUT, TARGET, batch_size=10_000)
    # Each point makes 32 numbers before and after the tanh, its derivative in two steps, and the upstream gradients.
    assert 10_000 / (4 * 32 * 10) < size < 10_000 / (4 * 32 * 4)
    assert affordable(Learner(*parts()), INPUT, TARGET, batch_size=20) is None


def test_a_step_of_ordinary_size_is_left_whole():
    assert affordable(Learner(*parts()), INPUT, TARGET, batch_size=1000) is None


@pytest.mark.usefixtures("small_memory")
@pytest.mark.parametrize("middle", [Centred, cn.Dropout])
def test_what_does_not_add_up_is_left_whole(middle):
    assert affordable(Learner(*parts(middle())), INPUT, TARGET, batch_size=10_000) is None


@pytest.mark.usefixtures("small_memory")
def test_looking_moves_nothing():
    model, loss, optimizer = parts(cn.Dropout())
    before, state = model.state_dict(), torch.get_rng_state()
    affordable(Learner(model, loss, optimizer), INPUT, TARGET, batch_size=10_000)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), state)
    model(INPUT)  # and nothing is left saved


@pytest.mark.usefixtures("small_memory")
def test_a_model_that_takes_no_few_points_is_left_to_say_so_itself():
    class Fussy(cn.Tanh):
        def check(self, input):
            if len(input) < 10:
                raise cn.ShapeError("Fussy()", input.shape, "expected ten points")

    model, loss, optimizer = parts(Fussy())
    assert affordable(Learner(model, loss, optimizer), INPUT, TARGET, batch_size=10_000) is None
    model(INPUT)


@pytest.mark.usefixtures("small_memory")
def test_fit_cuts_by_itself_and_trains_the_same():
    data = cn.data.Dataset(torch.randn(1000, 16), torch.randn(1000, 1))
    options = {"epochs": 2, "batch_size": 1000, "progress": False}
    whole, cut = parts(), parts()
    cn.fit(*whole, data, engine="plain", **options)
    cn.fit(*cut, data, **options)
    torch.testing.assert_close(cut[0].state_dict(), whole[0].state_dict())
