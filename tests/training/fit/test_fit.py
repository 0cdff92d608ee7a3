"""The loop around the step: the same training as spelled out, and a record of each epoch."""

from functools import partial

import pytest
import torch

import corenet as cn

TRAIN, VALID = cn.data.disk(50, seed=0), cn.data.disk(30, seed=1)
SHORT = {"epochs": 3, "batch_size": 20, "progress": False}  # 20, 20 and 10 points


def assert_same(left, right):
    torch.testing.assert_close(left.state_dict(), right.state_dict(), rtol=0, atol=0)


def differ(left, right):
    return any(not torch.equal(a, b) for a, b in zip(left.parameters(), right.parameters(), strict=True))


def test_fit_is_the_loop_bit_for_bit(network, sgd, trained):
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
def test_a_compiled_fit_is_the_loop_within_rounding(valid, trained):
    options = {"valid": valid, "epochs": 6, "batch_size": 8}
    (plain, expected), (compiled, history) = (trained(engine=engine, **options) for engine in ("plain", "compiled"))
    torch.testing.assert_close(compiled.state_dict(), plain.state_dict())
    assert history.losses == pytest.approx(expected.losses, rel=1e-5)
    assert [(each.epoch, each.lr) for each in history] == [(each.epoch, each.lr) for each in expected]
    assert [each.valid for each in history] == [pytest.approx(each.valid, rel=1e-5) for each in expected]
    assert (expected.engine, history.engine) == ("plain", "compiled")


def test_a_gradient_that_is_no_number_stops_before_the_write_and_says_where(network, sgd, trained, spoil_at):
    model = cn.Sequential(*network(), spoil_at(5))
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


def test_after_an_output_that_is_no_number_the_model_can_be_trained_again(network, trained):
    model = network()
    good = model.state_dict()
    for parameter in model.parameters():
        parameter.fill_(float("nan"))
    with pytest.raises(cn.NonFiniteError, match="epoch 1, step 1: the model's output is not finite"):
        trained(model)
    model.load_state_dict(good)
    assert_same(trained(model)[0], trained()[0])


def test_the_loss_of_an_epoch_is_the_mean_over_its_points(network):
    model = network(p=0.0)
    still = cn.SGD(model.parameters(), lr=0.0)
    whole = cn.MSELoss()(cn.predict(model, TRAIN), TRAIN.targets).item()
    for reduction in ("mean", "sum", "none"):
        history = cn.fit(model, cn.MSELoss(reduction), still, TRAIN, **SHORT)
        assert history.losses == pytest.approx([whole] * 3), reduction


def test_the_record_of_an_epoch(trained):
    model, history = trained(valid=VALID)
    assert [epoch.epoch for epoch in history] == [1, 2, 3]
    assert [epoch.lr for epoch in history] == [0.2 / (1 + steps * 0.01) for steps in (0, 3, 6)]
    assert all(epoch.seconds > 0 for epoch in history)
    assert history[-1].train == {"error_rate": cn.error_rate(model, TRAIN)}
    loss = cn.BCELoss()(cn.predict(model, VALID), VALID.targets).item()
    assert history[-1].valid == {"loss": loss, "error_rate": cn.error_rate(model, VALID)}


def test_metrics_of_one_s_own_go_by_their_names_and_see_the_model_in_eval_mode(trained):
    modes = []

    def spread(model, data):
        modes.append([module.training for _, module in model.named_modules()])
        return cn.predict(model, data).std()

    model, history = trained(valid=VALID, metrics=(spread, partial(spread)), epochs=1)
    assert set(history[0].train) == {"spread", "partial"}
    assert type(history[0].valid["spread"]) is float
    assert modes == [[False] * 6] * 4
    assert all(module.training for _, module in model.named_modules())


def test_without_metrics_to_take_the_loss_alone_is_recorded(sgd, trained):
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
def test_logits_are_read_as_the_loss_reads_them(engine, needs_compiler, sgd):
    model = cn.Sequential(cn.Linear(1, 1))
    model[0].weight.fill_(1)
    model[0].bias.zero_()
    data = cn.data.Dataset(torch.tensor([[0.3], [0.4], [-0.3], [-0.4]]), torch.tensor([[1.0], [1.0], [0.0], [0.0]]))
    options = {"epochs": 3, "batch_size": 2, "progress": False, "engine": engine}
    history = cn.fit(model, cn.BCEWithLogitsLoss(), sgd(model, lr=0.0), data, data, **options)
    assert [(each.train["error_rate"], each.valid["error_rate"]) for each in history] == [(0.0, 0.0)] * 3
    assert [each.valid["loss"] for each in history] == pytest.approx([(0.55435524 + 0.51301525) / 2] * 3)


def test_another_default_dtype_is_trained_and_measured_in(network, sgd):
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


def test_a_model_in_eval_mode_is_trained_in_training_mode(network, trained):
    model = network()
    model.eval()
    assert_same(trained(model)[0], trained()[0])
    assert model.training


def test_an_optimizer_of_a_parameter_that_was_replaced_is_refused(network, sgd):
    model = network()
    optimizer = sgd(model)
    model[0].weight = cn.Parameter(torch.ones_like(model[0].weight))
    with pytest.raises(cn.StructureError, match="holds parameters that the model does not have"):
        cn.fit(model, cn.BCELoss(), optimizer, TRAIN, **SHORT)


@pytest.mark.filterwarnings("ignore::corenet.errors.AdviceWarning")  # which is right
def test_weights_that_overflow_in_the_last_write_are_told():
    point = cn.data.Dataset(torch.tensor([[1e10]]), torch.tensor([[1e10]]))
    linear = cn.Linear(1, 1, init="zeros")
    optimizer = cn.SGD(linear.parameters(), lr=1e30)
    with pytest.raises(cn.NonFiniteError, match="weight is not finite after epoch 1: lower lr"):
        cn.fit(linear, cn.MSELoss(), optimizer, point, epochs=1, batch_size=1, progress=False)


@pytest.mark.parametrize("metrics", [cn.accuracy, "accuracy"])
def test_metrics_that_are_no_list_are_refused(metrics, network, sgd):
    model = network()
    with pytest.raises(cn.ConfigError, match="metrics must be a list of names and functions"):
        cn.fit(model, cn.BCELoss(), sgd(model), TRAIN, metrics=metrics, **SHORT)
