"""Which component a class is: by its own identity, wherever it is registered from."""

import json

import pytest
from safetensors import safe_open

import corenet as cn
from corenet.registry.provenance import provenance
from corenet.registry.registry import registry_under

CODE = "import corenet as cn\nclass Softplus(cn.Tanh): ..."


def test_a_built_in_is_named_with_corenets_version():
    assert provenance([cn.SGD]) == [
        {"class": "corenet.builtin.sgd:SGD", "name": "corenet:sgd", "version": cn.__version__}
    ]


def test_a_class_that_is_no_component_stands_for_itself():
    class Mine(cn.Tanh): ...

    (found,) = provenance([Mine])
    assert found == {"class": f"{__name__}:{Mine.__qualname__}"}


def test_each_class_is_named_once():
    assert len(provenance([cn.Tanh, cn.ReLU, cn.Tanh])) == 2


@pytest.fixture
def stranger(install):
    install(
        "corenet-x",
        {"corenet.modules": "softplus = x_code:Softplus"},
        x_code="from x_inner import Softplus",
        x_inner=CODE,
    )
    registry_under.cache_clear()
    yield
    registry_under.cache_clear()


@pytest.mark.usefixtures("stranger")
def test_a_strangers_class_is_found_through_a_target_that_passes_it_on():
    assert provenance([cn.get("module", "softplus")]) == [
        {"class": "x_inner:Softplus", "name": "corenet-x:softplus", "version": "1.2"}
    ]


@pytest.mark.usefixtures("stranger")
def test_a_checkpoint_records_the_components_of_its_model_and_optimizer(tmp_path):
    model = cn.Sequential(cn.Linear(2, 1), cn.get("module", "softplus")())
    cn.save(tmp_path / "model.safetensors", model, cn.SGD(model.parameters(), lr=0.1))
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        recorded = json.loads(file.metadata()["corenet"])["components"]
    assert [each.get("name") for each in recorded] == [None, "corenet:linear", "corenet-x:softplus", "corenet:sgd"]
    assert recorded[0] == {"class": "corenet.contracts.sequential:Sequential"}
