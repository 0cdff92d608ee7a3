"""Checkpoints: bit for bit there and back."""

import pytest
import torch
from safetensors.torch import load_file

import corenet as cn
from corenet.checkpoint.same_model import same_class


def assert_same(left, right):
    torch.testing.assert_close(left, right, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_a_model_comes_back_bit_for_bit(path, dtype, network):
    saved, loaded = network().to(dtype=dtype), network().to(dtype=dtype)
    cn.save(path, saved)
    cn.load(path, loaded)
    assert_same(loaded.state_dict(), saved.state_dict())
    cn.load(str(path), loaded)


def test_the_loaded_weights_are_written_into_the_parameters_that_are_there(path, network):
    cn.save(path, network())
    model = network()
    before = model.parameters()
    cn.load(path, model)
    assert all(a is b for a, b in zip(before, model.parameters(), strict=True))


def test_saving_changes_nothing_and_goes_by_values(path, network, sgd, train):
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
def test_ten_epochs_a_file_and_ten_more_are_twenty_epochs(path, momentum, network, sgd, train):
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


def test_a_file_without_a_record_of_modules_is_loaded(path, network, earlier):
    model = network()
    earlier(model, modules=None, components=None)
    other = network()
    with pytest.warns(cn.CheckpointWarning, match=r"is of an earlier version and has no checksum"):
        cn.load(path, other)
    assert_same(other.state_dict(), model.state_dict())


def test_a_model_may_be_loaded_without_the_optimizer_that_was_saved(path, network, saved):
    model = network()
    saved(model)
    other = network()
    cn.load(path, other)
    assert_same(other.state_dict(), model.state_dict())


def test_a_failed_save_leaves_the_older_file_and_nothing_else(path, monkeypatch, network, saved):
    model = network()
    cn.save(path, model)
    content = path.read_bytes()

    def full(partial, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        with pytest.raises(cn.OutputError, match="No space left"):
            saved(model)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(path, network):
    with pytest.raises(cn.OutputError, match=r"cannot write .*nowhere"):
        cn.save(path.parent / "nowhere" / "model", network())
