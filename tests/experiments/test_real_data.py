"""Experiments on real tables reach what they are held to, on splits that chose nothing."""

import pytest

from corenet.experiments import experiment, run


@pytest.mark.parametrize(("name", "figure"), [("wine", "test_error"), ("diabetes", "test_r2")])
def test_a_table_is_learnt_as_well_as_reported(name, figure):
    pytest.importorskip("sklearn")
    pytest.importorskip("polars")
    result = run(experiment(name), "reported")
    assert len(result.figures[figure].values) == 10
    assert result.met
