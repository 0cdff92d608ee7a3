"""What ``--set`` stands for."""

import pytest

import corenet as cn
from corenet.experiments.changing import settings


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("1e-3", 1e-3),
        ("true", True),
        ("relu", "relu"),
        ("'3'", "3"),
        ("[8, 8]", [8, 8]),
        ("0.5,0.9", [0.5, 0.9]),
        ("8, 8", [8, 8]),
        ("a,b", "a,b"),
        (",", ","),
        ("", ""),
        ('say "no"', 'say "no"'),
    ],
)
def test_a_value_is_of_toml_or_several_of_them_or_a_string(text, value):
    assert settings([f"optimizer.x={text}"]) == {"optimizer": {"x": value}}


def test_entries_of_one_table_come_together():
    assert settings(["a.x=1", "b=2", "a.y=3"]) == {"a": {"x": 1, "y": 3}, "b": 2}


@pytest.mark.parametrize("asked", ["lr", "=1", "a b=1"])
def test_what_is_no_assignment_is_refused(asked):
    with pytest.raises(cn.ConfigError, match=f"--set {asked}: say the entry"):
        settings([asked])
