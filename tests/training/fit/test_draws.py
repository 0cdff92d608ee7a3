"""Three random streams kept apart: what weights, batches and random layers draw."""

import pytest
import torch

import corenet as cn

TRAIN, VALID = cn.data.disk(50, seed=0), cn.data.disk(30, seed=1)


def assert_same(left, right):
    torch.testing.assert_close(left.state_dict(), right.state_dict(), rtol=0, atol=0)


def differ(left, right):
    return any(not torch.equal(a, b) for a, b in zip(left.parameters(), right.parameters(), strict=True))


class Watch(cn.Module):
    """Passes everything on, and remembers what came by; ``draws`` makes it random."""

    def __init__(self, draws=False):
        self.draws = draws
        self.seen, self.drawn = [], []

    def forward(self, input):
        if self.training:
            self.seen.append(input.clone())
            if self.draws:
                self.drawn.append(torch.rand(4))
        return input

    def backward(self, grad_output):
        return grad_output


@pytest.mark.usefixtures("needs_compiler")
def test_torch_s_generator_goes_on_as_if_no_compiled_step_had_drawn(network, trained):
    state = torch.get_rng_state()
    options = {"engine": "compiled", "epochs": 6, "batch_size": 8}
    model = network(p=0.5)
    torch.set_rng_state(state)
    trained(model, **options)
    assert torch.equal(torch.get_rng_state(), state)

    def spoil(model, data):
        model[0].bias.fill_(torch.nan)
        return 0.0

    with pytest.raises(cn.NonFiniteError, match="epoch 2, step 1"):
        trained(model, metrics=[spoil], **options)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_same_seed_gives_the_same_training_and_another_one_another(trained):
    (one, first), (two, second) = trained(seed=3), trained(seed=3)
    assert_same(one, two)
    assert first.losses == second.losses
    assert differ(one, trained(seed=4)[0])


def test_the_seed_governs_what_dropout_draws(network, trained):
    # One batch of everything in two epochs of equal order: all that is left is the mask.
    whole = {"epochs": 1, "batch_size": len(TRAIN)}
    assert trained(seed=3, **whole)[1].losses != trained(seed=4, **whole)[1].losses
    torch.testing.assert_close(
        trained(network(p=0.0), seed=3, **whole)[1].losses, trained(network(p=0.0), seed=4, **whole)[1].losses
    )


def loop(model, sgd, seed):
    """Train by the loop, batches by ``seed``, all else by torch's generator seeded with 0."""
    loss, optimizer = cn.BCELoss(), sgd(model)
    torch.manual_seed(0)
    for epoch in range(2):
        for input, target in TRAIN.batches(20, seed, epoch):
            cn.train_step(model, loss, optimizer, input, target)


def test_another_order_of_the_batches_leaves_what_dropout_draws_alone(network, sgd):
    watches = [Watch(draws=True), Watch(draws=True)]
    for seed, watch in enumerate(watches):
        loop(cn.Sequential(watch, *network()), sgd, seed)
    one, two = watches
    assert [draw.tolist() for draw in one.drawn] == [draw.tolist() for draw in two.drawn]
    assert not torch.equal(torch.cat(one.seen), torch.cat(two.seen))


def test_an_added_dropout_leaves_the_batches_alone(network, trained):
    watches = [Watch(), Watch()]
    for watch, p in zip(watches, (0.0, 0.5), strict=True):
        trained(cn.Sequential(watch, cn.Dropout(p), *network(p)))
    one, two = watches
    assert torch.equal(torch.cat(one.seen), torch.cat(two.seen))
    batches = [input for epoch in range(3) for input, _ in TRAIN.batches(20, 3, epoch)]
    assert torch.equal(torch.cat(one.seen), torch.cat(batches))


def test_torch_s_generator_goes_on_as_if_nothing_had_been_drawn(network, trained, spoil_at):
    model, state = network(), torch.get_rng_state()
    trained(model)
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(cn.NonFiniteError):
        trained(cn.Sequential(*model, spoil_at(2)))
    assert torch.equal(torch.get_rng_state(), state)


def test_what_was_drawn_before_fit_does_not_matter(network, trained):
    one = network()
    two = network()
    torch.rand(100)
    assert_same(trained(one)[0], trained(two)[0])


def test_measuring_changes_nothing_of_the_training(trained):
    assert_same(trained(valid=VALID)[0], trained(metrics=())[0])
