"""Which plugins may be used: a table of the environment against the outcome."""

import pytest

from corenet.errors import ConfigError
from corenet.registry.discovery import discover
from corenet.registry.reason import Reason
from corenet.registry.registry import Registry
from corenet.registry.settings import Settings

A, B = "corenet-a", "corenet-b"
DISABLE, ALLOW, AUTOLOAD = "CORENET_DISABLE_PLUGINS", "CORENET_PLUGINS", "CORENET_PLUGIN_AUTOLOAD"


@pytest.mark.parametrize(
    ("environment", "usable"),
    [
        ({}, [A, B]),
        ({DISABLE: ""}, [A, B]),
        ({DISABLE: A}, [B]),
        ({DISABLE: f" Corenet_A , corenet.other,,{B.upper()}"}, []),
        ({ALLOW: ""}, []),
        ({ALLOW: " , "}, []),
        ({ALLOW: "corenet__A"}, [A]),
        ({ALLOW: f"{A},{B}"}, [A, B]),
        ({ALLOW: f"{A},{B}", DISABLE: A}, [B]),
        ({AUTOLOAD: "0"}, []),
        ({AUTOLOAD: "1"}, [A, B]),
        ({AUTOLOAD: "False"}, []),
        ({AUTOLOAD: "off"}, []),
        ({AUTOLOAD: ""}, [A, B]),
        ({AUTOLOAD: "0", ALLOW: A}, [A]),
        ({AUTOLOAD: "0", ALLOW: A, DISABLE: A}, []),
    ],
    ids=str,
)
def test_what_may_be_used(environment, usable):
    settings = Settings.from_environment(environment)
    assert [name for name in (A, B) if not settings.reason_against(name)] == usable


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({DISABLE: A}, "CORENET_DISABLE_PLUGINS names corenet-a; take it out to use the plugin"),
        ({ALLOW: B}, "CORENET_PLUGINS does not name corenet-a; add it to use the plugin"),
        ({AUTOLOAD: "0"}, "CORENET_PLUGIN_AUTOLOAD is off; name corenet-a in CORENET_PLUGINS to use the plugin"),
        (
            {ALLOW: ""},
            "--no-plugins, or CORENET_PLUGINS set and empty, switches all plugins off; leave it out to use them",
        ),
    ],
)
def test_the_reason_names_the_setting_and_the_way_back(environment, reason):
    assert Settings.from_environment(environment).reason_against(A) == Reason("disabled", *reason.split("; "))


@pytest.mark.parametrize(
    ("value", "strict"), [("1", True), ("YES", True), ("0", False), ("no", False), ("", False), (None, False)]
)
def test_strictness_is_a_setting_too(value, strict):
    environment = {} if value is None else {"CORENET_STRICT": value}
    assert Settings.from_environment(environment).strict is strict


@pytest.mark.parametrize("name", ["CORENET_STRICT", AUTOLOAD])
def test_a_setting_that_is_neither_on_nor_off_is_refused(name):
    with pytest.raises(ConfigError, match=f"^{name} is 1 or 0, not 'maybe'$") as caught:
        Settings.from_environment({name: "maybe"})
    assert (caught.value.name, caught.value.value) == (name, "maybe")


def test_the_environment_is_read_when_asked(monkeypatch):
    monkeypatch.setenv(DISABLE, A)
    assert Settings.from_environment().reason_against(A)
    monkeypatch.delenv(DISABLE)
    assert not Settings.from_environment().reason_against(A)


@pytest.mark.parametrize("environment", [{DISABLE: "corenet,CoreNet"}, {ALLOW: ""}, {AUTOLOAD: "0"}], ids=str)
def test_what_is_built_in_survives_every_setting(environment):
    rows = Registry(discover(Settings.from_environment(environment))).components()
    assert {row.status for row in rows if row.distribution == "corenet"} == {"declared"}
