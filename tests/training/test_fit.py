"""The loop around the step: the same training as spelled out, from three random streams kept apart."""

from functools import partial

import pytest
import torch

import corenet as cn

TRAIN, VALID = cn.data.disk(50, seed=0), cn.data.disk(30, seed=1)
SHORT = {"epochs": 3, "batch_size": 20, "progress": False}  # 20, 20 and 10 points


def network(p=0.3, width=6):
    torch.manual_seed(7)
    return cn.Sequential(cn.Linear(2, width), cn.ReLU(), cn.Dropout(p), cn.Linear(width, 1), cn.Sigmoid())


def sgd(model, lr=0.2):
    return cn.SGD(model.parameters(), lr=lr, momentum=0.9, lr_decay=0.01)


def trained(model=None, seed=3, **options):
    """Return a model after a short fit, and its history."""
    model = model or network()
    return model, cn.fit(model, cn.BCELoss(), sgd(model), TRAIN, seed=seed, **SHORT | options)


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


def test_fit_is_the_loop_bit_for_bit():
    fitted, _ = trained(valid=VALID, seed=3)

    model = network()
    loss, optimizer = cn.BCELoss(), sgd(model)
    torch.manual_seed(3)
    for epoch in range(3):
        for input, target in TRAIN.batches(20, seed=3, epoch=epoch):
            optimizer.zero_grad()
            loss(model(input), target)
            model.backward(loss.backward())
            optimizer.step()

    assert_same(fitted, model)
    assert differ(fitted, network())


@pytest.mark.usefixtures("needs_compiler")
@pytest.mark.parametrize("valid", [None, VALID])
def test_a_compiled_fit_is_the_loop_within_rounding(valid):
    options = {"valid": valid, "epochs": 6, "batch_size": 8}
    (plain, expected), (compiled, history) = (trained(engine=engine, **options) for engine in ("plain", "compiled"))
    torch.testing.assert_close(compiled.state_dict(), plain.state_dict())
    assert history.losses == pytest.approx(expected.losses, rel=1e-5)
    assert [(each.epoch, each.lr) for each in history] == [(each.epoch, each.lr) for each in expected]
    assert [each.valid for each in history] == [pytest.approx(each.valid, rel=1e-5) for each in expected]
    assert (expected.engine, history.engine) == ("plain", "compiled")


@pytest.mark.usefixtures("needs_compiler")
def test_torch_s_generator_goes_on_as_if_no_compiled_step_had_drawn():
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


def test_the_same_seed_gives_the_same_training_and_another_one_another():
    (one, first), (two, second) = trained(seed=3), trained(seed=3)
    assert_same(one, two)
    assert first.losses == second.losses
    assert differ(one, trained(seed=4)[0])


def test_the_seed_governs_what_dropout_draws():
    # One batch of everything in two epochs of equal order: all that is left is the mask.
    whole = {"epochs": 1, "batch_size": len(TRAIN)}
    assert trained(seed=3, **whole)[1].losses != trained(seed=4, **whole)[1].losses
    torch.testing.assert_close(
        trained(network(p=0.0), seed=3, **whole)[1].losses, trained(network(p=0.0), seed=4, **whole)[1].losses
    )


def loop(model, seed):
    """Train by the loop, batches by ``seed``, all else by torch's generator seeded with 0."""
    loss, optimizer = cn.BCELoss(), sgd(model)
    torch.manual_seed(0)
    for epoch in range(2):
        for input, target in TRAIN.batches(20, seed, epoch):
            cn.train_step(model, loss, optimizer, input, target)


def test_another_order_of_the_batches_leaves_what_dropout_draws_alone():
    watches = [Watch(draws=True), Watch(draws=True)]
    for seed, watch in enumerate(watches):
        loop(cn.Sequential(watch, *network()), seed)
    one, two = watches
    assert [draw.tolist() for draw in one.drawn] == [draw.tolist() for draw in two.drawn]
    assert not torch.equal(torch.cat(one.seen), torch.cat(two.seen))


def test_an_added_dropout_leaves_the_batches_alone():
    watches = [Watch(), Watch()]
    for watch, p in zip(watches, (0.0, 0.5), strict=True):
        trained(cn.Sequential(watch, cn.Dropout(p), *network(p)))
    one, two = watches
    assert torch.equal(torch.cat(one.seen), torch.cat(two.seen))
    batches = [input for epoch in range(3) for input, _ in TRAIN.batches(20, 3, epoch)]
    assert torch.equal(torch.cat(one.seen), torch.cat(batches))


def test_torch_s_generator_goes_on_as_if_nothing_had_been_drawn():
    model, state = network(), torch.get_rng_state()
    trained(model)
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(cn.NonFiniteError):
        trained(cn.Sequential(*model, SpoilAt(2)))
    assert torch.equal(torch.get_rng_state(), state)


def test_what_was_drawn_before_fit_does_not_matter():
    one = network()
    two = network()
    torch.rand(100)
    assert_same(trained(one)[0], trained(two)[0])


def test_measuring_changes_nothing_of_the_training():
    assert_same(trained(valid=VALID)[0], trained(metrics=())[0])


class SpoilAt(cn.Module):
    """Turns the gradient into NaN at the given step, counted from 1."""

    def __init__(self, step):
        self.left = step

    def forward(self, input):
        return input

    def backward(self, grad_output):
        self.left -= 1
        return grad_output if self.left else grad_output * float("nan")


def test_a_gradient_that_is_no_number_stops_before_the_write_and_says_where():
    model = cn.Sequential(*network(), SpoilAt(5))
    with pytest.raises(cn.NonFiniteError) as caught:
        trained(model)
    error = caught.value
    assert (error.epoch, error.step, error.module) == (2, 2, "weight of [3] Linear(6 → 1)")
    assert str(error).startswith("epoch 2, step 2: the gradient of weight of [3] Linear(6 → 1) is not finite (loss 0.")

    untouched = network()
    loss, optimizer = cn.BCELoss(), sgd(untouched)
    torch.manual_seed(3)
    steps = [pair for epoch in range(2) for pair in TRAIN.batches(20, 3, epoch)][:4]
    for input, target in steps:
        cn.train_step(untouched, loss, optimizer, input, target)
    assert_same(cn.Sequential(*list(model)[:-1]), untouched)


def test_after_an_output_that_is_no_number_the_model_can_be_trained_again():
    model = network()
    good = model.state_dict()
    for parameter in model.parameters():
        parameter.fill_(float("nan"))
    with pytest.raises(cn.NonFiniteError, match="epoch 1, step 1: the model's output is not finite"):
        trained(model)
    model.load_state_dict(good)
    assert_same(trained(model)[0], trained()[0])


def test_the_loss_of_an_epoch_is_the_mean_over_its_points():
    model = network(p=0.0)
    still = cn.SGD(model.parameters(), lr=0.0)
    whole = cn.MSELoss()(cn.predict(model, TRAIN), TRAIN.targets).item()
    for reduction in ("mean", "sum", "none"):
        history = cn.fit(model, cn.MSELoss(reduction), still, TRAIN, **SHORT)
        assert history.losses == pytest.approx([whole] * 3), reduction


def test_the_record_of_an_epoch():
    model, history = trained(valid=VALID)
    assert [epoch.epoch for epoch in history] == [1, 2, 3]
    assert [epoch.lr for epoch in history] == [0.2 / (1 + steps * 0.01) for steps in (0, 3, 6)]
    assert all(epoch.seconds > 0 for epoch in history)
    assert history[-1].train == {"error_rate": cn.error_rate(model, TRAIN)}
    loss = cn.BCELoss()(cn.predict(model, VALID), VALID.targets).item()
    assert history[-1].valid == {"loss": loss, "error_rate": cn.error_rate(model, VALID)}


def test_metrics_of_one_s_own_go_by_their_names_and_see_the_model_in_eval_mode():
    modes = []

    def spread(model, data):
        modes.append([module.training for _, module in model.named_modules()])
        return cn.predict(model, data).std()

    model, history = trained(valid=VALID, metrics=(spread, partial(spread)), epochs=1)
    assert set(history[0].train) == {"spread", "partial"}
    assert type(history[0].valid["spread"]) is float
    assert modes == [[False] * 6] * 4
    assert all(module.training for _, module in model.named_modules())


def test_without_metrics_to_take_the_loss_alone_is_recorded():
    model = cn.Sequential(cn.Linear(2, 2))
    regression = cn.data.Dataset(TRAIN.inputs, TRAIN.inputs)
    history = cn.fit(model, cn.MSELoss(), sgd(model), regression, regression, **SHORT)
    loss = cn.MSELoss()(cn.predict(model, regression), regression.targets).item()
    assert (history[-1].train, history[-1].valid) == ({}, {"loss": loss})
    assert trained(valid=VALID, metrics=[])[1][0].valid.keys() == {"loss"}
    assert trained()[1][0].train == {}
    alone = trained(metrics=(cn.accuracy,))[1]
    assert (set(alone[0].train), alone[0].valid) == ({"accuracy"}, {})


@pytest.mark.parametrize("engine", ["plain", "replay", "compiled"])
def test_logits_are_read_as_the_loss_reads_them(engine, needs_compiler):
    model = cn.Sequential(cn.Linear(1, 1))
    model[0].weight.fill_(1)
    model[0].bias.zero_()
    data = cn.data.Dataset(torch.tensor([[0.3], [0.4], [-0.3], [-0.4]]), torch.tensor([[1.0], [1.0], [0.0], [0.0]]))
    options = {"epochs": 3, "batch_size": 2, "progress": False, "engine": engine}
    history = cn.fit(model, cn.BCEWithLogitsLoss(), sgd(model, lr=0.0), data, data, **options)
    assert [(each.train["error_rate"], each.valid["error_rate"]) for each in history] == [(0.0, 0.0)] * 3
    assert [each.valid["loss"] for each in history] == pytest.approx([(0.55435524 + 0.51301525) / 2] * 3)


def test_another_default_dtype_is_trained_and_measured_in():
    torch.set_default_dtype(torch.float64)
    try:
        train, valid = cn.data.disk(50, seed=0), cn.data.disk(30, seed=1)
        model = network()
        history = cn.fit(model, cn.BCELoss(), sgd(model), train, valid, **SHORT)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(train.inputs, TRAIN.inputs.double())
    assert model[0].weight.dtype == torch.float64
    assert history[-1].valid["error_rate"] == cn.error_rate(model, valid)


def test_a_model_in_eval_mode_is_trained_in_training_mode():
    model = network()
    model.eval()
    assert_same(trained(model)[0], trained()[0])
    assert model.training


def factory(round):
    model = cn.Sequential(cn.Linear(2, 6), cn.ReLU(), cn.Dropout(0.3), cn.Linear(6, 1), cn.Sigmoid())
    return model, cn.BCELoss(), sgd(model)


def test_an_optimizer_of_a_parameter_that_was_replaced_is_refused():
    model, loss, optimizer = factory(0)
    model[0].weight = cn.Parameter(torch.ones_like(model[0].weight))
    with pytest.raises(cn.StructureError, match="holds parameters that the model does not have"):
        cn.fit(model, loss, optimizer, TRAIN, **SHORT)


def test_weights_that_overflow_in_the_last_write_are_told():
    point = cn.data.Dataset(torch.tensor([[1e10]]), torch.tensor([[1e10]]))
    linear = cn.Linear(1, 1, init="zeros")
    optimizer = cn.SGD(linear.parameters(), lr=1e30)
    with pytest.raises(cn.NonFiniteError, match="weight is not finite after epoch 1: lower lr"):
        cn.fit(linear, cn.MSELoss(), optimizer, point, epochs=1, batch_size=1, progress=False)


@pytest.mark.parametrize("metrics", [cn.accuracy, ["accuracy"]])
def test_metrics_that_are_no_list_of_functions_are_refused(metrics):
    model, loss, optimizer = factory(0)
    with pytest.raises(cn.ConfigError, match="metrics must be a list of functions"):
        cn.fit(model, loss, optimizer, TRAIN, metrics=metrics, **SHORT)
