"""A name that corenet does not have: where else it may be."""

import subprocess
import sys

import pytest

import corenet as cn
from corenet.registry.registry import registry_under

NOT_BUILT_IN = "; it is not built in; corenet list-components shows every component that is installed"


def said(name):
    with pytest.raises(AttributeError) as caught:
        getattr(cn, name)
    return str(caught.value)


@pytest.fixture
def installed(install):
    """A plugin that is installed, and found by this test alone."""

    def declare(groups):
        install("corenet-x", groups, x_code="raise AssertionError('imported')")
        registry_under.cache_clear()

    yield declare
    registry_under.cache_clear()


def test_a_component_of_pytorchs_that_is_not_built_in():
    assert said("LPPool3d") == f"module 'corenet' has no attribute 'LPPool3d'{NOT_BUILT_IN}"


def test_a_misspelt_one_is_suggested():
    assert said("Liner") == f"module 'corenet' has no attribute 'Liner' (did you mean 'Linear'?){NOT_BUILT_IN}"
    assert said("gradchek") == "module 'corenet' has no attribute 'gradchek' (did you mean 'gradcheck'?)"


@pytest.mark.parametrize(
    "groups", [{"corenet.modules": "lp_pool = x_code:X"}, {"corenet.modules": "x = x_code:LpPool"}]
)
def test_one_that_a_plugin_has_is_named_and_not_imported(installed, groups):
    installed(groups)
    name = groups["corenet.modules"].partition(" ")[0]
    expected = f"; it is not built in, but installed: corenet.get('module', 'corenet-x:{name}')"
    assert said("LpPool").endswith(expected)
    assert "x_code" not in sys.modules


@pytest.mark.parametrize("name", ["nn", "optim", "functional"])
def test_pytorchs_namespaces_are_corenet_itself(name):
    assert said(name).endswith("; layers, losses and optimizers are in corenet itself, as corenet.Linear")


def test_a_function_of_torchs():
    assert (
        said("randn")
        == "module 'corenet' has no attribute 'randn'; tensors and their functions are torch's: torch.randn"
    )


def test_a_strict_registry_with_a_broken_plugin_is_no_reason_to_raise_another_error(installed, monkeypatch):
    installed({"corenet.modules": "x = nonsense"})
    monkeypatch.setenv("CORENET_STRICT", "1")
    assert said("LPPool3d").endswith(NOT_BUILT_IN)


def test_it_imports_no_torch():
    code = "import sys, corenet; print(hasattr(corenet, 'LPPool3d'), hasattr(corenet, 'zeros'), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "False False False\n"


def test_tools_that_look_for_private_names_start_no_search(monkeypatch):
    monkeypatch.setattr("corenet.registry.missing_name.registry", None)
    assert said("__wrapped__") == "module 'corenet' has no attribute '__wrapped__'"
