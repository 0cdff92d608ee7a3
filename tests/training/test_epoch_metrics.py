"""What is measured after an epoch is what the metrics say of the model in evaluation mode."""

import pytest
import torch

import corenet as cn
from corenet.training.epoch_metrics import Measures
from corenet.training.history import Epoch

TRAIN, VALID = cn.data.disk(50, seed=0), cn.data.disk(30, seed=1)
RECORD = Epoch(3, 0.5, 0.1, 0.01)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return cn.Sequential(cn.Linear(2, 6), cn.Dropout(0.5), cn.Linear(6, 1), cn.Sigmoid())


def mode(model, data):
    """A metric of somebody else."""
    return float(model.training)


@pytest.mark.parametrize("metrics", [[cn.error_rate], [cn.accuracy], [cn.accuracy, cn.error_rate], [mode, cn.accuracy]])
@pytest.mark.parametrize("valid", [VALID, None])
def test_each_metric_is_recorded_by_its_name(metrics, valid, model):
    found = Measures(metrics, TRAIN, valid).after(RECORD, model)
    model.eval()
    assert found.train == {metric.__name__: metric(model, TRAIN) for metric in metrics}
    assert found.valid == ({metric.__name__: metric(model, VALID) for metric in metrics} if valid else {})
    assert (found.epoch, found.loss, found.lr, found.seconds) == (3, 0.5, 0.1, 0.01)


def test_outputs_are_computed_once_for_both_rates(model, monkeypatch):
    seen = []
    forward = cn.Sequential.forward

    def counted(self, input):
        seen.append(len(input))
        return forward(self, input)

    monkeypatch.setattr(cn.Sequential, "forward", counted)
    measures = Measures([cn.error_rate, cn.accuracy], TRAIN, VALID)
    first, second = measures.after(RECORD, model), measures.after(RECORD, model)
    assert seen == [50, 30, 50, 30]
    assert first == second
    assert first.train["error_rate"] + first.train["accuracy"] == 1


def test_each_module_is_afterwards_in_its_own_mode(model):
    model[1].eval()
    Measures([mode], TRAIN, VALID).after(RECORD, model)
    assert [module.training for module in model] == [True, False, True, True]


def test_without_metrics_nothing_is_measured(model):
    measures = Measures([], TRAIN, VALID)
    assert not measures
    assert measures.after(RECORD, model) is RECORD


def test_classes_that_are_validated_on_are_measured_of_themselves(model):
    numbers = cn.data.Dataset(VALID.inputs, torch.rand(30, 1))
    assert Measures(None, TRAIN, VALID).metrics == (cn.error_rate,)
    assert not Measures(None, TRAIN, numbers)
    assert not Measures(None, TRAIN, None)


class Unhashable:
    __hash__ = None

    def __call__(self, model, data):
        return 2


def test_a_metric_may_be_any_callable(model):
    assert Measures([Unhashable()], TRAIN, None).after(RECORD, model).train == {"Unhashable": 2.0}


@pytest.mark.parametrize("metrics", [cn.accuracy, ["accuracy"]])
def test_what_is_no_list_of_functions_is_refused(metrics):
    with pytest.raises(cn.ConfigError, match=r"metrics must be a list of functions"):
        Measures(metrics, TRAIN, VALID)


def test_an_output_of_another_shape_is_named(model):
    with pytest.raises(cn.ShapeError, match="error_rate"):
        Measures([cn.error_rate], TRAIN, None).after(RECORD, cn.Sequential())
