import inspect
import pickle

import pytest

import corenet as cn
from corenet import errors
from corenet.errors import did_you_mean

KINDS = {
    "ShapeError": ValueError,
    "DTypeError": TypeError,
    "DeviceError": ValueError,
    "ConfigError": ValueError,
    "RangeError": ValueError,
    "DataError": ValueError,
    "ShardError": ValueError,
    "StructureError": ValueError,
    "BackwardError": RuntimeError,
    "NonFiniteError": ArithmeticError,
    "CallbackError": RuntimeError,
    "RankError": ConnectionError,
    "OutOfMemoryError": MemoryError,
    "GradientError": AssertionError,
    "ConformanceError": AssertionError,
    "UnknownComponentError": LookupError,
    "AmbiguousComponentError": LookupError,
    "BrokenComponentError": ImportError,
    "BrokenPluginError": ImportError,
    "UnavailableComponentError": ImportError,
    "MissingExtraError": ImportError,
    "CheckpointError": ValueError,
    "OutputError": OSError,
}


def classes():
    return {
        name: value
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.CorenetError) and value is not errors.CorenetError
    }


def test_every_error_of_the_module_is_in_the_table():
    assert classes().keys() == KINDS.keys()


@pytest.mark.parametrize("name", KINDS)
def test_each_error_is_a_corenet_error_and_a_built_in_kind(name):
    assert issubclass(classes()[name], errors.CorenetError)
    assert issubclass(classes()[name], KINDS[name])


@pytest.mark.parametrize("name", [*KINDS, "CorenetError"])
def test_each_error_is_a_public_name_of_corenet(name):
    assert getattr(cn, name) is getattr(errors, name)


def test_a_shape_error_names_both_modules_and_both_shapes():
    error = errors.ShapeError("Linear(25 → 1)", [100, 24], "expected last dimension 25", source="[1] ReLU()")
    assert str(error) == "Linear(25 → 1) got (100, 24) from [1] ReLU(); expected last dimension 25"
    assert (error.component, error.shape) == ("Linear(25 → 1)", (100, 24))
    assert (error.expected, error.source) == ("expected last dimension 25", "[1] ReLU()")


def test_a_shape_error_without_a_source_names_one_module():
    assert str(errors.ShapeError("Linear(2 → 1)", (), "expected 2")) == "Linear(2 → 1) got (); expected 2"


def test_a_config_error_keeps_the_name_and_the_value():
    error = errors.ConfigError("lr must be at least 0, not -1", name="lr", value=-1)
    assert (str(error), error.name, error.value) == ("lr must be at least 0, not -1", "lr", -1)


def test_a_non_finite_error_says_where_once_it_is_known():
    error = errors.NonFiniteError("the loss is nan", loss=2.5, module="weight of [0]")
    assert str(error) == "the loss is nan"
    error.epoch, error.step = 3, 7
    assert str(error) == "epoch 3, step 7: the loss is nan"
    assert (error.loss, error.module) == (2.5, "weight of [0]")


def test_a_gradient_error_keeps_its_report():
    report = object()
    assert errors.GradientError("wrong", report=report).report is report


def test_component_errors_keep_names_as_evidence():
    unknown = errors.UnknownComponentError("no", name="liner", suggestions=iter(["linear"]))
    assert (str(unknown), unknown.name, unknown.suggestions) == ("no", "liner", ("linear",))
    ambiguous = errors.AmbiguousComponentError("two", name="swish", candidates=["a:swish", "b:swish"])
    assert (str(ambiguous), ambiguous.name) == ("two", "swish")
    assert ambiguous.candidates == ("a:swish", "b:swish")


@pytest.mark.parametrize(
    "error",
    [
        errors.ShapeError("Linear(2 → 1)", (3,), "expected 2", source="[0] ReLU()"),
        errors.ConfigError("bad", name="lr", value=-1),
        errors.NonFiniteError("nan", loss=1.0, module="[0]", epoch=2, step=3),
        errors.AmbiguousComponentError("two", name="a", candidates=["x:a"]),
        errors.BrokenPluginError("broken", distribution="corenet-x"),
        errors.UnavailableComponentError("off", component="corenet-x:x", status="disabled"),
        errors.BackwardError("twice"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_pickling_with_its_evidence(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_and_warning_is_a_public_name(name):
    assert getattr(cn, name) is getattr(errors, name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("liner", " (did you mean 'linear'?)"), ("zzz", ""), ("", ""), ("linear", " (did you mean 'linear'?)")],
)
def test_did_you_mean_names_the_closest_or_nothing(name, hint):
    assert did_you_mean(name, iter(["linear", "relu"])) == hint
