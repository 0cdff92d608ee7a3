"""Every public name is there, known to type checkers, and documented."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import corenet as cn
from corenet.registry.registry import builtin_classes

PACKAGE = Path(cn.__file__).parent


def reexported(path):
    """Yield ``(module, name)`` for what a file offers to a type checker; ``import *`` stands for all that it names."""
    (block,) = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.If)]
    for node in block.body:
        for alias in node.names:
            if alias.name != "*":
                assert alias.asname == alias.name, f"{alias.name} is not re-exported: write 'as {alias.name}'"
                yield node.module, alias.name
            elif node.module == "corenet.errors":
                yield from ((node.module, name) for name in importlib.import_module(node.module).__all__)
            else:
                yield from reexported(PACKAGE.parent / node.module.replace(".", "/") / "__init__.py")


def test_dir_and_the_typed_names_agree():
    typed = {name for _, name in reexported(PACKAGE / "__init__.py")}
    missing, unknown = sorted(set(dir(cn)) - typed - {"__version__"}), sorted(typed - set(dir(cn)))
    assert not missing, f"a type checker does not know {missing}; add a component to corenet/builtin/__init__.py"
    assert not unknown, f"{unknown} are known to a type checker alone"


def test_the_type_checker_finds_each_name_where_it_is():
    for module, name in reexported(PACKAGE / "__init__.py"):
        assert getattr(importlib.import_module(module), name) is getattr(cn, name), f"{name} is not {module}'s"


def test_every_component_that_is_built_in_is_a_public_name():
    assert set(builtin_classes()) <= set(dir(cn))


@pytest.mark.parametrize("name", dir(cn))
def test_every_public_name_is_there(name):
    assert getattr(cn, name) is getattr(cn, name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'corenet' has no attribute 'Liner'"):
        _ = cn.Liner


def public_members(owner):
    return [name for name in vars(owner) if not name.startswith("_")]


def undocumented():
    """Yield every public class, function and method reachable from corenet that has no docstring."""
    reached = {f"cn.{name}": getattr(cn, name) for name in dir(cn)}
    for module in (cn.data, cn.testing):
        reached |= {f"{module.__name__}.{name}": getattr(module, name) for name in public_members(module)}
    for name, value in reached.items():
        if not (inspect.isclass(value) or inspect.isfunction(value)) or not value.__module__.startswith("corenet"):
            continue
        if not value.__doc__:
            yield name
        if inspect.isclass(value):
            methods = [each for each in public_members(value) if callable(getattr(value, each))]
            yield from (f"{name}.{each}" for each in methods if not inspect.getdoc(getattr(value, each)))


def test_every_public_class_function_and_method_has_a_docstring():
    assert list(undocumented()) == []
