"""What code reads of the process, of files, or of how others were registered; and what harmless code may do."""

import abc
import collections
import dataclasses

import numpy
import pytest
import torch

import corenet as cn
from corenet.training.engines.recording import reachable
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.recording.recorded_update import record_update
from corenet.training.engines.unsupported import NotRecordable


class Scaled(cn.Module):
    """y = c x, with a factor that a function finds somewhere."""

    def __init__(self, find):
        self.find = find

    def forward(self, input):
        return self.find() * input

    def backward(self, grad_output):
        return self.find() * grad_output


def guards_of(find):
    return Guards.of_step(cn.Sequential(Scaled(find)), cn.MSELoss())


@pytest.mark.parametrize(
    ("find", "name"),
    [
        (lambda: float(numpy.loadtxt("a.txt")), "loadtxt"),
        (lambda: float(numpy.load("a.npy")), "load"),
        (lambda: numpy.fromfile("a")[0], "fromfile"),
        (lambda: numpy.genfromtxt("a")[0], "genfromtxt"),
        (lambda: float(numpy.datetime64("now", "s").astype(int)), "datetime64"),
        (lambda: len(numpy.geterr()), "geterr"),
        (lambda: 1.0 if torch.get_float32_matmul_precision() == "high" else 2.0, "get_float32_matmul_precision"),
        (lambda: float(torch.are_deterministic_algorithms_enabled()), "are_deterministic_algorithms_enabled"),
        (lambda: float(torch.backends.cudnn.benchmark), "backends"),
    ],
)
def test_what_belongs_to_the_process_or_lies_in_a_file_is_not_recorded(find, name):
    with pytest.raises(NotRecordable, match=rf"the step reads {name}\(\) in .*, which may change without being seen"):
        guards_of(find).refuse_unseen()


def test_a_method_called_load_is_the_authors_own():
    class Kept:
        def load(self):
            return 2.0

    kept = Kept()
    guards_of(lambda: kept.load()).refuse_unseen()


def test_whether_a_tensor_requires_grad_and_an_array_may_be_written_is_seen():
    tensor, array = torch.zeros(1), numpy.zeros(1)
    of_tensor = guards_of(lambda: 2.0 if tensor.requires_grad else 1.0)
    of_array = guards_of(lambda: 2.0 if array.flags.writeable else 1.0)
    assert (of_tensor.changed(), of_array.changed()) == (None, None)
    tensor.requires_grad_(True)
    array.setflags(write=False)
    assert None not in (of_tensor.changed(), of_array.changed())


def test_a_class_registered_with_an_abstract_one_is_seen():
    class Base(abc.ABC):  # noqa: B024 - others are registered with it
        pass

    class Held:
        pass

    held = Held()
    guards = guards_of(lambda: 2.0 if isinstance(held, Base) else 1.0)
    assert guards.changed() is None
    Base.register(Held)
    assert guards.changed().startswith("classes registered with ")


@dataclasses.dataclass(frozen=True)
class Settings:
    factor: float = 2.0


Pair = collections.namedtuple("Pair", ["factor", "other"])


@pytest.mark.parametrize("held", [Settings(), Pair(2.0, 3.0)], ids=["dataclass", "named tuple"])
def test_a_frozen_dataclass_and_a_named_tuple_are_recorded(held):
    guards = guards_of(lambda: held.factor)
    guards.refuse_unseen()
    assert guards.changed() is None


def test_a_class_whose_module_is_no_text_is_walked_past():
    strange = type("Strange", (), {"__module__": property(lambda self: "x")})
    assert reachable.module_of(strange) == ""
    guards_of(lambda: 1.0 if strange else 2.0)


def test_a_schedule_that_counts_its_calls_is_refused_and_one_that_reads_constants_is_not():
    calls, factors = [0], [1.0, 0.5]

    def counting(step):
        calls[0] += 1
        return 1 / (1 + calls[0])

    parameters = cn.Linear(2, 1).parameters()
    with pytest.raises(NotRecordable, match=r"the schedule changes .*make it a function of the count of steps alone"):
        record_update(cn.SGD(parameters, lr=0.1, schedule=counting))
    update = record_update(cn.SGD(parameters, lr=0.1, schedule=lambda step: factors[step % 2]))
    assert update.holds(range(3))
