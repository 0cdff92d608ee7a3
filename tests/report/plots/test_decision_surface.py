import pytest
import torch

import corenet as cn
from corenet.report.plots.decision_surface import DecisionSurface


def slope(points):
    return points[:, 0] + 10 * points[:, 1]


def test_the_grid_has_the_output_at_cell_centres_with_the_top_row_first():
    expected = torch.tensor([[7.75, 8.25], [2.75, 3.25]])
    assert torch.equal(DecisionSurface(slope, 0.5, 0.0, 1.0).grid(2, 2), expected)


def test_an_output_in_another_dtype_becomes_float32():
    grid = DecisionSurface(lambda points: slope(points).to(torch.bfloat16), 0.5, 0.0, 1.0).grid(1, 2)
    assert grid.dtype == torch.float32


def test_levels_run_from_minus_one_over_the_threshold_to_one_and_are_cut_off():
    surface = DecisionSurface(slope, threshold=0.2, low=0.0, high=1.0)
    levels = surface.levels(torch.tensor([-5.0, 0.0, 0.1, 0.2, 0.6, 1.0, 5.0]))
    assert levels.tolist() == pytest.approx([-1, -1, -0.5, 0, 0.5, 1, 1])


@pytest.mark.parametrize(("threshold", "low", "high"), [(0.0, 0.0, 1.0), (2.0, 0.0, 1.0), (0.5, 1.0, 0.0)])
def test_a_threshold_outside_the_targets_is_refused(threshold, low, high):
    with pytest.raises(cn.ConfigError, match="low < threshold < high"):
        DecisionSurface(slope, threshold, low, high)


def test_an_output_of_another_shape_is_refused():
    with pytest.raises(cn.ShapeError, match=r"DecisionSurface got \(6, 1\); expected one number a point, \(6,\)"):
        DecisionSurface(lambda points: points[:, :1], 0.5, 0.0, 1.0).grid(2, 3)


def test_an_output_that_is_not_finite_is_refused():
    with pytest.raises(cn.NonFiniteError, match="not finite everywhere"):
        DecisionSurface(lambda points: points[:, 0] / 0, 0.5, 0.0, 1.0).grid(2, 3)
