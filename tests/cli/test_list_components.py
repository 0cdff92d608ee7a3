"""``corenet list-components``: a row for every component, whatever plugins do."""

import json
import sys

import pytest

import corenet
from corenet.registry.spec import KINDS

NASTY = "\x1b[31mred\u202e\x07 " + "x" * 300
PLAIN = "[31mred " + "x" * 191 + "…"
HOOKS = """
from corenet.registry import ComponentSpec, hookimpl
print("hello from a plugin")

@hookimpl
def corenet_modules():
    print("and once more")
    yield ComponentSpec("softplus", "x_code:Softplus", {summary!r}, tags=({summary!r}, "fine"))
"""


def rows(stdout):
    """Return the cells of each row below the heading."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in stdout.splitlines()[1:]]


def test_the_table_has_a_row_for_each_built_in(call, all_builtins):
    code, stdout, stderr = call("list-components")
    assert (code, stderr) == (0, "")
    assert stdout.split("\n")[0].split() == ["NAME", "KIND", "PLUGIN", "VERSION", "STATUS", "SUMMARY"]
    ours = [row for row in rows(stdout) if row[2] == "corenet"]
    assert [row[0] for row in ours] == all_builtins
    assert ours[0] == ["linear", "module", "corenet", corenet.__version__, ours[0][4], "y = x Wᵀ + b"]


def test_the_columns_are_aligned(call):
    heading, *lines = call("list-components")[1].splitlines()
    for name in ("KIND", "PLUGIN", "VERSION", "STATUS", "SUMMARY"):
        start = heading.index(name)
        assert {line[start - 2 : start] for line in lines} == {"  "}
        assert " " not in {line[start] for line in lines}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_can_be_chosen(call, builtins, kind):
    names = builtins[kind]
    ours = [row for row in rows(call("list-components", "--kind", kind)[1]) if row[2] == "corenet"]
    assert [row[0] for row in ours] == names
    found = json.loads(call("list-components", "--kind", kind, "--json")[1])["components"]
    assert [row["name"] for row in found if row["distribution"] == "corenet"] == names


def test_json_has_the_promised_schema(call):
    code, stdout, stderr = call("list-components", "--json")
    found = json.loads(stdout)
    assert (code, stderr) == (0, "")
    assert list(found) == ["schema", "components", "plugins"]
    assert found["schema"] == 1
    relu = next(row for row in found["components"] if row["name"] == "relu")
    assert relu == {
        "name": "relu",
        "kind": "module",
        "distribution": "corenet",
        "version": corenet.__version__,
        "status": relu["status"],
        "summary": "y = max(x, 0)",
        "reason": "",
        "tags": ["activation"],
    }
    assert {row["kind"] for row in found["components"]} == set(KINDS)
    assert found["plugins"][0] == {
        "distribution": "corenet",
        "version": corenet.__version__,
        "author": "The corenet authors",
        "status": "loaded",
        "reason": "",
    }


def test_a_declared_component_is_listed_without_its_import(call, install):
    install("corenet-x", "corenet.modules", "softplus = x_code:Softplus", "x · σ(x)", x_code="raise AssertionError")
    assert ["softplus", "module", "corenet-x", "1.2", "declared", "x · σ(x)"] in rows(call("list-components")[1])
    found = json.loads(call("list-components", "--json")[1])
    assert {
        "distribution": "corenet-x",
        "version": "1.2",
        "author": "A. Stranger",
        "status": "declared",
        "reason": "",
    } in found["plugins"]


def test_a_broken_plugin_is_a_row_with_its_reason(call, install):
    install("corenet-x", "corenet", "x = x_hooks", x_hooks="1 / 0")
    code, stdout, stderr = call("list-components")
    assert (code, stderr) == (0, "")
    reason = "ZeroDivisionError: division by zero"
    assert ["corenet-x", "plugin", "corenet-x", "1.2", "broken", reason] in rows(stdout)
    found = json.loads(call("list-components", "--json")[1])
    assert "corenet-x" not in [row["distribution"] for row in found["components"]]
    (plugin,) = [plugin for plugin in found["plugins"] if plugin["distribution"] == "corenet-x"]
    assert (plugin["status"], plugin["reason"]) == ("broken", reason)


def test_clashes_show_with_their_way_out(call, install):
    for name in ("corenet-a", "corenet-b"):
        install(name, "corenet.modules", "softplus = x:X\nlinear = x:X", "ignored")
    found = {(row[2], row[0]): row[4:] for row in rows(call("list-components")[1])}
    assert found["corenet-a", "softplus"] == ["ambiguous", "also in corenet-b; use corenet-a:softplus"]
    assert found["corenet-b", "linear"] == ["shadowed", "the built-in keeps the name; use corenet-b:linear"]


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_what_strangers_wrote_cannot_steer_the_terminal(call, install, arguments):
    install("corenet-x", "corenet", "x = x_hooks", x_hooks=HOOKS.format(summary=NASTY))
    install("corenet-y", "corenet.modules", "declared = y:Y", NASTY)
    install("corenet-z", "corenet", "z = z_hooks", z_hooks=f"raise ImportError({NASTY!r})")
    stdout = call("list-components", *arguments)[1]
    text = json.dumps(json.loads(stdout), ensure_ascii=False) if arguments else stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert text.count(PLAIN) == (3 if arguments else 2)  # a tag shows in JSON only
    assert "ImportError: [31mred " + "x" * 178 + "…" in text


def test_what_a_plugin_prints_stays_out_of_the_json(call, install):
    install("corenet-x", "corenet", "x = x_hooks", x_hooks=HOOKS.format(summary="fine"))
    code, stdout, stderr = call("list-components", "--json")
    assert code == 0
    assert "softplus" in [row["name"] for row in json.loads(stdout)["components"]]
    assert stderr == "hello from a plugin\nand once more\n"


def test_a_summary_is_cut_to_the_terminal_and_to_nothing_else(call, install, monkeypatch):
    install("corenet-x", "corenet.modules", "softplus = x_code:Softplus", "z" * 150)
    assert "z" * 150 in call("list-components")[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    lines = call("list-components")[1].splitlines()
    assert max(map(len, lines)) == 100
    assert [line for line in lines if line.endswith("zz…")]
    monkeypatch.setenv("COLUMNS", "10")
    assert max(map(len, call("list-components")[1].splitlines())) == 10


@pytest.fixture
def strangers(install):
    """A plugin of each sort: broken, clashing, switched off by nobody, with tags."""
    install("corenet-a", "corenet.modules", "softplus = x:X\nlinear = x:X")
    install("corenet-b", "corenet.modules", "softplus = x:X", extra="Requires-Dist: corenet>=99\n")
    install("corenet-c", "corenet", "c = c_hooks", c_hooks="1 / 0")
    install("corenet-d", "corenet", "d = d_hooks", d_hooks=HOOKS.format(summary="fine").replace("softplus", "gelu"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--plugin", "Corenet_A"], [("softplus", "corenet-a", "declared"), ("linear", "corenet-a", "shadowed")]),
        (["--plugin", "corenet-c"], [("corenet-c", "corenet-c", "broken")]),
        (["--status", "broken"], [("corenet-c", "corenet-c", "broken")]),
        (["--status", "incompatible"], [("softplus", "corenet-b", "incompatible")]),
        (["--status", "shadowed", "--kind", "loss"], []),
        (["--tag", "fine"], [("gelu", "corenet-d", "declared")]),
        (["--plugin", "corenet-d", "--static"], [("corenet-d", "corenet-d", "declared")]),
        (["--plugin", "corenet-d", "--no-plugins"], [("corenet-d", "corenet-d", "disabled")]),
    ],
)
def test_rows_can_be_chosen(call, strangers, arguments, expected):
    table = rows(call("list-components", *arguments)[1])
    assert [(row[0], row[2], row[4]) for row in table] == expected
    found = json.loads(call("list-components", *arguments, "--json")[1])
    assert {row["distribution"] for row in found["plugins"]} == {plugin for _, plugin, _ in expected}
    listed = [(row["name"], row["distribution"], row["status"]) for row in found["components"]]
    assert listed == [row for row in expected if row[0] != row[1]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plugin", "corenet-q"], "no plugin is called 'corenet-q' (did you mean 'corenet-d'?)"),
        (["--tag", "fin"], "no component has the tag 'fin' (did you mean 'fine'?)"),
    ],
)
def test_a_filter_that_nothing_has_is_a_mistake(call, strangers, arguments, message):
    code, stdout, stderr = call("list-components", *arguments)
    assert (code, stdout, stderr.splitlines()[-1]) == (2, "", f"corenet: {message}")


def test_what_offers_commands_alone_is_of_no_kind(call, install):
    install("corenet-x", "corenet.commands", "x = x:X")
    install("corenet-y", "corenet", "y = y_hooks", y_hooks="1 / 0")
    assert "corenet-x" in call("list-components")[1]
    stdout = call("list-components", "--kind", "loss")[1]
    assert ("corenet-x" in stdout, "corenet-y" in stdout) == (False, True)


def test_statically_a_hook_module_is_not_imported(call, strangers):
    stderr = call("list-components", "--static")[2]
    assert stderr == ""
    assert "d_hooks" not in sys.modules
    assert "hello" in call("list-components")[2]


def test_a_broken_plugin_is_an_error_when_strict(call, strangers, monkeypatch):
    monkeypatch.setenv("CORENET_STRICT", "1")
    monkeypatch.setenv("CORENET_PLUGINS", "corenet-c")
    message = "corenet: corenet-c is broken, and CORENET_STRICT=1: ZeroDivisionError: division by zero\n"
    assert call("list-components") == (1, "", message)
    assert call("check", "relu") == (1, "", message)
    assert call("--no-plugins", "list-components").code == 0
