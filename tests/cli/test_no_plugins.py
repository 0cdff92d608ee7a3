"""``--no-plugins``: on the group and on commands that list, and over when they are."""

import json
import os

import pytest

PLACES = pytest.mark.parametrize(
    "arguments", [["--no-plugins", "list-components"], ["list-components", "--no-plugins"], ["plugins", "--no-plugins"]]
)


@PLACES
@pytest.mark.parametrize("allowed", [None, "corenet-x"])
def test_a_plugin_is_disabled_and_not_imported(call, install, monkeypatch, arguments, allowed):
    if allowed:
        monkeypatch.setenv("CORENET_PLUGINS", allowed)
    install("corenet-x", "corenet", "x = x_hooks", x_hooks="raise AssertionError")
    found = json.loads(call(*arguments, "--json").stdout)
    assert {row["distribution"]: row["status"] for row in found["plugins"]} | {"corenet-example": "disabled"} == {
        "corenet": "loaded",
        "corenet-x": "disabled",
        "corenet-example": "disabled",
    }
    assert os.environ.get("CORENET_PLUGINS") == allowed
    assert json.loads(call("plugins", "--json").stdout)["plugins"][1]["status"] == "broken"


@PLACES
def test_the_environment_is_as_before_even_after_a_mistake(call, arguments):
    assert call(*arguments, "--mistake").code == 2
    assert "CORENET_PLUGINS" not in os.environ


def test_other_commands_keep_to_it_too(call, install):
    install("corenet-x", "corenet.modules", "softplus = x_code:X")
    done = call("--no-plugins", "check", "softplus")
    assert done.code != 0
    assert "disabled: --no-plugins, or CORENET_PLUGINS set and empty" in done.stdout + done.stderr
