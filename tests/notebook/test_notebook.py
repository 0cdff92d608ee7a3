"""What a notebook shows: all there is, escaped, in colours for light and dark, and nothing is done to the model."""

import math

import pytest
import torch

import corenet as cn
from corenet.experiments.evaluation import Evaluation
from corenet.history import Epoch, History
from corenet.notebook.curves import COLOURS, LEFT, POINTS, TOP, curves
from corenet.notebook.html_table import html_table

EVIL = "<script>alert('x')</script>"


def contrast(one, another):
    """Return the contrast of two colours by the WCAG's formula."""

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(another)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("background", ["#ffffff", "#000000", "#1e1e1e"])
def test_curves_are_seen_on_light_and_dark_pages(colour, background):
    assert contrast(colour, background) >= 3


def test_a_network_shows_layers_shapes_and_counts(page):
    model = cn.Sequential(cn.Linear(3, 5), cn.Sequential(cn.Tanh(), cn.Linear(5, 2, bias=False)))
    model[0].freeze()
    words = " ".join(page(model._repr_html_()).words)
    assert "Sequential: 30 parameters, 20 frozen" in words
    assert "0 Linear(3 → 5) weight (5, 3), bias (5,) 20 frozen" in words
    assert "1.1 Linear(5 → 2, bias=False) weight (2, 5) 10" in words
    assert "1.0 Tanh()" in words


def test_looking_between_forward_and_backward_changes_nothing():
    model, input = cn.Sequential(cn.Linear(2, 3), cn.Dropout(0.5), cn.Tanh()), torch.randn(4, 2)
    output, state = model(input), torch.get_rng_state()
    model._repr_html_()
    assert torch.equal(state, torch.get_rng_state())
    assert model.training
    model.backward(torch.ones_like(output))


def test_a_history_shows_a_curve_for_each_number(page):
    epochs = [
        Epoch(n, 1 / n, 0.1, 0.0, {"f1": n / 9}, {"loss": math.nan if n == 2 else 2 / n, "f1": n / 8, "matrix": [[1]]})
        for n in range(1, 6)
    ]
    found = page(History(epochs)._repr_html_())
    lines = [attributes["points"].split() for tag, attributes in found.tags if tag == "polyline"]
    assert list(map(len, lines)) == [5, 4, 5, 5]  # loss of both, without what is no number, and f1 of both
    assert lines[1][0] == f"{LEFT}.0,{TOP}.0"  # the largest loss of all, at the first epoch
    assert {"loss", "f1", "train", "valid", "epoch"} <= set(found.words)
    assert page(History()._repr_html_()).words == ["History(0 epochs)"]
    assert "color" not in History(epochs)._repr_html_().replace("currentColor", "")


def test_what_others_named_is_escaped(page):
    class Stranger(cn.Module):
        def __repr__(self):
            return EVIL + "\u202e"

    evaluation = Evaluation(EVIL, 3, {"accuracy": 1.0}, {"accuracy": 0.5}, EVIL, (EVIL, "b"), ((1, 0), (0, 2)))
    history = History([Epoch(1, 0.5, 0.1, 0.0, {EVIL: 0.5}), Epoch(2, 0.4, 0.1, 0.0, {EVIL: 0.6})])
    for shown in (cn.Sequential(Stranger()), evaluation, history):
        text = shown._repr_html_()
        assert "<script" not in text
        assert "\u202e" not in text
        assert EVIL in page(text).words or any(EVIL in each for each in page(text).words)
    assert page(html_table(EVIL, [EVIL], [[EVIL]])).words == [EVIL] * 3


def test_long_and_flat_curves_are_drawn(page):
    points = [(n, 1.0) for n in range(10_000)]
    ((_, attributes),) = [each for each in page(curves({"a": points}, "x", "y")).tags if each[0] == "polyline"]
    drawn = attributes["points"].split()
    assert POINTS <= len(drawn) <= POINTS + 1
    assert len({each.partition(",")[2] for each in drawn}) == 1


def test_a_logarithmic_axis_is_even_in_powers(page):
    text = curves({"a": [(1e-3, 0.0), (1e-2, 1.0), (1e-1, 2.0)]}, "rate", "loss", logarithmic=True, mark=1e-2)
    found = page(text)
    (line,) = [attributes["points"] for tag, attributes in found.tags if tag == "polyline"]
    first, middle, last = (float(each.partition(",")[0]) for each in line.split())
    assert middle == pytest.approx((first + last) / 2, abs=0.1)
    (mark,) = [float(attributes["x1"]) for tag, attributes in found.tags if tag == "line"]
    assert mark == pytest.approx(middle, abs=0.1)
    assert "0.001" in found.words
