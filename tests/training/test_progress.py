"""A bar on a terminal, a few lines elsewhere, and silence where it is asked for."""

import os
import sys

import pytest

import corenet as cn
from corenet.training.history import Epoch
from corenet.training.progress import describe, progress_for


def epochs(count, **metrics):
    return [Epoch(number, 1 / number, 0.1, 0.01, **metrics) for number in range(1, count + 1)]


def show_all(count, progress=None):
    with progress_for(progress, count) as show:
        for epoch in epochs(count):
            show(epoch)


@pytest.fixture
def on_terminal(monkeypatch):
    """Return a function that calls another with standard error a terminal, and returns what that has shown."""
    pty = pytest.importorskip("pty")  # only where there are such things
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")

    def shown(call):
        master, slave = pty.openpty()
        with open(slave, "w", encoding="utf-8") as stream, monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", stream)
            call()
            stream.write("END")
            stream.flush()
            seen = b""
            while not seen.endswith(b"END"):  # a terminal hands out what it has got so far
                seen += os.read(master, 4096)
        os.close(master)
        return seen.decode().removesuffix("END")

    return shown


def test_figures_of_an_epoch():
    assert describe(Epoch(1, 0.25, 0.1, 0.01)) == "loss 0.2500"
    both = Epoch(1, 0.25, 0.1, 0.01, {"error_rate": 0.02, "mae": 1.5}, {"error_rate": 0.0304})
    assert describe(both) == "loss 0.2500  error_rate train 0.020 valid 0.030  mae train 1.500"


@pytest.mark.parametrize("progress", [None, True])
@pytest.mark.parametrize(
    ("count", "shown"), [(3, [1, 2, 3]), (10, list(range(1, 11))), (25, [*range(2, 25, 2), 25]), (40, range(4, 41, 4))]
)
def test_elsewhere_a_few_plain_lines(progress, count, shown, capsys):
    show_all(count, progress)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [f"epoch {epoch}/{count}  loss {1 / epoch:.4f}" for epoch in shown]


def test_false_is_silence(capsys):
    show_all(5, False)
    assert capsys.readouterr() == ("", "")


def test_false_is_silence_on_a_terminal(on_terminal):
    assert on_terminal(lambda: show_all(5, False)) == ""


@pytest.mark.parametrize("progress", [None, True])
def test_on_a_terminal_a_bar_with_live_figures(progress, on_terminal, capsys):
    shown = on_terminal(lambda: show_all(3, progress))
    for piece in ("training", "━", "3/3", "loss 0.3333"):
        assert piece in shown
    assert "epoch" not in shown
    assert shown.endswith("\x1b[2K")  # the bar is wiped away when it is done
    assert capsys.readouterr() == ("", "")


def test_the_bar_goes_away_where_training_fails(on_terminal):
    def fail():
        with progress_for(None, 3, "demo") as show:
            show(epochs(1)[0])
            raise cn.NonFiniteError("stop")

    def caught():
        with pytest.raises(cn.NonFiniteError):
            fail()

    shown = on_terminal(caught)
    assert "demo" in shown
    assert "1/3" in shown
    assert shown.endswith("\x1b[2K")
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # and the cursor is back


@pytest.mark.parametrize(("progress", "expected"), [(None, 2), (True, 2), (False, 0)])
def test_fit_shows_what_it_is_told_to(progress, expected, capsys):
    model = cn.Sequential(cn.Linear(2, 1))
    train = cn.data.disk(10, seed=0)
    cn.fit(model, cn.MSELoss(), cn.SGD(model.parameters(), 0.1), train, epochs=2, batch_size=5, progress=progress)
    assert len(capsys.readouterr().err.splitlines()) == expected
