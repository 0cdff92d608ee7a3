"""A file gives back all that was saved, without a line of code of the model."""

import json

import pytest
import torch

import corenet as cn
from corenet.checkpoint.container import packed, read
from corenet.tables.coding import TableCoding

TRAIN = cn.data.disk(60, seed=3)
NUMBER = {"kind": "number", "name": "x", "mean": 0.1, "std": 2.5, "gap": False}
CATEGORY = {"kind": "category", "name": "kind", "values": ["a", "σ"], "gap": True}
TARGET = {"kind": "number", "name": "y", "mean": 0.1, "std": 2.5}
CODING = TableCoding.from_dict({"version": 1, "missing": ["NA"], "columns": [NUMBER, CATEGORY], "target": TARGET})


def parts(schedule=None):
    torch.manual_seed(8)
    layers = (
        cn.Linear(2, 5, init="he_normal"),
        cn.Tanh(),
        cn.Dropout(0.3),
        cn.Linear(5, 3),
        cn.Linear(3, 1),
        cn.Sigmoid(),
    )
    model, loss = cn.Sequential(*layers), cn.BCELoss(weight=torch.tensor([0.7]))
    groups = [{"params": model[0].parameters()}, {"params": model[3:].parameters(), "lr": 0.03, "betas": (0.5, 0.75)}]
    return model, loss, cn.Adam(groups, lr=0.01, weight_decay=0.02, max_grad_norm=2.5, schedule=schedule)


def trained(model, loss, optimizer, epochs, done=0):
    return cn.fit(
        model,
        loss,
        optimizer,
        TRAIN,
        epochs=epochs,
        initial_epoch=done,
        batch_size=7,
        seed=4,
        progress=False,
        engine="plain",
    )


def same(left, right):
    torch.testing.assert_close(left.state_dict(), right.state_dict(), rtol=0, atol=0)


def rewritten(path, **changes):
    """Write a file again with other fields in its document, and a checksum that is right."""
    contents = read(path)
    document = {name: value for name, value in contents.document.items() if name not in ("format", "sha256")}
    tensors = {name: contents.tensor(name).clone() for name in contents.entries}
    path.write_bytes(packed({**document, **changes}, tensors))


def test_a_training_goes_on_from_a_file_alone_as_if_it_had_never_stopped(path):
    schedule = cn.WarmupSchedule(3, after=cn.CosineSchedule(50))
    whole = parts(schedule)
    trained(*whole, epochs=6)
    half = parts(schedule)
    history = trained(*half, epochs=3)
    cn.save(path, half[0], half[2], loss=half[1], history=history, table=CODING)
    before = torch.get_rng_state()
    again = cn.load(path)
    assert torch.equal(torch.get_rng_state(), before)
    assert again.table == CODING
    assert (list(again.history), again.history.engine) == (list(history), "plain")
    assert again.optimizer.groups[1].own == {"lr": 0.03, "betas": (0.5, 0.75)}
    assert (again.optimizer.steps, again.optimizer.max_grad_norm, again.optimizer.weight_decay) == (27, 2.5, 0.02)
    same(again.model, half[0])
    same(again.loss, half[1])
    trained(again.model, again.loss, again.optimizer, epochs=6, done=3)
    same(again.model, whole[0])
    torch.testing.assert_close(again.optimizer.state_dict(), whole[2].state_dict(), rtol=0, atol=0)


def test_what_was_not_saved_is_none(path):
    cn.save(path, cn.Linear(2, 3))
    found = cn.load(path)
    assert (found.optimizer, found.loss, found.table, found.history) == (None, None, None, None)
    assert repr(found).startswith("Loaded(model=Linear(2 → 3), ")
    with pytest.raises(AttributeError):
        found.model = None


def test_an_optimizer_trains_parameters_of_the_loss_too(path):
    class Scaled(cn.MSELoss):
        pass

    model, loss = cn.Linear(2, 1), cn.MSELoss()
    cn.save(path, model, cn.SGD([model.bias], lr=0.3), loss=loss)
    found = cn.load(path)
    assert [each is found.model.bias for each in found.optimizer.parameters] == [True]
    stranger = Scaled()
    stranger.scale = cn.Parameter(torch.tensor([0.5]))
    cn.save(path, model, cn.SGD([*model.parameters(), *stranger.parameters()], lr=0.3))
    with pytest.warns(cn.CheckpointWarning, match="optimizer stays out: it trains parameters that are not the model's"):
        assert cn.load(path).optimizer is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_the_dtypes_are_those_of_the_tensors(path, dtype):
    model = cn.Sequential(cn.Linear(2, 3).to(dtype), cn.Linear(3, 1))
    cn.save(path, model, cn.SGD(model.parameters(), lr=0.1, momentum=0.5))
    found = cn.load(path)
    assert [each.dtype for each in found.model.parameters()] == [dtype, dtype, torch.float32, torch.float32]
    assert [each.grad.dtype for each in found.model.parameters()] == [dtype, dtype, torch.float32, torch.float32]
    same(found.model, model)


def test_tied_weights_are_tied_again(path):
    one, two = cn.Linear(3, 3), cn.Linear(3, 3)
    two.weight = one.weight
    cn.save(path, cn.Sequential(one, two))
    found = cn.load(path).model
    assert found[0].weight is found[1].weight
    assert torch.equal(found[1].weight, one.weight)


def test_modules_are_frozen_and_evaluate_as_they_did(path):
    model = cn.Sequential(cn.Linear(2, 3), cn.Sequential(cn.Dropout(0.2), cn.Linear(3, 3)), cn.Dropout(0.4))
    model[1].freeze()
    model[1][1].unfreeze()
    model[2].eval()
    cn.save(path, model)
    found = dict(cn.load(path).model.named_modules())
    for place, module in model.named_modules():
        assert (found[place].training, found[place].frozen) == (module.training, module.frozen), place


def test_a_model_that_is_no_component_is_filled_and_not_built(path):
    class Net(cn.Sequential):
        pass

    model, other = Net(cn.Linear(2, 1)), Net(cn.Linear(2, 1))
    cn.save(path, model)
    with pytest.raises(cn.CheckpointError) as caught:
        cn.load(path)
    assert str(caught.value) == (
        f"{path} does not say how its model is built: Net is no component of an installed distribution; "
        "build it yourself and fill it: cn.load(path, model)"
    )
    cn.load(path, other)
    same(other, model)


def test_a_schedule_that_is_a_function_leaves_the_optimizer_out(path):
    model, _, optimizer = parts(schedule=lambda step: 1 / (1 + step))
    cn.save(path, model, optimizer)
    with pytest.warns(cn.CheckpointWarning, match=r"schedule is a function, which a file cannot hold"):
        found = cn.load(path)
    assert found.optimizer is None
    same(found.model, model)


def test_a_file_of_0_1_is_filled_and_not_built(path, network, earlier):
    model = network()
    earlier(model)
    with (
        pytest.warns(cn.CheckpointWarning, match="no checksum"),
        pytest.raises(cn.CheckpointError, match=r"is of corenet 0\.1, whose files do not describe"),
    ):
        cn.load(path)
    with pytest.warns(cn.CheckpointWarning, match="no checksum"):
        assert cn.load_state(path).keys() == model.state_dict().keys()


MISSING = {"module": "corenet-swish:swish", "arguments": {}}


def test_a_missing_plugin_is_named_with_what_installs_it_and_its_weights_are_read(path):
    cn.save(path, cn.Linear(2, 1))
    component = {"class": "corenet_swish:Swish", "name": "corenet-swish:swish", "version": "1.2"}
    rewritten(path, model=MISSING, components=[component])
    with pytest.raises(cn.CheckpointError) as caught:
        cn.load(path)
    assert str(caught.value) == (
        f"{path} needs module corenet-swish:swish of corenet-swish 1.2, which is not installed: "
        "pip install 'corenet-swish==1.2'; its weights can be read without it: cn.load_state(path)"
    )
    assert cn.load_state(path).keys() == {"weight", "bias"}


@pytest.mark.parametrize(
    ("model", "match"),
    [
        ({"module": "linear", "arguments": {}}, "names a module 'linear', which is no name"),
        ({"module": "os:system", "arguments": {}}, "needs module os:system of os, which is not installed"),
        ({"module": "corenet:linear'; rm -rf", "arguments": {}}, "which is no name"),
        ({"callback": "corenet:csv_logger", "arguments": {"path": "x"}}, "describes no component"),
        ({"loss": "corenet:mse", "arguments": {}}, "describes MSELoss, which is no Module"),
        ({"module": "corenet:linear", "arguments": {"in_features": 2}}, "cannot be built again: TypeError"),
        ({"module": "corenet:linear", "arguments": {"in_features": -2, "out_features": 1}}, "must be an integer ≥ 1"),
        ({"module": "corenet:linear", "arguments": {"in_features": 3, "out_features": 1}}, "of other tensors"),
        ({"module": "corenet:linear", "arguments": {"in_features": 2, "out_features": 1, "bias": False}}, "of other"),
        ({"module": "corenet:linear", "arguments": {"in_features": 2**20, "out_features": 2**25}}, "of other tensors"),
        ({"sequential": [MISSING]}, "needs module corenet-swish:swish of corenet-swish, which"),
        ({"tensor": "x"}, "describes no component"),
    ],
)
def test_a_description_of_something_else_is_refused(path, model, match):
    cn.save(path, cn.Linear(2, 1))
    rewritten(path, model=model)
    with pytest.raises(cn.CheckpointError, match=match) as caught:
        cn.load(path)
    assert "\n" not in str(caught.value)
    assert caught.value.__class__ is cn.CheckpointError


@pytest.mark.parametrize(
    ("field", "value", "match"),
    [
        ("unknown", 1, "its description has 'unknown', which this version does not know"),
        ("tied", [], "'tied' of its description is '\\[\\]', not dict"),
        ("history", 1, "'history' of its description is '1', not bool"),
        ("frozen", [1], "the path of a module is '1', not str"),
        ("draws", {"seed": 1, "epoch": 2}, "its draws has no 'steps'"),
        ("optimizer", {"built": {}}, "its optimizer has no 'parameters'"),
        ("components", [{"class": "a:B", "name": "a:b; rm", "version": "1"}], "has the name 'a:b; rm'"),
        ("components", [{"class": "a:B", "name": "a:b", "version": "1 --index-url=x"}], "has the version"),
        ("components", [{"name": "a:b"}], "not a class with its name"),
        ("table", [], "'table' of its description is"),
        ("versions", {"corenet": 2}, "'corenet' of its versions is '2', not str"),
    ],
)
def test_a_field_that_is_none_is_refused(path, field, value, match):
    cn.save(path, cn.Linear(2, 1))
    rewritten(path, **{field: value})
    for call in (cn.load, cn.load_state, lambda path: cn.load(path, cn.Linear(2, 1))):
        with pytest.raises(cn.CheckpointError, match=match):
            call(path)


@pytest.mark.parametrize("count", [-1, 10_001, 2**50])
def test_the_states_of_an_optimizer_are_as_many_as_there_can_be(path, count):
    model = cn.Linear(2, 1)
    cn.save(path, model, cn.SGD(model.parameters(), lr=0.1))
    rewritten(path, optimizer={**read(path).document["optimizer"], "count": count})
    with pytest.raises(cn.CheckpointError, match=f"state that is damaged: it is of {count} parameters"):
        cn.load(path)


def test_a_model_that_is_described_too_large_takes_no_memory(path):
    import resource

    cn.save(path, cn.Linear(2, 1))
    huge = {"module": "corenet:linear", "arguments": {"in_features": 30_000, "out_features": 30_000}}
    rewritten(path, model=huge)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(cn.CheckpointError, match="other tensors than it holds"):
        cn.load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # of 3,500,000 kB


def test_what_cannot_be_saved_is_refused_at_once(path):
    for given in ({"model": 3}, {"model": cn.Linear(2, 1), "loss": 3}, {"model": cn.Linear(2, 1), "history": [1]}):
        with pytest.raises(cn.CheckpointError, match=r"save\(path, model, optimizer, loss=..., history=...\) takes"):
            cn.save(path, **given)
    with pytest.raises(cn.CheckpointError, match=r"table= takes a table that cn\.table made, or its coding, not \[1\]"):
        cn.save(path, cn.Linear(2, 1), table=[1])
    assert not path.exists()


def test_a_history_of_ten_thousand_epochs_is_kept(path):
    from corenet.history import Epoch, History

    history = History(
        [Epoch(each, 1 / each, 0.1, 0.5, {"error_rate": 0.25}, {"loss": 0.3}) for each in range(1, 10_001)]
    )
    cn.save(path, cn.Linear(2, 1), history=history)
    assert list(cn.load(path).history) == list(history)


def test_the_document_is_one_json_text_in_the_header(path):
    cn.save(path, cn.Linear(2, 1))
    document = json.loads(read(path).metadata["corenet"])
    assert document["versions"] == {
        "corenet": cn.__version__,
        "torch": torch.__version__,
        "python": document["versions"]["python"],
    }
    assert document["components"] == [
        {"class": "corenet.builtin.linear:Linear", "name": "corenet:linear", "version": cn.__version__}
    ]
