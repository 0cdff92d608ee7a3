"""How a user hears that another engine runs than the one that was asked for."""

import logging

import pytest

import corenet as cn
from corenet.training.engines.unsupported import CannotCompile, NotRecordable, Reporter


def test_a_refusal_has_a_code_a_text_and_a_fix():
    error = NotRecordable("the step reads a tensor's values in Python", "ask outside of forward")
    assert (error.code, error.text, error.fix) == (
        "not-recordable",
        "the step reads a tensor's values in Python",
        "ask outside of forward",
    )
    assert str(error) == "the step reads a tensor's values in Python; ask outside of forward"
    assert str(CannotCompile("there is no compiler")) == "there is no compiler"
    assert CannotCompile("").code == "cannot-compile"


def test_a_fallback_from_an_engine_asked_by_name_is_a_warning(caplog):
    with caplog.at_level("INFO", logger="corenet"), pytest.warns(cn.EngineWarning) as told:
        Reporter(asked_by_name=True).fallback("engine 'plain' runs, not 'replay'", NotRecordable("it draws", "seed it"))
    assert [str(each.message) for each in told] == ["engine 'plain' runs, not 'replay': it draws; seed it"]
    assert not caplog.records


def test_a_fallback_of_auto_is_a_line_in_the_log(caplog):
    with caplog.at_level("INFO", logger="corenet"):
        Reporter().fallback("engine 'plain' runs, not 'replay'", NotRecordable("it draws"))
    assert caplog.record_tuples == [("corenet", logging.INFO, "engine 'plain' runs, not 'replay': it draws")]


@pytest.mark.parametrize("asked_by_name", [False, True])
def test_a_bug_is_a_warning_whoever_asked(asked_by_name, monkeypatch):
    for name in ("CORENET_STRICT", "CORENET_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    told = "engine 'replay' runs, not 'compiled': a bug in corenet, please report it: KeyError: 'x'"
    with pytest.warns(cn.EngineWarning) as warnings:
        Reporter(asked_by_name).bug("engine 'replay' runs, not 'compiled'", KeyError("x"))
    assert [str(each.message) for each in warnings] == [told]


@pytest.mark.parametrize("name", ["CORENET_STRICT", "CORENET_DEBUG"])
def test_a_bug_is_raised_where_bugs_are_looked_for(name, monkeypatch):
    monkeypatch.setenv(name, "1")
    with pytest.raises(KeyError, match="x"):
        Reporter().bug("engine 'replay' runs, not 'compiled'", KeyError("x"))
