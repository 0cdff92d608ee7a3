"""Each textbook layer: right by the gradient check in both styles, and each of its mistakes wrong, and named."""

import numpy as np
import pytest
import torch

import corenet as cn
from corenet.errors import ConfigError
from corenet.grading.explaining import mistake_of
from corenet.grading.layers import NAMES, layer
from corenet.grading.misconceptions import MISCONCEPTIONS
from corenet.grading.points import points_of
from corenet.grading.promises import promises_of
from corenet.grading.textbook import STYLES, fresh
from corenet.grading.trial import Trial

MISTAKES = [
    pytest.param(name, promise, place, id=f"{name}-{promise}-{place}-{slug}")
    for name in NAMES
    for promise, mistakes in layer(name).mistakes.items()
    for place, (slug, _) in enumerate(mistakes)
]


def test_a_layer_that_is_not_known_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"there is no textbook layer 'layernom' \(did you mean 'layernorm'\?\)"):
        layer("layernom")


@pytest.mark.parametrize("name", NAMES)
def test_the_module_is_right_by_the_gradient_check(name):
    textbook = layer(name)
    given = points_of(textbook, "module")[1].arguments
    torch.manual_seed(3)
    module = textbook.module(*textbook.construct(given)).to(dtype=torch.float64)
    for parameter in textbook.parameters:
        getattr(module, parameter).copy_(torch.from_numpy(given[parameter]))
    assert cn.gradcheck(module, *(torch.from_numpy(given[each]) for each in textbook.inputs)).ok


@pytest.mark.parametrize("name", NAMES)
def test_the_functions_have_the_slopes_of_their_forward(name):
    textbook = layer(name)
    point = points_of(textbook, "numpy")[1]
    right, random, step = textbook.work(point), np.random.default_rng(5), 1e-6
    for of in textbook.derived:
        along = random.normal(size=right[of].shape)
        sides = []
        for side in (1, -1):
            moved = fresh(point)
            moved[of] = moved[of] + side * step * along
            sides.append((point.upstream * textbook.forward(*moved.values())[0]).sum())
        slope = (sides[0] - sides[1]) / (2 * step)
        assert (right.gradients[of] * along).sum() == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_belongs_to_a_promise_and_has_words(name, style):
    promises = {promise.name for promise in promises_of(layer(name), style)}
    assert set(layer(name).mistakes) <= promises
    assert {slug for mistakes in layer(name).mistakes.values() for slug, _ in mistakes} <= set(MISCONCEPTIONS)


@pytest.mark.parametrize(("name", "promise", "place"), MISTAKES)
def test_a_mistake_is_wrong_and_is_named(name, promise, place):
    textbook = layer(name)
    slug, mistaken = textbook.mistakes[promise][place]
    of = promise.removesuffix("_gradient")
    wrong = []
    for point in points_of(textbook, "numpy"):
        right = textbook.work(point)
        if point.kind == "large" or (point.kind == "evaluation" and of != "forward"):
            continue
        with np.errstate(all="ignore"):
            value = np.asarray(mistaken(right), dtype=np.float64)
        trial = Trial(right, value) if of == "forward" else Trial(right, right.output, {of: value})
        wrong += [] if trial.agrees(of) else [trial]
    assert wrong
    assert mistake_of(textbook, of, wrong) == slug
