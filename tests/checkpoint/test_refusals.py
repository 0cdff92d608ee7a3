"""A file that does not belong, or is damaged, is refused; and nothing is changed by it."""

import json
import warnings

import pytest
import torch
from safetensors.torch import load_file, save_file

import corenet as cn


@pytest.fixture
def assert_refused(path, network, sgd, train):
    """Check that loading raises, and leaves a model and its optimizer as they were."""

    def check(error, match, path=path):
        model = network()
        optimizer = sgd(model)
        train(model, optimizer, 0, 1)
        before = model.state_dict(), optimizer.state_dict()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cn.CheckpointWarning)  # of files of an earlier version
            with pytest.raises(error, match=match) as caught:
                cn.load(path, model, optimizer)
        torch.testing.assert_close((model.state_dict(), optimizer.state_dict()), before, rtol=0, atol=0)
        assert isinstance(caught.value, cn.CorenetError)
        assert "\n" not in str(caught.value)

    return check


def test_a_missing_file_is_named(path, assert_refused):
    assert_refused(cn.OutputError, f"there is no file {path}")


def test_a_folder_is_no_file(tmp_path, assert_refused):
    assert_refused(cn.OutputError, "is a folder without model.safetensors", path=tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", bytes(8), b"\xff" * 64, b"\x02" + bytes(7) + b"{}"])
def test_a_file_of_something_else_is_refused(path, content, assert_refused):
    path.write_bytes(content)
    assert_refused(cn.CheckpointError, "model.safetensors is (not a checkpoint|a safetensors file, but not one)")


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_file_cut_short_is_refused(path, kept, network, saved, assert_refused):
    saved(network())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    assert_refused(cn.CheckpointError, "is not a checkpoint")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"format": "corenet"}, {"format": "corenet 2"}])
def test_tensors_of_another_writer_are_refused(path, metadata, network, assert_refused):
    save_file({f"model.{name}": tensor for name, tensor in network().state_dict().items()}, path, metadata)
    assert_refused(cn.CheckpointError, "is a safetensors file, but not one that corenet.save wrote")


@pytest.mark.parametrize(
    ("other", "error", "match"),
    [
        (lambda network: network(width=5), cn.ShapeError, "expected"),
        (
            lambda network: cn.Sequential(cn.Linear(2, 4)),
            cn.StructureError,
            r"missing \['3.bias', '3.weight'\], unknown noth",
        ),
        (lambda network: network().to(dtype=torch.float64), cn.DTypeError, "float64"),
    ],
)
def test_a_checkpoint_of_another_model_is_refused(other, error, match, network, saved, assert_refused):
    saved(other(network))
    assert_refused(error, match)


def test_a_checkpoint_that_differs_in_its_last_tensor_alone_is_refused_whole(network, saved, assert_refused):
    saved(cn.Sequential(*list(network())[:3], cn.Linear(4, 2), cn.Sigmoid()))
    assert_refused(cn.ShapeError, "expected")


@pytest.mark.parametrize(
    ("other", "match"),
    [
        (
            lambda network: cn.Sequential(cn.Linear(2, 4), cn.ReLU(), cn.Dropout(0.2), cn.Linear(4, 1), cn.Sigmoid()),
            "model.safetensors is of another model: 1 is ReLU there and Tanh here; build the model that was saved",
        ),
        (lambda network: network()[:4], "4 is nothing there and Sigmoid here"),
        (lambda network: cn.Sequential(*network(), cn.ReLU()), "5 is ReLU there and nothing here"),
        (lambda network: type("Net", (cn.Sequential,), {})(*network()), "the whole is Net there and Sequential here"),
    ],
    ids=["another", "fewer", "more", "the whole"],
)
def test_a_checkpoint_of_other_modules_with_the_same_tensors_is_refused(other, match, network, saved, assert_refused):
    saved(other(network))
    assert_refused(cn.StructureError, match)


@pytest.mark.parametrize("modules", ["no json", "[]", "3", '{"": "nowhere:Nothing"}', '{"": []}'])
def test_a_record_of_modules_that_is_damaged_is_refused(path, modules, network, assert_refused):
    model = network()
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    save_file(tensors, path, {"format": "corenet 1", "components": "[]", "modules": modules})
    assert_refused(cn.CheckpointError, "has a record of its modules that is damaged")


def test_a_checkpoint_without_an_optimizer_is_refused_where_one_is_to_be_loaded(path, network, assert_refused):
    cn.save(path, network())
    assert_refused(cn.CheckpointError, "has no optimizer state; it was saved without an optimizer")
    cn.load(path, network())


def test_the_state_of_another_optimizer_is_refused(network, saved, assert_refused):
    saved(network(), momentum=0.0)
    assert_refused(cn.StructureError, r"state 0 is \[\], expected \['velocity'\]")


@pytest.mark.parametrize(
    "change", [{"count": 1}, {"count": -1}, {"count": 9}, {"count": "many"}, {"lr": "fast"}, {"lr": -1}, {"steps": "x"}]
)
def test_a_head_that_does_not_fit_its_tensors_is_refused(path, change, network, saved, assert_refused):
    saved(network())
    head = {"lr": 0.1, "steps": 1, "count": 4} | change
    save_file(load_file(path), path, {"format": "corenet 1", "optimizer": json.dumps(head)})
    assert_refused(cn.CorenetError, "damaged|not one of SGD over 4 parameters|lr must be at least 0")


@pytest.mark.parametrize("head", ["no json", "[]", "{}"])
def test_a_head_that_is_no_head_is_refused(path, head, network, saved, assert_refused):
    saved(network())
    save_file(load_file(path), path, {"format": "corenet 1", "optimizer": head})
    assert_refused(cn.CheckpointError, "has an optimizer state that is damaged")
