"""The checks of functions as pytest tests: one for each check of each function, in each dtype and on each device."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch
from corenet.errors import ConfigError, ConformanceError, MissingExtraError, did_you_mean
from corenet.testing.checks.check import Check
from corenet.testing.support.trial import seeded
from torch import Tensor

from corenet_torch.call import Call
from corenet_torch.check import FUNCTION_CHECKS, FunctionReport, report_on
from corenet_torch.input_text import read_inputs
from corenet_torch.subjects import name_of, refuse_other

Inputs = str | Callable[[], Any]


def parametrize_functions(
    ops: Iterable[tuple[Any, Inputs]],
    *,
    dtypes: Sequence[torch.dtype] | None = None,
    devices: Sequence[str] = ("cpu",),
    expected_failures: Mapping[str, Mapping[str, str]] | None = None,
    seed: int = 0,
) -> Callable[[Any], Any]:
    """Return a decorator that runs a test for each check of each function, in each dtype and on each device.

    The test takes ``function``, and ``check``, which raises if the function fails it::

        @parametrize_functions([(Swish, "float32[4,3]"), (Gather, lambda: (torch.randn(5, 3), torch.tensor([0, 2])))])
        def test_backward(function, check):
            check(function)

    Its id is made of the function's name, the dtype, the device and the check: ``Swish-float32-cpu-function.gradient``.
    A second function of one name is ``Swish.2``. The checks of one function run together, once.

    Args:
        ops: what :func:`check` takes, each with its inputs: a text such as ``"float32[4,3], int64[4]<10"``, or a
            function without arguments that returns the tuple of them.
        dtypes: what floating-point inputs and parameters are converted to, in turn; by default they stay as they are.
        devices: where to, in turn. What torch does not see is skipped.
        expected_failures: by the name of a function, or by its name, dtype and device as in the id, a mapping from
            check id to the reason why it fails. A test that passes all the same is a failure.
        seed: of all random numbers, those of the inputs too.

    Raises:
        MissingExtraError: pytest is not installed.
        ConfigError: there is no function, one cannot be checked, a text of inputs is none, a dtype has no gradient, or
            an expected failure names no function or check.
    """
    try:
        import pytest
    except ImportError as error:
        raise MissingExtraError("parametrize_functions needs pytest: pip install pytest") from error
    cases = list(_cases(ops, dtypes, devices, seed))
    if not cases:
        raise ConfigError("parametrize_functions got no function to check: no test would run, and nothing would fail")
    listed = expected_failures or {}
    _refuse_unknown(listed, cases)
    parameters = []
    for case in cases:
        reasons = {**listed.get(case.name, {}), **listed.get(case.id, {})}
        for each in FUNCTION_CHECKS:
            marks = [pytest.mark.xfail(reason=reasons[each.id], strict=True)] if each.id in reasons else []
            parameters.append(pytest.param(case, partial(_conforms, each), id=f"{case.id}-{each.id}", marks=marks))
    return pytest.mark.parametrize(("function", "check"), parameters)


@dataclass(frozen=True, eq=False)
class FunctionCase:
    """A function with its inputs, in one dtype, None for that of the inputs, on one device."""

    name: str
    fn: Any
    inputs: Inputs
    dtype: torch.dtype | None
    device: str
    seed: int

    @property
    def id(self) -> str:
        """Its name, dtype and device, as in the id of a test."""
        dtype = [] if self.dtype is None else [str(self.dtype).removeprefix("torch.")]
        return "-".join([self.name, *dtype, self.device])

    def __repr__(self) -> str:
        return self.id

    @cached_property
    def report(self) -> FunctionReport:
        """What all checks found, which run now."""
        with seeded(self.seed):
            made = read_inputs(self.inputs, self.seed) if isinstance(self.inputs, str) else self.inputs()
        inputs = made if isinstance(made, tuple | list) else (made,)
        fn = self.fn
        if isinstance(fn, torch.nn.Module):
            fn = copy.deepcopy(fn).to(device=self.device, dtype=self.dtype)
        return report_on(Call.of(fn, [self._moved(each) for each in inputs]), seed=self.seed, name=self.id)

    def _moved(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        dtype = self.dtype if value.is_floating_point() else None
        return value.detach().to(device=self.device, dtype=dtype).requires_grad_(value.requires_grad)


def _cases(
    ops: Iterable[tuple[Any, Inputs]], dtypes: Sequence[torch.dtype] | None, devices: Sequence[str], seed: int
) -> Iterator[FunctionCase]:
    taken: Counter[str] = Counter()
    for each in ops:
        if not (isinstance(each, tuple) and len(each) == 2 and (isinstance(each[1], str) or callable(each[1]))):
            raise ConfigError(
                'parametrize_functions takes pairs of a function and its inputs, such as (Swish, "float32[4,3]") or '
                f"(Swish, lambda: torch.randn(4, 3)), not {each!r:.80}"
            )
        fn, inputs = each
        if isinstance(inputs, str):
            read_inputs(inputs)
        refuse_other(fn)
        name = name_of(fn)
        taken[name] += 1
        numbered = f"{name}.{taken[name]}" if taken[name] > 1 else name
        for dtype in (None,) if dtypes is None else dtypes:
            if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
                raise ConfigError(
                    f"dtypes: a gradient has a floating-point dtype, such as torch.float32, not {dtype!r}"
                )
            for device in devices:
                yield FunctionCase(numbered, fn, inputs, dtype, device, seed)


def _conforms(check: Check, function: FunctionCase) -> None:
    """Raise what one check found of a function; skip the test if it does not apply, or there is no such device.

    Raises:
        ConformanceError: the check fails.
    """
    import pytest

    if torch.device(function.device).type == "cuda" and not torch.cuda.is_available():
        pytest.skip(f"torch sees no GPU here, for {function}")
    result = next(each for each in function.report.results if each.check == check.id)
    if result.verdict == "failed":
        raise ConformanceError(f"{function}: {result}")
    if result.verdict == "skipped":
        pytest.skip(result.message)


def _refuse_unknown(listed: Mapping[str, Mapping[str, str]], cases: list[FunctionCase]) -> None:
    names = list(dict.fromkeys(name for case in cases for name in (case.name, case.id)))
    checks = [each.id for each in FUNCTION_CHECKS]
    for name, reasons in listed.items():
        if name not in names:
            raise ConfigError(f"expected_failures: there is no function {name!r} here{did_you_mean(name, names)}")
        if not isinstance(reasons, Mapping):
            raise ConfigError(
                f"expected_failures: {name!r} needs a mapping from check id to reason, not {reasons!r:.80}"
            )
        for each in reasons:
            if each not in checks:
                raise ConfigError(
                    f"expected_failures: there is no check {each!r} of a function{did_you_mean(each, checks)}"
                )
