"""What a file declares is not believed: no memory, no time and no device of its choice before it all fits."""

import itertools
import json
import resource
import struct
import subprocess
import sys
import textwrap

import pytest
import torch

import corenet as cn
from corenet.checkpoint.container import packed, read
from corenet.checkpoint.header import LONGEST
from corenet.checkpoint.without_memory import without_memory

WIDE = {"in_features": 100_000, "out_features": 100_000}
LINEAR = {"module": "corenet:linear", "arguments": {"in_features": 2, "out_features": 1}}


def linear(**arguments):
    return {"module": "corenet:linear", "arguments": {**WIDE, **arguments}}


def rewritten(path, **changed):
    """Write a file that describes another model or optimizer, with a checksum that is right."""
    contents = read(path)
    document = {name: value for name, value in contents.document.items() if name not in ("format", "sha256")}
    tensors = {name: contents.tensor(name).clone() for name in contents.entries}
    path.write_bytes(packed({**document, **changed}, tensors))


@pytest.mark.parametrize(
    "model",
    [
        linear(),
        linear(device="cpu"),
        linear(device={"device": "cpu"}),
        linear(dtype={"dtype": "float64"}),
        {"sequential": [LINEAR, {"schedule": "corenet:step", "arguments": {"step_size": 2}}, linear()]},
        {"sequential": [{"module": "corenet:dropout", "arguments": {"p": 7}}, linear()]},
        {"sequential": [linear()] * 500},
        {"module": "corenet:linear", "arguments": {"in_features": 2, "out_features": 1, "bias": linear()}},
    ],
)
def test_a_description_takes_no_memory_that_the_file_does_not_have(path, model):
    cn.save(path, cn.Linear(2, 1))
    rewritten(path, model=model)
    before = peak()
    with pytest.raises(cn.CheckpointError, match=r"model\.safetensors (cannot be built again|describes)") as caught:
        cn.load(path)
    assert peak() - before < 128 * 2**20  # of 40 GB; something may be imported now
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("where", ["schedule", "argument", "group", "sequential", "loss"])
def test_an_optimizer_that_describes_layers_takes_no_memory_for_them(path, where):
    model = cn.Linear(2, 1)
    cn.save(path, model, cn.SGD(model.parameters(), lr=0.1, schedule=cn.WarmupSchedule(3)))
    head = read(path).document["optimizer"]
    if where == "group":
        head["groups"][0]["own"]["momentum"] = linear()
    elif where == "schedule":
        head["built"]["arguments"]["schedule"]["arguments"]["start_factor"] = linear()
    else:
        parts = {"argument": linear(), "sequential": {"sequential": [linear()]}}
        head["built"]["arguments"]["momentum"] = parts.get(where, {"loss": "corenet:mse", "arguments": {}})
    rewritten(path, optimizer=head)
    before = peak()
    with pytest.raises(cn.CheckpointError, match=r"describes a (module|loss) among the values of its optimizer"):
        cn.load(path)
    assert peak() - before < 128 * 2**20


@pytest.mark.parametrize("where", ["optimizer", "loss"])
def test_a_tensor_that_is_named_again_and_again_is_copied_once(path, where):
    model, loss = cn.Linear(2, 1), cn.BCELoss(weight=torch.ones(2**20))
    cn.save(path, model, cn.SGD(model.parameters(), lr=0.1), loss=loss)
    document = read(path).document
    many = [document["loss"]["arguments"]["weight"]] * 2000
    if where == "loss":
        document["loss"]["arguments"]["weight"] = many
    else:
        document["optimizer"]["built"]["arguments"]["momentum"] = many
    rewritten(path, optimizer=document["optimizer"], loss=document["loss"])
    before = peak()
    with pytest.raises(cn.CheckpointError, match="the tensor '0' is there twice"):
        cn.load(path)
    assert peak() - before < 128 * 2**20  # of 8 GB


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 2**10


def test_what_makes_tensors_without_an_end_is_ended():
    with without_memory(2), pytest.raises(ValueError, match="far more tensors than it holds"):
        list(map(torch.empty, itertools.repeat(3)))


def test_a_device_that_is_named_is_overruled_there_alone():
    with without_memory(1):
        assert torch.ones(2, device="cpu").is_meta
    assert not torch.ones(2, device="cpu").is_meta


def header(path, text, data=b"", length=None):
    text = text if isinstance(text, bytes) else json.dumps(text).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)


def tensor(**changed):
    return {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **changed}


@pytest.mark.parametrize(
    ("text", "data", "match"),
    [
        (b"{" + b" " * LONGEST + b"}", b"", "cut short, or of another format"),
        (
            {f"t{i}": tensor(shape=[0], data_offsets=[0, 0]) for i in range(10_001)},
            b"",
            "10001 tensors, more than 10000",
        ),
        ({"a": tensor(shape=[1] * 9)}, bytes(4), r"has shape \[1, 1"),
        ({"a" * 257: tensor()}, bytes(4), "is no name of a tensor"),
        ({"größe": tensor()}, bytes(4), "is no name of a tensor"),
        ({"a/b": tensor()}, bytes(4), "is no name of a tensor"),
        ({"a": tensor()}, bytes(5), "its tensors take 4 bytes, and it has 5"),
        ({"a": tensor(shape=[2**40])}, bytes(4), "takes 4398046511104 bytes and has 4"),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"shape":[1]}}', bytes(4), "'shape' is there twice"),
        (b'{"__metadata__":{},"\\u005f_metadata__":{}}', b"", "'__metadata__' is there twice"),
        (b'{"a":NaN}', b"", "NaN is no number of JSON"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, b"", "nested deeper than 100"),
        ({"a": tensor(shape="\n\x1b[31mred")}, bytes(4), r"has shape \[31mred, which"),
    ],
)
def test_limits_are_looked_at_before_anything_else(path, text, data, match):
    header(path, text, data)
    with pytest.raises(cn.CheckpointError, match=match) as caught:
        cn.load_state(path)
    assert str(caught.value).isprintable()


def test_names_that_look_like_one_name_are_two_and_refused(path):
    model = cn.Linear(2, 1)
    cn.save(path, model, cn.SGD(model.parameters(), lr=0.1))
    contents = read(path)
    document = {name: value for name, value in contents.document.items() if name not in ("format", "sha256")}
    tensors = {name: contents.tensor(name).clone() for name in contents.entries}
    path.write_bytes(packed(document, {**tensors, "optimizer.01.velocity": torch.zeros(1)}))
    with pytest.raises(cn.CheckpointError, match=r"'01.velocity' is of no parameter"):
        cn.load(path)


def test_a_valid_file_takes_twice_its_size_to_read_its_tensors(path):
    """In a process of its own, whose peak nothing else has raised."""
    cn.save(path, cn.Linear(2048, 4096, init="zeros"))  # 32 MiB
    code = """
        import resource, sys, corenet as cn
        from pathlib import Path
        cn.save(sys.argv[1] + ".small", cn.Linear(1, 1)), cn.load_state(sys.argv[1] + ".small")
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        before = peak()
        cn.load_state(sys.argv[1])
        print((peak() - before) / Path(sys.argv[1]).stat().st_size)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), path], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 2.2
