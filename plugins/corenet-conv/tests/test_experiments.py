"""The experiments of this package: announced, and learnt from in a few epochs."""

import pytest
from corenet.experiments import experiment, run


def test_a_few_epochs_teach_most_digits() -> None:
    pytest.importorskip("sklearn")
    result = run(experiment("corenet-conv:digits", ["epochs=2", "engine=plain"]), "reported", rounds=1)
    assert result.test_error.mean < 0.15
    assert result.to_dict()["components"][0]["name"] == "corenet-conv:unflatten"
