"""Every installed distribution is found, none is imported, and unreadable metadata costs its own only."""

import sys

import pytest

import corenet
from corenet.registry.discovery import Declared, discover
from corenet.registry.registry import Registry
from corenet.registry.settings import Settings

HOOKS = """
from corenet.registry import ComponentSpec, hookimpl

@hookimpl
def corenet_modules():
    yield ComponentSpec("hooked", "x_code:X")
"""
NEVER = "raise AssertionError('imported')"


BOTH = {"corenet": "x = x_hooks", "corenet.modules": "swish = x_code:Swish"}
REQUIRES = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\nRequires-Dist: corenet"


def found(*names, **how):
    """Return the plugins of these distributions."""
    return [plugin for plugin in discover(**how) if plugin.distribution in names]


def rows(*names):
    return Registry(found(*names)).components()


def test_the_built_in_plugin_comes_first():
    first = next(iter(discover()))
    assert (first.distribution, first.version, first.author) == ("corenet", corenet.__version__, "The corenet authors")
    assert first.load() is sys.modules["corenet.builtin"]


def test_declared_components_are_found_in_their_groups_and_not_imported(install):
    groups = {
        "corenet.modules": "swish = x_code:Swish\nnested = x_code : Outer.Inner [extra]",
        "corenet.losses": "hinge = x_code:Hinge",
        "corenet.optimizers": "adam = x_code:Adam",
        "console_scripts": "x = x_code:main",
    }
    install("Corenet_X", groups, x_code=NEVER)
    (plugin,) = found("corenet-x")
    assert (plugin.version, plugin.author) == ("1.2", "A. Stranger")
    assert isinstance(plugin.load(), Declared)
    assert [(row.kind, row.name, row.target, row.status) for row in rows("corenet-x")] == [
        ("module", "swish", "x_code:Swish", "declared"),
        ("module", "nested", "x_code:Outer.Inner", "declared"),
        ("loss", "hinge", "x_code:Hinge", "declared"),
        ("optimizer", "adam", "x_code:Adam", "declared"),
    ]
    assert {row.summary for row in rows("corenet-x")} == {"What Corenet_X is"}
    assert "x_code" not in sys.modules


def test_a_hook_module_is_imported_when_asked_and_its_target_is_not(install):
    install("corenet-x", {"corenet": "anything = x_hooks"}, x_hooks=HOOKS, x_code=NEVER)
    (plugin,) = found("corenet-x")
    assert "x_hooks" not in sys.modules
    assert plugin.load() is sys.modules["x_hooks"]
    assert [row.qualified_name for row in rows("corenet-x")] == ["corenet-x:hooked"]
    assert "x_code" not in sys.modules


def test_one_distribution_may_do_both(install):
    install("corenet-x", {"corenet": "x = x_hooks", "corenet.modules": "swish = x_code:Swish"}, x_hooks=HOOKS)
    assert len(found("corenet-x")) == 2
    assert [row.name for row in rows("corenet-x")] == ["hooked", "swish"]
    assert [plugin.status for plugin in Registry(found("corenet-x")).plugins()] == ["loaded"]


def test_declaring_alone_imports_nothing_and_says_so(install):
    install("corenet-x", {"corenet.modules": "swish = x_code:Swish"}, x_code=NEVER)
    assert [plugin.status for plugin in Registry(found("corenet-x")).plugins()] == ["declared"]


def test_a_malformed_declaration_costs_nobody_else(install):
    install("corenet-x", {"corenet.modules": "bad = x_code\ngood = x_code:X"})
    assert [(row.name, row.status) for row in rows("corenet-x")] == [("bad", "broken"), ("good", "declared")]


@pytest.mark.parametrize(
    ("fields", "author"),
    [("Author: Ann\n", "Ann"), ("Author-email: Ann <a@b>\n", "Ann <a@b>"), ("", "")],
)
def test_the_author_is_a_name_or_a_mail(install, fields, author):
    metadata = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n" + fields
    install("corenet-x", {"corenet.modules": "x = x:X"}, metadata)
    assert [plugin.author for plugin in found("corenet-x")] == [author]


def test_a_missing_version_is_empty(install):
    install("corenet-x", {"corenet.modules": "x = x:X"}, "Metadata-Version: 2.1\nName: {name}\n")
    assert [(row.version, row.summary) for row in rows("corenet-x")] == [("", "")]


@pytest.mark.parametrize(
    "metadata", [None, "", "Version: 1.2\n", b"Name: corenet-x\n\xff\xfe\n"], ids=["none", "empty", "nameless", "bytes"]
)
def test_unreadable_metadata_is_a_broken_plugin_and_costs_nobody_else(install, site, metadata):
    install("corenet-bad", {"corenet.modules": "swish = x:X"}, metadata)
    install("corenet-good", {"corenet.modules": "good = x:X"})
    broken, good = sorted(rows("corenet-bad", "corenet-good"), key=lambda row: row.status)
    assert (broken.kind, broken.version, broken.status, good.status) == ("plugin", "1.2", "broken", "declared")
    assert broken.reason.startswith(f"its METADATA in {site}"[:150])


def test_unreadable_entry_points_are_nobodys(install):
    info = install("corenet-bad", {"corenet.modules": "swish = x:X"})
    (info / "entry_points.txt").write_bytes(b"[corenet.modules]\nswish = \xff\n")
    install("corenet-good", {"corenet.modules": "good = x:X"})
    assert [row.name for row in rows("corenet-bad", "corenet-good", "unknown")] == ["good"]


def test_the_first_metadata_on_the_path_counts(install, site, tmp_path, monkeypatch):
    older = tmp_path / "older"
    install("corenet-x", {"corenet.modules": "new = x:X"})
    install("Corenet.X", {"corenet.modules": "old = x:X"}, folder=older)
    monkeypatch.setattr(sys, "path", [str(site), str(older), *sys.path])
    assert [row.name for row in rows("corenet-x")] == ["new"]


def test_nobody_can_pass_for_the_built_in(install):
    install("CoreNet", {"corenet.modules": "linear = evil:Linear\nevil = evil:Evil"})
    assert len(found("corenet")) == 1
    assert "evil" not in [row.name for row in Registry(discover()).components()]


def stands(**how):
    made = Registry(found("corenet-x", **how))
    (plugin,) = made.plugins()
    assert not {"x_hooks", "x_code"} & set(sys.modules)
    return (plugin.status, plugin.reason), [(row.kind, row.name, row.status) for row in made.components()]


def test_a_disabled_plugin_is_not_imported_and_lists_what_it_declares(install):
    install("corenet-x", BOTH, x_hooks=NEVER, x_code=NEVER)
    off = ("disabled", "CORENET_DISABLE_PLUGINS names corenet-x; take it out to use the plugin")
    assert stands(settings=Settings(frozenset({"corenet-x"}))) == (off, [("module", "swish", "disabled")])


def test_an_incompatible_plugin_is_not_imported_and_lists_what_it_declares(install):
    install("corenet-x", BOTH, REQUIRES + ">=99\n", x_hooks=NEVER, x_code=NEVER)
    (status, reason), rows = stands()
    assert (status, rows) == ("incompatible", [("module", "swish", "incompatible")])
    assert reason.startswith(f"it needs corenet>=99 and this is corenet {corenet.__version__}; ")


def test_a_hook_plugin_that_may_not_be_imported_is_a_row_of_its_own(install):
    install("corenet-x", {"corenet": "x = x_hooks"}, REQUIRES + ">=99\n", x_hooks=NEVER)
    assert stands()[1] == [("plugin", "corenet-x", "incompatible")]
    assert stands(settings=Settings(allowed=frozenset()))[1] == [("plugin", "corenet-x", "disabled")]
    assert stands(settings=Settings(allowed=frozenset()))[0][0] == "disabled"  # the first of the two


def test_statically_no_hook_module_is_imported(install):
    install("corenet-x", {"corenet": "x = x_hooks"}, x_hooks=NEVER)
    unasked = ("declared", "its hook module was not imported")
    assert stands(static=True) == (unasked, [("plugin", "corenet-x", "declared")])


def test_a_plugin_that_fits_is_used(install):
    install("corenet-x", {"corenet.modules": "swish = x_code:Swish"}, REQUIRES + ">=0.1,<1\n")
    assert stands() == (("declared", ""), [("module", "swish", "declared")])


def test_a_distribution_with_a_command_alone_is_a_row_of_its_own(install):
    install("corenet-x", {"corenet.commands": "x = x_code:x"}, x_code=NEVER)
    assert stands() == (("declared", ""), [("plugin", "corenet-x", "declared")])
