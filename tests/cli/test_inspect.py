"""What is in a model file, for people and programs, without any of its plugins."""

import json

import pytest
import torch

import corenet as cn
from corenet.checkpoint.container import packed, read

DATA = cn.data.disk(50, seed=1)


@pytest.fixture
def saved(tmp_path):
    """Write a trained model to a file, with fields of its document changed."""

    def write(**changes):
        path = tmp_path / "model.safetensors"
        model, loss = (
            cn.Sequential(cn.Linear(2, 3), cn.Sequential(cn.Tanh(), cn.Dropout(0.25)), cn.Linear(3, 1)),
            cn.MSELoss(),
        )
        model[0].freeze()
        optimizer = cn.Adam(model.parameters(), lr=0.03, schedule=cn.WarmupSchedule(4))
        history = cn.fit(model, loss, optimizer, DATA, epochs=2, batch_size=10, seed=7, progress=False, engine="plain")
        cn.save(path, model, optimizer, loss=loss, history=history)
        contents = read(path)
        document = {name: value for name, value in contents.document.items() if name not in ("format", "sha256")}
        tensors = {name: contents.tensor(name).clone() for name in contents.entries}
        path.write_bytes(packed({**document, **changes}, tensors))
        return path

    return write


def test_a_person_reads_all_of_it(call, saved):
    code, stdout, stderr = call("inspect", saved())
    assert (code, stderr) == (0, "")
    lines = [" ".join(line.split()) for line in stdout.splitlines()]
    for expected in (
        f"saved by corenet {cn.__version__}, torch {torch.__version__}, python",
        "loss corenet:mse(reduction='mean')",
        "optimizer corenet:adam(lr=0.03, betas=(0.9, 0.999), ",
        "steps 10",
        "position epoch 2, step 10, seed 7",
        "history 2 epochs",
        "frozen 0",
        "0 corenet:linear in_features=2, out_features=3, bias=True, init='uniform'",
        "1.1 corenet:dropout p=0.25",
        f"corenet:warmup {cn.__version__} {cn.__version__}",
        "model.2.weight (1, 3) float32",
    ):
        assert any(line.startswith(expected) for line in lines), expected


def test_a_program_reads_the_document(call, saved):
    path = saved()
    code, stdout, _ = call("inspect", path, "--json")
    found = json.loads(stdout)
    assert (code, found["schema"], found["bytes"], found["format"]) == (0, 1, path.stat().st_size, 2)
    assert found["model"]["sequential"][2]["arguments"]["in_features"] == 3
    assert {"name": "model.2.weight", "dtype": "float32", "shape": [1, 3]} in found["tensors"]
    assert {"name": "corenet:adam", "version": cn.__version__, "installed": cn.__version__} in found["needed"]


def test_a_missing_plugin_is_told_with_what_installs_it(call, saved):
    component = {"class": "corenet_swish:Swish", "name": "corenet-swish:swish", "version": "1.2"}
    model = {"sequential": [{"module": "corenet-swish:swish", "arguments": {"by": {"tuple": [1, {"float": "inf"}]}}}]}
    code, stdout, _ = call("inspect", saved(model=model, components=[component]))
    assert code == 0
    assert "corenet-swish:swish  by=(1, inf)" in stdout
    assert "corenet-swish:swish  1.2       not installed: pip install 'corenet-swish==1.2'" in stdout


OF_NONE = [
    {"sequential": 3},
    {"sequential": [[1]]},
    {"module": "x", "arguments": 3},
    {"module": "x", "arguments": {"a": {"tuple": 1}}},
]


@pytest.mark.parametrize("model", OF_NONE)
def test_a_description_that_is_none_is_one_line(call, saved, model):
    code, stdout, stderr = call("inspect", saved(model=model))
    assert (code, stdout) == (2, "")
    assert "describes what nobody can read" in stderr


def test_what_a_stranger_wrote_cannot_steer_the_terminal(call, saved):
    _, stdout, _ = call("inspect", saved(model={"module": "x\x1b[31m\u202ey", "arguments": {"a": "\x1b[2J"}}))
    assert "x[31my" in stdout
    assert not {"\x1b", "\u202e"} & set(stdout)


def test_a_damaged_file_is_refused(call, saved):
    path = saved()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    code, _, stderr = call("inspect", path)
    assert (code, "its bytes are not those that were written" in " ".join(stderr.split())) == (2, True)
    code, _, stderr = call("inspect", path.with_name("none"))
    assert (code, "there is no file" in stderr) == (2, True)
