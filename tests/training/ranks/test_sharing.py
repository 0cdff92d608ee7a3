"""What a rank finds out before it trains: its rows, its draws, and whether it is one."""

import random

import pytest
import torch

import corenet as cn
from corenet.training.ranks.joining import SETTINGS, is_launched
from corenet.training.ranks.row_draws import ByRows, RowDraws, draws_between
from corenet.training.ranks.world import World


@pytest.fixture
def alone(monkeypatch):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


def train(**settings):
    model = cn.Linear(2, 1)
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    return cn.fit(model, cn.MSELoss(), optimizer, cn.data.disk(9, seed=0), epochs=1, batch_size=9, **settings)


@pytest.mark.usefixtures("alone")
def test_a_process_that_torchrun_did_not_start_is_refused():
    assert not is_launched()
    with pytest.raises(cn.ConfigError, match=r"RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT not set.*torchrun"):
        train(distributed=True)


def test_a_timeout_that_is_none_is_refused(monkeypatch):
    for name in SETTINGS:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("CORENET_RANK_TIMEOUT", "soon")
    with pytest.raises(cn.ConfigError, match="CORENET_RANK_TIMEOUT must be a number of seconds, not 'soon'"):
        train(distributed=True)


def test_a_torch_without_gloo_is_refused(monkeypatch):
    for name in SETTINGS:
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(torch.distributed, "is_gloo_available", lambda: False)
    with pytest.raises(cn.ConfigError, match="no gloo"):
        train(distributed=True)


def test_the_parts_of_all_ranks_are_the_batch_and_nearly_equal():
    size, rows = random.randint(1, 9), random.randint(0, 50)
    parts = [World(rank, size, None, None).part(rows) for rank in range(size)]
    assert [row for part in parts for row in range(rows)[part]] == list(range(rows))
    lengths = [part.stop - part.start for part in parts]
    assert max(lengths) - min(lengths) <= 1


DRAWS = {
    "rand_like": (torch.rand_like, 0),
    "bernoulli": (lambda x: torch.bernoulli(torch.full_like(x, 0.3)), 0),
    "in place": (lambda x: torch.empty_like(x).bernoulli_(0.4), 0),
    "of a size": (lambda x: torch.randn(len(x), 3), 0),
    "second dimension": (lambda x: torch.rand(4, len(x)), 1),
    "integers": (lambda x: torch.randint(9, x.shape), 0),
    "normal": (lambda x: torch.normal(x, 2.0), 0),
}


@pytest.mark.parametrize("draw", DRAWS)
def test_rows_draw_what_the_batch_would_have_drawn_for_them(draw):
    function, dim = DRAWS[draw]
    batch, each = random.randint(3, 40), random.randint(1, 5)
    start = random.randrange(batch - 1)
    rows = slice(start, random.randint(start + 1, batch))
    data = torch.zeros(batch, each)
    torch.manual_seed(0)
    whole, after = function(data), torch.rand(1)
    torch.manual_seed(0)
    with RowDraws([ByRows(dim, 1)], rows, batch):
        own = function(data[rows])
    assert torch.equal(own, whole.narrow(dim, rows.start, rows.stop - rows.start))
    assert torch.equal(torch.rand(1), after), "the generator stands where it would"


def test_several_places_for_each_row_are_found():
    assert draws_between([(6, 2)], [(10, 2)], (3, 5)) == [ByRows(0, 2)]
    assert draws_between([(6, 2)], [(6, 2)], (3, 5)) == [None]


@pytest.mark.parametrize("shapes", [([(3,)], [(4,)]), ([(3,)], []), ([(3, 3)], [(5, 5)]), ([(3,)], [(5, 1)])])
def test_draws_that_go_otherwise_by_rows_are_refused(shapes):
    with pytest.raises(cn.ConfigError, match="no rank can draw those of its rows"):
        draws_between(*shapes, (3, 5))
