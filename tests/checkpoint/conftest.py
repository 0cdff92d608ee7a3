"""What the tests of checkpoints share: a file, a network, and what writes one to the other."""

import json

import pytest
import torch
from safetensors.torch import save_file

import corenet as cn
from corenet.registry.provenance import provenance, target_of

TRAIN = cn.data.disk(40, seed=0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def _network(width=4):
    return cn.Sequential(cn.Linear(2, width), cn.Tanh(), cn.Dropout(0.2), cn.Linear(width, 1), cn.Sigmoid())


def _sgd(model, lr=0.1, momentum=0.9):
    return cn.SGD(model.parameters(), lr=lr, momentum=momentum, lr_decay=0.01)


@pytest.fixture
def network():
    """Return what makes a network."""
    return _network


@pytest.fixture
def sgd():
    """Return what makes its optimizer."""
    return _sgd


@pytest.fixture
def train():
    """Train a model from one epoch to another."""

    def run(model, optimizer, first, last):
        loss = cn.BCELoss()
        for epoch in range(first, last):
            torch.manual_seed(epoch)
            for input, target in TRAIN.batches(10, seed=0, epoch=epoch):
                cn.train_step(model, loss, optimizer, input, target)

    return run


@pytest.fixture
def earlier(path):
    """Write a file as corenet 0.1 did."""

    def write(model, by=None, **metadata):
        tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
        modules = {place: type(module) for place, module in model.named_modules()}
        said = {
            "format": "corenet 1",
            "components": json.dumps(provenance(modules.values())),
            "modules": json.dumps({place: target_of(cls) for place, cls in modules.items()}),
        }
        if by is not None:
            state = by.state_dict()
            head = {"count": len(state["states"]), "lr": state["lr"], "steps": state["steps"]}
            said["optimizer"] = json.dumps(head)
            for index, entry in enumerate(state["states"]):
                tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in entry.items()}
        written = {name: value for name, value in {**said, **metadata}.items() if value is not None}
        save_file(tensors, path, written)

    return write


@pytest.fixture
def saved(path):
    """Write a checkpoint of a model and an optimizer that has a state."""

    def write(model, momentum=0.9):
        optimizer = _sgd(model, momentum=momentum)
        for parameter in model.parameters():
            parameter.grad.fill_(1.0)
        optimizer.step()
        cn.save(path, model, optimizer)

    return write
