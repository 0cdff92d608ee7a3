"""Whatever a file says, with a checksum that is right: it is loaded, or refused in one line; nothing else happens."""

import copy
import warnings

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import corenet as cn
from corenet.checkpoint.container import packed, read
from corenet.tables.coding import TableCoding

COLUMN = {"kind": "category", "name": "kind", "values": ["a", "b"], "gap": True}
TARGET = {"kind": "number", "name": "y", "mean": 0.1, "std": 2.5}
VALUES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(-9, 9) | st.text(max_size=4)
JSON = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
FORMS = st.sampled_from(
    [
        {"tuple": [1, 2]},
        {"dict": [[[], 1]]},
        {"float": "nan"},
        {"dtype": "float7"},
        {"device": "nowhere"},
        {"tensor": "0"},
        {"tensor": []},
        {"module": "corenet:linear", "arguments": {"in_features": 10**9, "out_features": 10**9}},
        {"schedule": "corenet:warmup", "arguments": {}},
        {"sequential": [{"sequential": []}]},
        {"unknown": 3},
    ]
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a file with all that a file may have, its document and its tensors."""
    path = tmp_path_factory.mktemp("files") / "model"
    torch.manual_seed(1)
    model = cn.Sequential(cn.Linear(2, 2, init=cn.Normal()), cn.Tanh(), cn.Linear(2, 2))
    loss = cn.CrossEntropyLoss(torch.ones(2))
    model[2].weight = model[0].weight
    model[1].freeze()
    groups = [{"params": model[0].parameters()}, {"params": [model[2].bias], "betas": (0.5, 0.75)}]
    optimizer = cn.Adam(groups, schedule=cn.WarmupSchedule(3, after=cn.CosineSchedule(9)))
    data = cn.data.Dataset(torch.rand(6, 2), torch.tensor([0, 1, 0, 1, 0, 1]))
    history = cn.fit(model, loss, optimizer, data, epochs=1, batch_size=3, progress=False, engine="plain")
    table = TableCoding.from_dict({"version": 1, "missing": ["NA"], "columns": [COLUMN], "target": TARGET})
    cn.save(path, model, optimizer, loss=loss, history=history, table=table)
    contents = read(path)
    return path, contents.document, {name: contents.tensor(name).clone() for name in contents.entries}


def places(value, path=()):
    """Yield the path to each part of a document."""
    yield path
    if isinstance(value, (dict, list)):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(each, (*path, name))


def changed(document, path, value):
    found = copy.deepcopy(document)
    *above, last = path
    place = found
    for name in above:
        place = place[name]
    if value is None and isinstance(place, (dict, list)):
        del place[last]
    else:
        place[last] = value
    return found


def must_load_or_refuse(path):
    for call in (cn.load, cn.load_state):
        error = refusal(call, path)
        assert error is None or (type(error), "\n" in str(error)) == (cn.CheckpointError, False), repr(error)


def refusal(call, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cn.CheckpointWarning)
        try:
            call(path)
        except cn.CorenetError as error:
            return error
    return None


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_a_changed_document_is_loaded_or_refused(written, data):
    path, document, tensors = written
    body = {name: value for name, value in document.items() if name not in ("format", "sha256")}
    where = data.draw(st.sampled_from([each for each in places(body) if each]))
    path.write_bytes(packed(changed(body, where, data.draw(JSON | FORMS)), tensors))
    must_load_or_refuse(path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_changed_tensors_are_loaded_or_refused(written, data):
    path, document, tensors = written
    body = {name: value for name, value in document.items() if name not in ("format", "sha256")}
    name = data.draw(st.sampled_from(sorted(tensors)))
    shape = data.draw(st.lists(st.integers(0, 3), max_size=3))
    dtype = data.draw(st.sampled_from([torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool]))
    others = {each: tensor for each, tensor in tensors.items() if each != name}
    renamed = data.draw(st.sampled_from([name, f"{name}.x", "optimizer.99.mean", "optimizer.x", "draws.7", "other"]))
    path.write_bytes(packed(body, {**others, renamed: torch.zeros(shape, dtype=dtype)}))
    must_load_or_refuse(path)


def test_what_was_written_is_loaded(written):
    path, document, tensors = written
    body = {name: value for name, value in document.items() if name not in ("format", "sha256")}
    path.write_bytes(packed(body, tensors))
    found = cn.load(path)
    assert found.optimizer.steps == 2
    assert found.model[2].weight is found.model[0].weight
