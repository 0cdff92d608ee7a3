"""``corenet plugins``: a row for every distribution, and lines for pip."""

import json

import pytest

import corenet

OWN = f"corenet=={corenet.__version__}"


@pytest.fixture
def strangers(install, monkeypatch):
    """Plugins that are used, broken, incompatible, and switched off."""
    install("corenet-a", "corenet.modules", "one = x:X\ntwo = x:X")
    install("corenet-b", "corenet", "b = b_hooks", version="2.0.post1", b_hooks="1 / 0")
    install("corenet-c", "corenet.losses", "c = x:X", extra="Requires-Dist: corenet>=99\n")
    install("corenet-d", "corenet.commands", "d = d_code:d", version="3.1+local")
    monkeypatch.setenv("CORENET_DISABLE_PLUGINS", "corenet-e,corenet-example")
    install("corenet-e", "corenet.modules", "e = x:X")


def test_each_distribution_is_a_row(call, strangers, all_builtins):
    code, stdout, stderr = call("plugins")
    heading, *lines = stdout.splitlines()
    assert (code, stderr) == (0, "")
    assert heading.split() == ["NAME", "VERSION", "STATUS", "AUTHOR", "COMPONENTS", "REASON"]
    found = {line.split()[0]: [cell.strip() for cell in line.split("  ") if cell.strip()][1:] for line in lines}
    assert found["corenet"] == [corenet.__version__, "loaded", "The corenet authors", str(len(all_builtins))]
    assert found["corenet-a"] == ["1.2", "declared", "A. Stranger", "2"]
    assert found["corenet-b"] == ["2.0.post1", "broken", "A. Stranger", "0", "ZeroDivisionError: division by zero"]
    assert found["corenet-c"][:4] == ["1.2", "incompatible", "A. Stranger", "1"]
    assert found["corenet-d"] == ["3.1+local", "declared", "A. Stranger", "0"]
    assert found["corenet-e"][1] == "disabled"


def test_json_has_the_rows_of_list_components_and_their_number(call, strangers):
    found = json.loads(call("plugins", "--json").stdout)
    listed = json.loads(call("list-components", "--json").stdout)["plugins"]
    assert list(found) == ["schema", "plugins"]
    assert found["schema"] == 1
    assert [{name: value for name, value in row.items() if name != "components"} for row in found["plugins"]] == listed
    counts = {row["distribution"]: row["components"] for row in found["plugins"]}
    assert {name: counts[f"corenet-{name}"] for name in "abcde"} == {"a": 2, "b": 0, "c": 1, "d": 0, "e": 1}


def test_requirements_are_of_what_is_used_and_the_rest_is_a_comment(call, strangers):
    code, stdout, stderr = call("plugins", "--requirements")
    assert (code, stderr) == (0, "")
    lines = stdout.splitlines()
    assert [line for line in lines if not line.startswith("#")] == [OWN, "corenet-a==1.2", "corenet-d==3.1+local"]
    assert "# corenet-b 2.0.post1 is broken: ZeroDivisionError: division by zero" in lines


@pytest.mark.parametrize("version", ["1.0 --index-url https://example.org", "", "1.0;", "１.0"])
def test_metadata_cannot_put_an_option_of_pips_into_the_requirements(call, install, monkeypatch, version):
    monkeypatch.setenv("CORENET_PLUGINS", "corenet-x")
    install("corenet-x", "corenet.modules", "x = x:X", version=version)
    lines = call("plugins", "--requirements").stdout.splitlines()
    assert [line for line in lines if not line.startswith("# ")] == [OWN]
    named = f"corenet-x {version}".strip()
    assert f"# {named} is declared: its version is not valid for pip" in lines


def test_both_outputs_at_once_are_a_mistake(call):
    assert call("plugins", "--json", "--requirements") == (2, "", "corenet: --requirements or --json, not both\n")
