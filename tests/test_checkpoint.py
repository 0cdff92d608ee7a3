"""Checkpoints: bit for bit there and back, and nothing changed by a file that does not belong."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

import corenet as cn
from corenet.checkpoint import same_class

TRAIN = cn.data.disk(40, seed=0)


def network(width=4):
    return cn.Sequential(cn.Linear(2, width), cn.Tanh(), cn.Dropout(0.2), cn.Linear(width, 1), cn.Sigmoid())


def sgd(model, lr=0.1, momentum=0.9):
    return cn.SGD(model.parameters(), lr=lr, momentum=momentum, lr_decay=0.01)


def train(model, optimizer, first, last):
    loss = cn.BCELoss()
    for epoch in range(first, last):
        torch.manual_seed(epoch)
        for input, target in TRAIN.batches(10, seed=0, epoch=epoch):
            cn.train_step(model, loss, optimizer, input, target)


def assert_same(left, right):
    torch.testing.assert_close(left, right, rtol=0, atol=0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_a_model_comes_back_bit_for_bit(path, dtype):
    saved, loaded = network().to(dtype=dtype), network().to(dtype=dtype)
    cn.save(path, saved)
    cn.load(path, loaded)
    assert_same(loaded.state_dict(), saved.state_dict())
    cn.load(str(path), loaded)


def test_the_loaded_weights_are_written_into_the_parameters_that_are_there(path):
    cn.save(path, network())
    model = network()
    before = model.parameters()
    cn.load(path, model)
    assert all(a is b for a, b in zip(before, model.parameters(), strict=True))


def test_saving_changes_nothing_and_goes_by_values(path):
    model = network()
    optimizer = sgd(model)
    train(model, optimizer, 0, 1)
    before = model.state_dict()
    cn.save(path, model, optimizer)
    assert_same(model.state_dict(), before)
    train(model, optimizer, 1, 2)
    cn.load(path, model)
    assert_same(model.state_dict(), before)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_ten_epochs_a_file_and_ten_more_are_twenty_epochs(path, momentum):
    whole = network()
    start = whole.state_dict()
    by = sgd(whole, momentum=momentum)
    train(whole, by, 0, 20)

    half = network()
    half.load_state_dict(start)
    half_by = sgd(half, momentum=momentum)
    train(half, half_by, 0, 10)
    cn.save(path, half, half_by)

    resumed = network()
    resumed_by = sgd(resumed, lr=7.0, momentum=momentum)  # the rate is part of the state
    train(resumed, resumed_by, 0, 1)
    cn.load(path, resumed, resumed_by)
    assert resumed_by.steps == 40
    train(resumed, resumed_by, 10, 20)

    assert_same(resumed.state_dict(), whole.state_dict())
    assert_same(resumed_by.state_dict(), by.state_dict())


def test_buffers_are_saved(path):
    class Counted(cn.Module):
        def __init__(self, start):
            self.count = cn.Buffer(torch.tensor([start]))

    saved, loaded = Counted(3), Counted(0)
    cn.save(path, saved)
    cn.load(path, loaded)
    assert loaded.count.tolist() == [3]


def test_tied_weights_are_saved_once_and_stay_tied(path):
    def tied():
        one, two = cn.Linear(3, 3), cn.Linear(3, 3)
        two.weight = one.weight
        return cn.Sequential(one, two)

    saved, loaded = tied(), tied()
    cn.save(path, saved)
    cn.load(path, loaded)
    assert sorted(load_file(path)) == ["model.0.bias", "model.0.weight", "model.1.bias"]
    assert loaded[1].weight is loaded[0].weight
    assert_same(loaded.state_dict(), saved.state_dict())


def everything(model, optimizer):
    return model.state_dict(), optimizer.state_dict()


def assert_refused(path, error, match, model=None):
    """Check that loading raises, and leaves a model and its optimizer as they were."""
    model = model or network()
    optimizer = sgd(model)
    train(model, optimizer, 0, 1)
    before = everything(model, optimizer)
    with pytest.raises(error, match=match) as caught:
        cn.load(path, model, optimizer)
    assert_same(everything(model, optimizer), before)
    assert isinstance(caught.value, cn.CorenetError)
    assert "\n" not in str(caught.value)


def saved(path, model, momentum=0.9):
    """Write a checkpoint of ``model`` and an optimizer that has a state."""
    optimizer = sgd(model, momentum=momentum)
    for parameter in model.parameters():
        parameter.grad.fill_(1.0)
    optimizer.step()
    cn.save(path, model, optimizer)


def test_a_missing_file_is_named(path):
    assert_refused(path, cn.OutputError, f"there is no file {path}")


def test_a_folder_is_no_file(tmp_path):
    assert_refused(tmp_path, cn.OutputError, "there is no file")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", bytes(8), b"\xff" * 64, b"\x02" + bytes(7) + b"{}"])
def test_a_file_of_something_else_is_refused(path, content):
    path.write_bytes(content)
    assert_refused(path, cn.CheckpointError, "model.safetensors is (not a checkpoint|a safetensors file, but not one)")


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_file_cut_short_is_refused(path, kept):
    saved(path, network())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    assert_refused(path, cn.CheckpointError, "is not a checkpoint")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"format": "corenet"}, {"format": "corenet 2"}])
def test_tensors_of_another_writer_are_refused(path, metadata):
    save_file({f"model.{name}": tensor for name, tensor in network().state_dict().items()}, path, metadata)
    assert_refused(
        path, cn.CheckpointError, "is a safetensors file, but not one that corenet.save of this version wrote"
    )


@pytest.mark.parametrize(
    ("other", "error", "match"),
    [
        (lambda: network(width=5), cn.ShapeError, "expected"),
        (lambda: cn.Sequential(cn.Linear(2, 4)), cn.StructureError, r"missing \['3.bias', '3.weight'\], unknown noth"),
        (lambda: network().to(dtype=torch.float64), cn.DTypeError, "float64"),
    ],
)
def test_a_checkpoint_of_another_model_is_refused(path, other, error, match):
    saved(path, other())
    assert_refused(path, error, match)


def test_a_checkpoint_that_differs_in_its_last_tensor_alone_is_refused_whole(path):
    saved(path, cn.Sequential(*list(network())[:3], cn.Linear(4, 2), cn.Sigmoid()))
    assert_refused(path, cn.ShapeError, "expected")


@pytest.mark.parametrize(
    ("other", "match"),
    [
        (
            lambda: cn.Sequential(cn.Linear(2, 4), cn.ReLU(), cn.Dropout(0.2), cn.Linear(4, 1), cn.Sigmoid()),
            "model.safetensors is of another model: 1 is ReLU there and Tanh here; build the model that was saved",
        ),
        (lambda: network()[:4], "4 is nothing there and Sigmoid here"),
        (lambda: cn.Sequential(*network(), cn.ReLU()), "5 is ReLU there and nothing here"),
        (lambda: type("Net", (cn.Sequential,), {})(*network()), "the whole is Net there and Sequential here"),
    ],
    ids=["another", "fewer", "more", "the whole"],
)
def test_a_checkpoint_of_other_modules_with_the_same_tensors_is_refused(path, other, match):
    saved(path, other())
    assert_refused(path, cn.StructureError, match)


def test_the_settings_of_a_module_and_its_initializer_are_no_other_module(path):
    layers = cn.Linear(2, 4, init="zeros"), cn.Tanh(), cn.Dropout(0.7), cn.Linear(4, 1), cn.Sigmoid()
    cn.save(path, cn.Sequential(*layers))
    cn.load(path, network())


def test_a_class_that_moved_to_another_file_is_the_same(path):
    one, two = (type("Own", (cn.Tanh,), {"__module__": module}) for module in ("a_script", "a_package"))
    cn.save(path, cn.Sequential(cn.Linear(2, 1), one()))
    cn.load(path, cn.Sequential(cn.Linear(2, 1), two()))
    with pytest.raises(cn.StructureError, match="1 is Own there and Tanh here"):
        cn.load(path, cn.Sequential(cn.Linear(2, 1), cn.Tanh()))


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (("a:Swish", "one:swish"), ("b:Swish", "two:swish"), False),
        (("a:Swish", "one:swish"), ("b:Swish", "one:swish"), True),
        (("a:Swish", "one:swish"), ("a:Swish", "one:silu"), True),
        (("a:Swish", "one:swish"), ("b:Swish", None), True),
        (("a:Swish", None), ("a:Outer.Swish", None), True),
        (("a:Swish", None), ("a:Silu", None), False),
        (("a:Swish", "one:swish"), None, False),
    ],
)
def test_classes_are_compared_by_component_and_strangers_by_their_name(left, right, same):
    def described(each):
        if each is None:
            return None
        target, name = each
        return {"class": target} if name is None else {"class": target, "name": name, "version": "1"}

    assert same_class(described(left), described(right)) is same
    assert same_class(described(right), described(left)) is same


@pytest.mark.parametrize("modules", ["no json", "[]", "3", '{"": "nowhere:Nothing"}', '{"": []}'])
def test_a_record_of_modules_that_is_damaged_is_refused(path, modules):
    model = network()
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    save_file(tensors, path, {"format": "corenet 1", "components": "[]", "modules": modules})
    assert_refused(path, cn.CheckpointError, "has a record of its modules that is damaged")


def test_a_file_without_a_record_of_modules_is_loaded(path):
    model = network()
    save_file({f"model.{name}": tensor for name, tensor in model.state_dict().items()}, path, {"format": "corenet 1"})
    other = network()
    cn.load(path, other)
    assert_same(other.state_dict(), model.state_dict())


def test_a_checkpoint_without_an_optimizer_is_refused_where_one_is_to_be_loaded(path):
    cn.save(path, network())
    assert_refused(path, cn.CheckpointError, "has no optimizer state; it was saved without an optimizer")
    cn.load(path, network())


def test_the_state_of_another_optimizer_is_refused(path):
    saved(path, network(), momentum=0.0)
    assert_refused(path, cn.StructureError, r"state 0 is \{\}, expected \['velocity'\]")


def rewritten(path, **optimizer):
    """Write a checkpoint again, its optimizer's head changed."""
    saved(path, network())
    head = {"lr": 0.1, "steps": 1, "count": 4} | optimizer
    save_file(load_file(path), path, {"format": "corenet 1", "optimizer": json.dumps(head)})


@pytest.mark.parametrize(
    "change", [{"count": 1}, {"count": -1}, {"count": 9}, {"count": "many"}, {"lr": "fast"}, {"lr": -1}, {"steps": "x"}]
)
def test_a_head_that_does_not_fit_its_tensors_is_refused(path, change):
    rewritten(path, **change)
    assert_refused(path, cn.CorenetError, "damaged|not one of SGD over 4 parameters|lr must be at least 0")


@pytest.mark.parametrize("head", ["no json", "[]", "{}"])
def test_a_head_that_is_no_head_is_refused(path, head):
    saved(path, network())
    save_file(load_file(path), path, {"format": "corenet 1", "optimizer": head})
    assert_refused(path, cn.CheckpointError, "has an optimizer state that is damaged")


def test_a_model_may_be_loaded_without_the_optimizer_that_was_saved(path):
    model = network()
    saved(path, model)
    other = network()
    cn.load(path, other)
    assert_same(other.state_dict(), model.state_dict())


def test_a_failed_save_leaves_the_older_file_and_nothing_else(path, monkeypatch):
    model = network()
    cn.save(path, model)
    content = path.read_bytes()

    def full(self, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(type(path), "replace", full)
        with pytest.raises(cn.OutputError, match="No space left"):
            saved(path, model)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(path):
    with pytest.raises(cn.OutputError, match=r"cannot write .*nowhere"):
        cn.save(path.parent / "nowhere" / "model", network())
