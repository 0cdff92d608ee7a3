"""Lines that wrap between words on a terminal."""

import sys

import click
import pytest

import corenet as cn
from corenet.cli.echo import echo

LINE = "ok     module     corenet:relu: 20 passed, 2 skipped, worst relative error 2.1e-10 in each of its cases"


def test_a_line_in_a_pipe_stays_whole(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    echo(LINE, indent=7)
    assert capsys.readouterr().out == f"{LINE}\n"


@pytest.mark.parametrize("columns", [60, 80, 100])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_on_a_terminal_words_wrap_whole(capsys, monkeypatch, columns, stream):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(getattr(sys, stream), "isatty", lambda: True, raising=False)
    echo(LINE, indent=7, err=stream == "stderr")
    captured = capsys.readouterr()
    first, *rest = (captured.err if stream == "stderr" else captured.out).splitlines()
    assert first.startswith("ok     module     corenet:relu: 20 passed")
    assert rest
    assert all(line.startswith(" " * 7) and line[7] != " " for line in rest)
    assert max(map(len, [first, *rest])) <= columns
    assert " ".join([first, *(line.strip() for line in rest)]) == LINE


def test_a_line_that_fits_keeps_its_spaces(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    echo("a    b")
    assert capsys.readouterr().out == "a    b\n"


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("command", ["inspect", "summary"])
def test_what_a_model_file_is_told_to_hold_wraps_on_a_terminal(call, tmp_path, monkeypatch, command, columns):
    model = cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1))
    cn.save(tmp_path / "m.safetensors", model, cn.Adam(model.parameters()))
    whole = call(command, "m.safetensors").stdout
    assert max(map(len, whole.splitlines())) > 80
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    wrapped = click.unstyle(call(command, "m.safetensors").stdout)
    assert max(len(line) for line in wrapped.splitlines() if len(line.split()) > 1) <= columns  # a digest is one word
    assert set(whole.split()) <= set(wrapped.split())
