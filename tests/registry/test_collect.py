"""A plugin's components are collected in a guard of its own: whatever it does is a cause in its own row."""

import re
import sys
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pluggy
import pytest

from corenet.registry import ComponentSpec, hookimpl
from corenet.registry.collect import collect, failure, reason_of
from corenet.registry.discovery import Declared, Plugin
from corenet.registry.reason import Reason
from corenet.registry.registry import Registry

WHY = Reason("disabled", "why")


def hooks(**functions):
    """Return a plugin with these hooks."""
    return SimpleNamespace(**{name: hookimpl(function) for name, function in functions.items()})


def collected(implementation):
    return collect(Plugin("corenet-x", "1.2", "A. Stranger", lambda: implementation))


def raising(error):
    def load():
        raise error

    return load


def boom():
    yield ComponentSpec("fine", "x:Fine")
    raise ZeroDivisionError("in the hook")


def test_a_plugin_that_answers_is_loaded():
    plugin, rows = collected(hooks(corenet_losses=lambda: [ComponentSpec("x", "x:X", "what", ("y",), ("tag",))]))
    assert (plugin.distribution, plugin.version, plugin.author) == ("corenet-x", "1.2", "A. Stranger")
    assert (plugin.status, plugin.reason) == ("loaded", "")
    (row,) = rows
    assert (row.name, row.kind, row.distribution, row.version) == ("x", "loss", "corenet-x", "1.2")
    assert (row.status, row.summary, row.target, row.aliases, row.tags) == ("declared", "what", "x:X", ("y",), ("tag",))


@pytest.mark.parametrize("answer", [[], (), None, iter(())])
def test_a_plugin_may_have_nothing_to_offer(answer):
    plugin, rows = collected(hooks(corenet_modules=lambda: answer))
    assert (plugin.status, rows) == ("loaded", [])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImportError("No module named 'y'"), "ImportError: No module named 'y'"),
        (SystemExit(3), "SystemExit: 3"),
        (SyntaxError("bad\x1b[31m\nline"), "SyntaxError: bad[31m line"),
        (ValueError("x" * 500), "ValueError: " + "x" * 187 + "…"),
    ],
)
def test_what_loading_raises_is_the_reason(error, reason):
    plugin, rows = collect(Plugin("corenet-x", "1", "", raising(error)))
    assert (plugin.status, plugin.reason, rows) == ("broken", reason, [])
    assert reason_of(error) == reason


def test_an_error_that_cannot_be_told_is_a_reason_too():
    class SecretError(Exception):
        def __str__(self):
            raise RuntimeError

    plugin, _ = collect(Plugin("corenet-x", "1", "", raising(SecretError())))
    assert (plugin.status, plugin.reason) == ("broken", "SecretError: its message cannot be read")


def test_what_is_printed_goes_to_stderr(capsys):
    collected(hooks(corenet_modules=lambda: print("hello") or []))
    assert capsys.readouterr() == ("", "hello\n")


@pytest.mark.parametrize("status", ["disabled", "incompatible"])
def test_what_is_known_without_an_import_has_the_status_of_its_plugin(status):
    entry_points = [EntryPoint("swish", "x:Swish", "corenet.modules"), EntryPoint("bad", "x", "corenet.losses")]
    plugin, rows = collect(Plugin("corenet-x", "1", "", lambda: Declared(entry_points, "what"), status, (WHY,)))
    assert (plugin.status, plugin.reason) == (status, "why")
    assert [(row.name, row.kind, row.status, row.reason) for row in rows] == [
        ("swish", "module", status, "why"),
        ("bad", "loss", status, "why"),
    ]


def test_a_hook_that_fails_is_named_and_costs_the_others_nothing():
    def skip():
        raise SkippedAtImport

    good = [ComponentSpec("fine", "x:Fine")]
    plugin, rows = collected(hooks(corenet_modules=lambda: good, corenet_losses=skip, corenet_optimizers=lambda: 5))
    assert [row.name for row in rows] == ["fine"]
    assert plugin.reason == (
        "corenet_losses(): SkippedAtImport:; corenet_optimizers(): TypeError: 'int' object is not iterable"
    )


class SkippedAtImport(BaseException):
    """As pytest's own is, no Exception."""


def test_where_it_was_is_shown_to_who_debugs(monkeypatch, capsys):
    collected(hooks(corenet_modules=boom))
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("CORENET_DEBUG", "1")
    collected(hooks(corenet_modules=boom))
    assert 'raise ZeroDivisionError("in the hook")' in capsys.readouterr().err


def test_the_user_may_still_interrupt():
    with pytest.raises(KeyboardInterrupt):
        collect(Plugin("corenet-x", "1", "", raising(KeyboardInterrupt())))


@pytest.mark.parametrize(
    ("implementation", "reason"),
    [
        (hooks(corenet_modules=boom), r"corenet_modules\(\): ZeroDivisionError: in the hook"),
        (hooks(corenet_modules=lambda: 1 / 0), r"corenet_modules\(\): ZeroDivisionError: division by zero"),
        (hooks(corenet_modules=lambda: [3]), r"corenet_modules\(\): TypeError: it must yield ComponentSpec, not 3"),
        (hooks(corenet_losses=lambda: "mse"), r"corenet_losses\(\): TypeError: it must yield ComponentSpec, not 'm'"),
        (hooks(corenet_modules=lambda: 7), r"corenet_modules\(\): TypeError: 'int' object is not iterable"),
        (hooks(corenet_modules=lambda: ComponentSpec("x", "x:X")), r"corenet_modules\(\): TypeError: .*not iterable"),
        (
            hooks(corenet_modules=lambda: [ComponentSpec(None, "x:X")]),
            r"corenet_modules\(\): ConfigError: ComponentSpec: name must be .*",
        ),
        (hooks(corenet_modules=lambda wrong: []), r"PluginValidationError: .*wrong.*"),
        (hooks(corenet_layers=lambda: []), r"PluginValidationError: unknown hook 'corenet_layers'.*"),
    ],
    ids=["half way", "raises", "rubbish", "string", "number", "no list", "bad spec", "signature", "unknown hook"],
)
def test_a_hook_that_misbehaves_breaks_its_plugin_whole(implementation, reason):
    plugin, rows = collected(implementation)
    assert (plugin.status, rows) == ("broken", [])
    assert re.fullmatch(reason, plugin.reason), plugin.reason


@pytest.mark.parametrize(
    ("name", "target", "reason"),
    [
        ("swish", "corenet_x", "a target is 'package.module:Class', not 'corenet_x'"),
        ("swish", "corenet_x:", "a target is 'package.module:Class', not 'corenet_x:'"),
        ("swish", "", "a target is 'package.module:Class', not ''"),
        ("swish", "a b:C", "a target is 'package.module:Class', not 'a b:C'"),
        ("a:b", "x:X", "a name is made of letters, digits and underscores, not 'a:b'"),
        ("", "x:X", "a name is made of letters, digits and underscores, not ''"),
        ("a b", "x:X", "a name is made of letters, digits and underscores, not 'a b'"),
    ],
)
def test_a_spec_that_cannot_work_is_broken_alone(name, target, reason):
    specs = [ComponentSpec(name, target), ComponentSpec("fine", "x.y:Outer.Inner")]
    plugin, (broken, fine) = collected(hooks(corenet_modules=lambda: specs))
    assert (broken.status, broken.reason) == ("broken", reason)
    assert (fine.status, plugin.status) == ("declared", "loaded")


def test_a_wrapper_sees_no_other_plugin():
    @hookimpl(wrapper=True)
    def corenet_modules():
        yield
        return [[ComponentSpec("stolen", "x:X")]]

    wrapper = SimpleNamespace(corenet_modules=corenet_modules)
    honest = hooks(corenet_modules=lambda: [ComponentSpec("mine", "y:Y")])
    plugins = [Plugin("corenet-x", "1", "", lambda: wrapper), Plugin("corenet-y", "1", "", lambda: honest)]
    assert [row.qualified_name for row in Registry(plugins).components()] == ["corenet-x:stolen", "corenet-y:mine"]


def test_a_hook_of_another_project_is_left_alone():
    @pluggy.HookimplMarker("pytest")
    def corenet_modules():
        raise AssertionError

    assert collected(SimpleNamespace(corenet_modules=corenet_modules))[0].status == "loaded"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import not_there.sub", ("missing_module", "ModuleNotFoundError: No module named 'not_there'", "not_there")),
        ("import sys; sys.gone", ("missing_attribute", "AttributeError: module 'sys' has no attribute 'gone'", "")),
        ("1 / 0", ("raised", "ZeroDivisionError: division by zero", "")),
        ("raise ImportError('no luck')", ("raised", "ImportError: no luck", "")),
        ("raise SystemExit(3)", ("raised", "SystemExit: 3", "")),
    ],
)
def test_what_was_raised_has_a_code(code, expected):
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - of any kind
        exec(code, {})
    found = failure(caught.value)
    assert (found.code, found.text, found.subject) == expected
    assert failure(caught.value, "hook(): ").text == f"hook(): {found.text}"


@pytest.mark.parametrize(
    ("torch", "message"),
    [
        (None, "ModuleNotFoundError: No module named 'torch'"),
        ("raise OSError('libc10.so: cannot open')", "OSError: libc10.so: cannot open"),
        ("import not_there", "ModuleNotFoundError: No module named 'not_there'"),
    ],
    ids=["missing", "unloadable", "incomplete"],
)
def test_a_torch_that_cannot_be_imported_is_the_cause(install, monkeypatch, torch, message):
    monkeypatch.delitem(sys.modules, "torch")
    install("corenet-x", {"corenet": "x = x_hooks"}, x_hooks="import torch", **({"torch": torch} if torch else {}))
    if torch is None:
        monkeypatch.setattr(sys, "path", [each for each in sys.path if not Path(each, "torch").exists()])
    with pytest.raises((ImportError, OSError)) as caught:
        import_module("x_hooks")
    assert failure(caught.value) == Reason("torch_unavailable", f"torch cannot be imported: {message}", subject="torch")
