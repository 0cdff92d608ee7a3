"""The training by launches is the plain one, on a CUDA device; without one, all of it but torch.cuda itself.

Where there is none, calls that are kept and called again stand in for a CUDA graph, on the processor.
"""

import pytest
import torch

import corenet as cn
from corenet.training.engines.chunks import VERIFIED_BY
from corenet.training.engines.cuda.engine import GraphLoop

FLOAT = cn.data.disk(70, seed=0)
DOUBLE = cn.data.Dataset(FLOAT.inputs.double(), FLOAT.targets.double())


def build(*middle, end=cn.Sigmoid, loss=cn.BCELoss, optimizer=cn.SGD, dtype=torch.float64, **settings):
    """Return what makes a model on a device with ``middle`` inside, its loss and its optimizer."""
    settings = {"lr": 0.1} | ({"momentum": 0.9, "lr_decay": 0.01} if optimizer is cn.SGD else {}) | settings

    def make(device):
        model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), *(each() for each in middle), cn.Linear(6, 1), end())
        model.to(device, dtype=dtype)
        return model, loss(), optimizer(model.parameters(), **settings)

    return make


def dropout():
    return cn.Dropout(0.3)


# The same training.


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("loss", [cn.MSELoss, cn.BCELoss])
def test_every_loss(loss, reduction, alike):
    alike(build(loss=lambda: loss(reduction=reduction), lr=0.01))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("middle", [cn.ReLU, dropout, lambda: cn.Linear(6, 6)])
def test_layers_in_every_precision(middle, dtype, alike):
    alike(build(middle, dtype=dtype), DOUBLE if dtype is torch.float64 else FLOAT)


@pytest.mark.parametrize("middle", ["Averages", "Partial", "Scaled"])
def test_odd_layers(middle, odd, alike):
    alike(build(odd[middle]))


@pytest.mark.parametrize(
    "settings",
    [
        {"momentum": 0.0, "lr_decay": 0.0},
        {"dampening": 0.4},
        {"nesterov": True, "weight_decay": 0.01},
        {"maximize": True, "lr": 0.01},
    ],
    ids=str,
)
def test_sgd_with_its_settings(settings, alike):
    alike(build(dropout, **settings))


@pytest.mark.parametrize(
    ("batch_size", "many"), [(1, True), (7, True), (30, True), (69, True), (70, True), (99, False)]
)
@pytest.mark.parametrize("metrics", [(), None])
def test_batches_of_every_size(batch_size, many, metrics, alike):
    alike(build(dropout), batch_size=batch_size, many=many, metrics=metrics, epochs=5)


def test_an_epoch_is_one_launch_and_a_long_one_several_alike(alike, blocks, monkeypatch):
    alike(build(dropout), batch_size=7, metrics=(), epochs=6)
    assert blocks == [1] * VERIFIED_BY + [1] * (7 - VERIFIED_BY) + [10] * 5
    blocks.clear()
    monkeypatch.setattr("corenet.training.engines.cuda.engine._BLOCK", 4)
    alike(build(dropout), batch_size=7, epochs=2)
    assert blocks[VERIFIED_BY:] == [3, 1, 1, 3, 3, 3, 1]


def test_a_chunk_after_a_slow_one_is_short(alike, blocks, monkeypatch):
    monkeypatch.setattr("corenet.training.engines.cuda.engine.SECONDS", 0)
    alike(build(dropout), batch_size=7, metrics=())
    assert set(blocks) == {1}


def test_what_is_kept_of_a_chunk_has_a_limit(alike, blocks, monkeypatch):
    monkeypatch.setattr("corenet.training.engines.cuda.engine._KEPT", 5 * 8 * (8 * (2 + 1) + 2 + 8 + 1))
    chunks = []
    run = GraphLoop.run
    monkeypatch.setattr(GraphLoop, "run", lambda *given: (chunks.append(len(given[3])), run(*given))[1])
    alike(build())  # batches, rates, outputs and losses of five steps
    assert (max(chunks), max(blocks)) == (5, 4)  # an epoch has eight


# Rules.


class Rule(cn.Optimizer):
    """A rule whose operations take the rate in their own way."""

    elementwise = True

    def init_state(self, param):
        return {"square": torch.zeros_like(param)}

    def update(self, param, grad, state):
        state["square"].mul_(0.9).addcmul_(grad, grad, value=0.1)
        self.move(param, grad, state["square"].sqrt().add_(1e-3))


def rule(move):
    return type("Moves", (Rule,), {"move": move})


MOVES = {
    "sub by": lambda self, param, grad, root: param.sub_(grad / root, alpha=self.current_lr),
    "add by the negative": lambda self, param, grad, root: param.add_(grad / root, alpha=-self.current_lr),
    "a product": lambda self, param, grad, root: param.sub_(self.current_lr * grad / root),
    "a product with the negative": lambda self, param, grad, root: param.add_(grad * -self.current_lr),
    "addcdiv by": lambda self, param, grad, root: param.addcdiv_(grad, root, value=-self.current_lr),
    "addcmul by": lambda self, param, grad, root: param.addcmul_(grad, root, value=-self.current_lr),
    "a sum of a copy": lambda self, param, grad, root: param.copy_(param.sub(grad, alpha=self.current_lr)),
    "added itself": lambda self, param, grad, root: param.sub_(grad * (grad.abs() + self.current_lr)),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=list(MOVES))
def test_a_rule_reads_its_rate_from_the_device(move, alike, caplog):
    with caplog.at_level("INFO", logger="corenet"):
        alike(build(optimizer=rule(move), lr=0.01), change=falling)
    assert "one by one" not in caplog.text


def falling(epoch, model, loss, optimizer, data):
    optimizer.lr = 0.03 / (epoch + 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_rate_that_falls_in_every_step(dtype, alike):
    data = DOUBLE if dtype is torch.float64 else FLOAT
    alike(build(dtype=dtype, lr_decay=0.5), data, epochs=6, metrics=())


@pytest.mark.parametrize(
    "move",
    [
        lambda self, param, grad, root: param.lerp_(param - grad, self.current_lr),
        lambda self, param, grad, root: torch.add(param, grad, alpha=-self.current_lr, out=param),
        lambda self, param, grad, root: param.sub_(grad.clamp(max=self.current_lr)),
    ],
    ids=["lerp", "out", "clamp"],
)
def test_a_rule_that_takes_its_rate_as_a_number_alone_is_called_step_by_step(move, alike, caplog):
    with caplog.at_level("INFO", logger="corenet"):
        alike(build(optimizer=rule(move), lr=0.01), many=False)
    assert "using single steps: " in caplog.text
    assert "takes the rate as a number alone" in caplog.text


class Counting(cn.Optimizer):
    """Computes with its count of steps."""

    elementwise = True

    def init_state(self, param):
        return {}

    def update(self, param, grad, state):
        param.sub_(grad, alpha=self.current_lr / (self.steps + 1))


def test_a_rule_that_computes_with_its_steps(alike):
    alike(build(optimizer=Counting))


def test_adam_in_groups_with_clipping_and_a_schedule(alike):
    def grouped(parameters, **settings):
        first, *others = parameters
        groups = [{"params": [first], "lr": 0.02, "betas": (0.7, 0.9)}, {"params": others, "weight_decay": 0.1}]
        return cn.AdamW(groups, lr=0.01, amsgrad=True, max_grad_norm=0.05, schedule=lambda step: 1 / (1 + step))

    alike(build(optimizer=grouped))


class OfEach(Rule):
    """A rule over each parameter in its shape."""

    elementwise = False

    def move(self, param, grad, root):
        param.sub_(grad / (1 + grad.norm()), alpha=self.current_lr)


def test_a_rule_over_each_parameter(alike):
    alike(build(optimizer=OfEach))


# Changes between epochs.


def lr(epoch, model, loss, optimizer, data):
    optimizer.lr = 0.02 * (epoch + 1)


def momentum(epoch, model, loss, optimizer, data):
    optimizer.momentum = 0.1 * (epoch + 1)


def weights(epoch, model, loss, optimizer, data):
    model[0].weight.data = model[0].weight.data.clone() * 0.5


def setting(epoch, model, loss, optimizer, data):
    model[2].factor = 1.0 + 0.1 * epoch


@pytest.mark.parametrize("change", [lr, momentum, weights, setting], ids=lambda change: change.__name__)
def test_what_changes_between_epochs_is_heeded(change, alike, odd):
    alike(build(odd["Scaled"], lr=0.02), epochs=4, change=change)


def test_what_changes_in_every_epoch_is_launched_a_few_times_only(alike, odd, monkeypatch):
    monkeypatch.setattr("corenet.training.engines.cuda.engine.GRAPHS", 4)
    left = alike(build(odd["Scaled"]), epochs=6, change=setting, engine="replay")
    told = "this training had 4 graphs captured already: what it does changes too often; "
    told += "use batches of fewer sizes, and change settings less often"
    assert left.told == [f"engine 'replay' runs, not 'graph': {told}"]
