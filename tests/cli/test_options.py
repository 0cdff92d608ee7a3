"""The options that commands share."""

import json
import re
import sys
from pathlib import Path

import click
import pytest
import torch

from corenet.cli import main, options
from corenet.errors import DeviceError, OutputError


@pytest.mark.parametrize(
    ("gpu", "name", "device"),
    [(False, "auto", "cpu"), (False, "cpu", "cpu"), (True, "auto", "cuda"), (True, "cpu", "cpu")],
)
def test_auto_takes_a_gpu_if_there_is_one(monkeypatch, gpu, name, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert options.device_for(name) == device


def test_a_gpu_that_is_asked_for_has_to_be_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"^--device cuda: torch sees no GPU here; use --device cpu$"):
        options.device_for("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert options.device_for("cuda") == "cuda"


def test_prepare_makes_the_folder_and_leaves_nothing_in_it(tmp_path):
    folder = tmp_path / "a" / "b"
    options.prepare(folder)
    assert list(folder.iterdir()) == []


def test_prepare_touches_no_file_that_is_there(tmp_path):
    for name in (".corenet", "results.json"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    options.prepare(tmp_path)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        ".corenet": "mine",
        "results.json": "mine",
    }


def test_prepare_refuses_what_is_no_folder(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    for folder in (file, file / "below"):
        with pytest.raises(OutputError) as caught:
            options.prepare(folder)
        message = rf"cannot write to {re.escape(str(folder))}: (File exists|Not a directory); choose .* --out"
        assert re.fullmatch(message, str(caught.value))
    assert file.read_text(encoding="utf-8") == "mine"


def test_prepare_refuses_a_folder_that_takes_no_file(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(OutputError, match=r"Permission denied; choose another folder with --out$"):
        options.prepare(tmp_path)


@pytest.mark.parametrize(
    ("quiet", "terminal", "shown"), [(False, True, None), (False, False, False), (True, True, False)]
)
def test_progress_is_for_terminals(monkeypatch, quiet, terminal, shown):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    assert options.progress(quiet) is shown


def test_a_missing_matplotlib_is_said_in_one_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert options.can_draw() is False
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == 'no figures: figures need matplotlib; run: pip install "corenet[plot]"\n'


def test_with_matplotlib_nothing_is_said(capsys):
    pytest.importorskip("matplotlib")
    assert options.can_draw() is True
    assert capsys.readouterr() == ("", "")


@click.command()
@options.seed
@options.device
@options.json
@options.out("folder")
def echo(seed, device, as_json, out):
    print("a chatty plugin")
    if as_json:
        options.print_json({"seed": seed, "device": device, "out": str(out), "name": "Wᵀ"})


def test_json_is_alone_on_stdout(capsys):
    echo.main(["--json"], standalone_mode=False)
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"seed": 0, "device": "auto", "out": "folder", "name": "Wᵀ"}
    assert captured.out.isascii()
    assert captured.err == "a chatty plugin\n"
    print("back")
    assert capsys.readouterr().out == "back\n"


def test_without_json_stdout_is_left_alone(capsys):
    echo.main([], standalone_mode=False)
    assert capsys.readouterr() == ("a chatty plugin\n", "")


@pytest.mark.parametrize("seed", ["0", "4294967295"])
def test_every_seed_that_torch_can_tell_apart_is_taken(capsys, seed):
    echo.main(["--json", "--seed", seed], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["seed"] == int(seed)


@pytest.mark.parametrize("seed", ["-1", "4294967296", "x", "0.5"])
def test_any_other_seed_is_refused(seed):
    with pytest.raises(click.BadParameter):
        echo.main(["--seed", seed], standalone_mode=False)


@pytest.mark.parametrize("command", ["demo", "reproduce 003a", "check relu"])
def test_an_unwritable_folder_is_found_before_anything_is_done(call, monkeypatch, tmp_path, command):
    def too_late(*_, **__):
        raise AssertionError("trained or checked before the folder was tried")

    for place in (
        "corenet.experiments.run",
        "corenet.testing.check_component",
        "corenet.testing.support.guess.trials_of",
    ):
        monkeypatch.setattr(place, too_late)
    (tmp_path / "file").touch()
    folder = Path("file", "out")
    code, stdout, stderr = call(*command.split(), "--out", folder)
    assert (code, stdout) == (2, "")
    assert stderr == f"corenet: cannot write to {folder}: Not a directory; choose another folder with --out\n"


@pytest.mark.parametrize("command", ["demo", "reproduce 003a"])
def test_a_gpu_that_is_not_there_is_found_before_anything_is_done(call, monkeypatch, tmp_path, command):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    code, stdout, stderr = call(*command.split(), "--device", "cuda")
    assert (code, stdout) == (2, "")
    assert stderr == "corenet: --device cuda: torch sees no GPU here; use --device cpu\n"
    assert list(tmp_path.iterdir()) == []


def test_main_takes_its_arguments_from_the_command_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["corenet", "--version"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().out.startswith("corenet, version ")
