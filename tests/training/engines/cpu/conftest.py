"""What the tests of compiled steps share: torch itself says what must come out."""

import pytest
import torch

from corenet.training.engines.cpu.codegen import Function, compile_calls
from corenet.training.engines.recording.op_log import OpLog


@pytest.fixture(scope="session")
def assert_as_torch(needs_compiler):
    def check(function, make, in_c=True, times=2, gradients=lambda *inputs: [], signs=(), **tolerance):
        """Compile ``function`` of the tensors that ``make()`` gives, and hold it against torch on other numbers.

        It returns named tensors. These, and what it leaves in its inputs, must be what torch gives.
        """
        inputs = make()
        with OpLog() as log:
            results = function(*inputs)
        calls = compile_calls(log.operations, gradients(*inputs), list(results.values()))
        if in_c is not None:
            assert all(isinstance(call, Function) for call in calls) == in_c, calls
        for _ in range(times):
            values = make()
            _put(values, inputs)
            for call in calls:
                call()
            found = _copies(results, inputs)
            _put(values, inputs)
            for gradient in gradients(*inputs):
                gradient.zero_()
            _assert_equal(found, _copies(function(*inputs), inputs), signs, tolerance)
        return log.operations

    return check


def _put(values, inputs):
    """Write ``values`` as they lie in memory, which an expanded tensor would not let itself be."""
    for value, input in zip(values, inputs, strict=True):
        input.untyped_storage().copy_(value.untyped_storage())


def _copies(results, inputs):
    named = results | {f"input {number}": input for number, input in enumerate(inputs)}
    return {name: tensor.clone() for name, tensor in named.items()}


def _assert_equal(found, expected, signs, tolerance):
    for name, tensor in expected.items():
        told = f"{name}: {{}}\n{found[name]}\n{tensor}"
        torch.testing.assert_close(found[name], tensor, equal_nan=True, **tolerance, msg=told.format)
        if name in signs and tensor.is_floating_point():
            zeros = tensor == 0
            assert torch.equal(found[name].signbit()[zeros], tensor.signbit()[zeros]), told.format("a zero's sign")
