"""The components of a file that is not installed."""

import pickle

import pytest

import corenet as cn
from corenet.cli.component_file import class_of, components_in, is_file
from corenet.errors import ConfigError, OutputError

CODE = """
from abc import ABC, abstractmethod
import corenet as cn
from beside import GAIN

class _Private(cn.Module):
    def forward(self, input):
        return input

class Base(cn.Module):
    "Leaves the formula to others."

class Abstract(cn.Module, ABC):
    @abstractmethod
    def slope(self): ...
    def forward(self, input):
        return input

class Other(Base):
    def forward(self, input):
        return GAIN * input

class Gaps(cn.ElementwiseLoss):
    "Leaves the elements to others."

class Gap(Gaps):
    def elements(self, input, target):
        return input - target

class Step(cn.Optimizer):
    def update(self, param, grad, state): ...

Alias = cn.ReLU
number = 3
class NoKind: ...
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beside.py").write_text("GAIN = 2", encoding="utf-8")

    def write(code, name):
        (tmp_path / name).write_text(code, encoding="utf-8")
        return name

    return write


def test_a_file_is_told_from_other_names():
    names = ("a.py", "b/a.py", "../a.py:A", "corenet-x:swish", "relu", "a.pyc", "a.py:")
    assert [is_file(name) for name in names] == [True, True, True, False, False, False, True]


def test_a_file_offers_its_own_public_classes_that_have_their_formula(file):
    path = file(CODE, "own_classes.py")
    assert components_in(path) == [
        ("module", "own_classes.py:Other"),
        ("loss", "own_classes.py:Gap"),
        ("optimizer", "own_classes.py:Step"),
    ]


def test_any_class_can_be_named(file):
    path = file(CODE, "named_classes.py")
    assert components_in(f"{path}:_Private") == [("module", "named_classes.py:_Private")]
    assert components_in(f"{path}:Alias") == [("module", "named_classes.py:Alias")]


def test_its_classes_are_those_that_a_pickle_finds(file):
    path = file(CODE, "pickled_classes.py")
    cls = class_of(components_in(f"{path}:Other")[0])
    assert issubclass(cls, cn.Module)
    assert type(pickle.loads(pickle.dumps(cls()))) is cls


@pytest.mark.parametrize(
    ("code", "target", "error", "message"),
    [
        ("", "gone.py", OutputError, "there is no file gone.py"),
        ("x = 1\ndef", "syntax.py", ConfigError, "syntax.py:2: invalid syntax"),
        ("import beside_gone", "imports.py", ConfigError, "importing imports.py raises ModuleNotFoundError: No module"),
        ("raise SystemExit(3)", "exits.py", ConfigError, "importing exits.py raises SystemExit: 3"),
        ("open('gone.txt')", "opens.py", ConfigError, "importing opens.py raises FileNotFoundError"),
        ("class Swish: ...", "noted.py:Swich", ConfigError, "noted.py has no class 'Swich' (did you mean 'Swish'?)"),
        ("number = 1", "number.py:number", ConfigError, "number.py has no class 'number'"),
        ("class Swish: ...", "kind.py:Swish", ConfigError, "Swish is not a component: no Module, Loss"),
        ("class Swish: ...", "empty.py", ConfigError, "empty.py defines no component of its own"),
    ],
)
def test_bad_input_is_named(file, code, target, error, message):
    if code:
        file(code, target.partition(":")[0])
    with pytest.raises(error) as raised:
        components_in(target)
    assert str(raised.value).startswith(message)
