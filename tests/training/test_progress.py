"""A bar on a terminal, a few lines elsewhere, and silence where it is asked for."""

import os
import sys

import pytest

import corenet as cn
from corenet.history import Epoch
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
    assert describe(Epoch(1, 0.25, 0.1, 0.01, valid={"loss": 0.26})) == "loss 0.2500 valid 0.2600"
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


def left_of(shown):
    """Return what stays on a terminal: the lines after the bar was wiped away."""
    return shown.rpartition("\x1b[2K")[2].replace("\r", "").replace("\x1b[?25h", "").splitlines()


@pytest.mark.parametrize("progress", [None, True])
def test_on_a_terminal_a_bar_with_live_figures(progress, on_terminal, capsys):
    shown = on_terminal(lambda: show_all(3, progress))
    for piece in ("training", "━", "3/3", "loss 0.3333"):
        assert piece in shown
    assert left_of(shown) == ["epoch 3/3  loss 0.3333"]
    assert capsys.readouterr() == ("", "")


def test_the_last_figures_stay_where_training_fails(on_terminal):
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
    assert left_of(shown) == ["demo, epoch 1/3  loss 1.0000"]
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # and the cursor is back


@pytest.mark.parametrize("columns", [60, 80])
def test_on_a_narrow_terminal_the_figures_go_before_the_bar(columns, on_terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    figures = {"train": {"error_rate": 0.02, "mae": 1.5}, "valid": {"loss": 0.3, "error_rate": 0.03, "mae": 1.6}}

    def show():
        with progress_for(None, 1) as tell:
            tell(*epochs(1, **figures))

    shown = on_terminal(show)
    assert "━" not in shown
    assert all(len(line) <= columns for line in left_of(shown))
    told = " ".join(line.strip() for line in left_of(shown)).split()  # words are whole
    assert (
        " ".join(told)
        == "epoch 1/1 loss 1.0000 valid 0.3000 error_rate train 0.020 valid 0.030 mae train 1.500 valid 1.600"
    )


class Tee:
    """Can be written to, and no more."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


def test_an_object_that_can_only_be_written_to_is_enough(monkeypatch):
    tee = Tee()
    monkeypatch.setattr(sys, "stderr", tee)
    show_all(2)
    assert tee.text == "epoch 1/2  loss 1.0000\nepoch 2/2  loss 0.5000\n"


@pytest.mark.parametrize("progress", [None, True, False])
def test_without_standard_error_nothing_is_shown(progress, monkeypatch, tmp_path):
    with open(tmp_path / "closed", "w", encoding="utf-8") as closed:
        pass
    for stream in (None, closed):
        monkeypatch.setattr(sys, "stderr", stream)
        show_all(3, progress)


def test_standard_error_may_go_away_while_training(monkeypatch):
    class Broken(Tee):
        def write(self, text):
            raise BrokenPipeError

    with progress_for(None, 3) as show:
        for stream in (Broken(), None):
            monkeypatch.setattr(sys, "stderr", stream)
            show(epochs(1)[0])


def test_a_training_that_goes_on_shows_its_own_epochs(capsys):
    with progress_for(None, 40, first=30) as show:
        for epoch in epochs(40)[30:]:
            show(epoch)
    assert len(capsys.readouterr().err.splitlines()) == 10


@pytest.mark.parametrize(("progress", "expected"), [(None, 2), (True, 2), (False, 0)])
def test_fit_shows_what_it_is_told_to(progress, expected, capsys):
    model = cn.Sequential(cn.Linear(2, 1))
    train = cn.data.disk(10, seed=0)
    cn.fit(model, cn.MSELoss(), cn.SGD(model.parameters(), 0.1), train, epochs=2, batch_size=5, progress=progress)
    assert len(capsys.readouterr().err.splitlines()) == expected
