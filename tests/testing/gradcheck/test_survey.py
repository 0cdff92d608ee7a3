"""A sample of the survey: right components of every kind, and faults planted in them."""

import pytest
import torch

from benchmarks.gradcheck_survey.draw import SUBJECTS, drawn
from benchmarks.gradcheck_survey.survey import surveyed


@pytest.mark.parametrize("seed", range(16))
def test_a_sample_of_the_survey_accuses_nobody_and_misses_nothing(seed):
    assert surveyed(50_000 + seed).blamed == []


@pytest.mark.parametrize("seed", [2871, 5700, 6782, 9350])
def test_a_draw_that_was_once_misjudged_no_longer_is(seed):
    assert surveyed(seed).blamed == []


def test_the_survey_has_sixty_right_components_beside_the_built_in_ones():
    builtin = {"MSELoss", "MAELoss", "BCELoss", "BCELoss of sums", "BCEWithLogitsLoss"}
    assert len([name for name in SUBJECTS if name not in builtin and not name[0].isupper()]) >= 60


def test_a_draw_is_the_same_each_time():
    one, two = drawn(3), drawn(3)
    assert one.name == two.name
    assert all(map(torch.equal, one.inputs, two.inputs))
