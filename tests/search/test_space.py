"""What --param says: ranges, on a scale of their own, and choices; what is none is refused in a line."""

import pytest

pytest.importorskip("optuna")

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

import corenet as cn
from corenet.search.space import change, space


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0:0.99", FloatDistribution(0.0, 0.99)),
        ("log:1e-3:1", FloatDistribution(0.001, 1.0, log=True)),
        ("-2:3", IntDistribution(-2, 3)),
        ("log:16:256", IntDistribution(16, 256, log=True)),
        ("16,32,64", CategoricalDistribution(["16", "32", "64"])),
        ("relu,tanh", CategoricalDistribution(['"relu"', '"tanh"'])),
        ("[8],[32, 32]", CategoricalDistribution(["[8]", "[32, 32]"])),
        ("true,false", CategoricalDistribution(["true", "false"])),
    ],
)
def test_values(text, expected):
    assert space([f"a.b={text}"]) == {"a.b": expected}


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ("optimizer.lr", "say the entry and its values"),
        ("=1:2", "say the entry and its values"),
        ("a=", "say the entry and its values"),
        ("a=2:1", "2 is not less than 1"),
        ("a=1:1", "1 is not less than 1"),
        ("a=nan:1", "a range is LOW:HIGH or log:LOW:HIGH, not nan:1"),
        ("a=1:2:3", "a range is LOW:HIGH"),
        ("a=log:0:1", "log: takes numbers above 0, not 0"),
        ("a=relu", "at least two different values"),
        ("a=1,1", "at least two different values"),
    ],
)
def test_what_is_no_space_is_refused_in_a_line(param, message):
    with pytest.raises(cn.ConfigError, match=message) as caught:
        space([param])
    assert str(caught.value).startswith(f"--param {param}: ")
    assert "\n" not in str(caught.value)


def test_an_entry_is_given_once():
    with pytest.raises(cn.ConfigError, match="a is given twice"):
        space(["a=1:2", "a=3:4"])


def test_a_value_as_an_assignment():
    found = space(["a=0:1.5", "b=relu,tanh", "c=[8],[9]"])
    values = {"a": 0.25, "b": '"tanh"', "c": "[9]"}
    assert [change(name, found[name], values[name]) for name in found] == ["a=0.25", 'b="tanh"', "c=[9]"]
