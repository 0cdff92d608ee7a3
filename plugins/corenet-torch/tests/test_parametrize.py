"""The checks of functions as pytest tests: ids, what fails, what is expected to, and what is skipped."""

import corenet as cn
import pytest
import torch

from corenet_torch import parametrize_functions
from corenet_torch.check import FUNCTION_CHECKS

pytest_plugins = ["pytester"]


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return 2 * x * grad_output


class Half(Square):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return x * grad_output


def picked(x, rows):
    return x[rows]


DTYPES = [torch.float32, torch.bfloat16]


@parametrize_functions(
    [
        (Square, "float32[4,3]"),
        (Half, "float32[4,3]"),
        (picked, lambda: (torch.randn(4, 3), torch.tensor([0, 2]))),
        (torch.nn.Linear(3, 2), lambda: torch.randn(4, 3)),
    ],
    dtypes=DTYPES,
    devices=["cpu", "cuda"],
    expected_failures={"Half": {"function.gradient": "half of it"}},
)
def test_the_decorator_as_it_is_used(function, check):
    check(function)


def parameters(*arguments, **options):
    mark = parametrize_functions(*arguments, **options).mark
    assert mark.args[0] == ("function", "check")
    return mark.args[1]


def test_there_is_a_test_for_each_check_function_dtype_and_device():
    found = parameters([(Square, "float32[4,3]"), (Square, "float32[2,2,2]")], dtypes=DTYPES, devices=["cpu", "cuda"])
    expected = [
        f"{name}-{dtype}-{device}-{check.id}"
        for name in ("Square", "Square.2")
        for dtype in ("float32", "bfloat16")
        for device in ("cpu", "cuda")
        for check in FUNCTION_CHECKS
    ]
    assert [each.id for each in found] == expected
    assert parameters([(torch.sin, "float32[3]")])[0].id == "sin-cpu-function.runs"


def run(found, which):
    (each,) = (each for each in found if each.id == which)
    function, check = each.values
    check(function)


def test_what_fails_is_told_with_its_cause_in_the_dtype_that_is_asked():
    found = parameters([(Half, "float32[4,3]")], dtypes=[torch.float64])
    with pytest.raises(cn.ConformanceError) as caught:
        run(found, "Half-float64-cpu-function.gradient")
    assert str(caught.value).startswith("Half-float64-cpu: function.gradient: failed, Half on float64[4,3]\n")
    assert "a factor 2 is missing" in str(caught.value)
    run(found, "Half-float64-cpu-function.upstream_layouts")
    with pytest.raises(pytest.skip.Exception, match=r"not run, because function\.gradient fails"):
        run(found, "Half-float64-cpu-function.sizes")


def test_the_checks_of_one_function_run_once():
    calls = []

    def counted(x):
        calls.append(1)
        return x.sin()

    found = parameters([(counted, "float32[4,3]")])
    run(found, "counted-cpu-function.runs")
    before = len(calls)
    run(found, "counted-cpu-function.gradient")
    assert 0 < before == len(calls)


def test_an_expected_failure_is_strict_and_may_be_of_one_dtype(pytester):
    pytester.makepyfile("""
        import torch
        from corenet_torch import parametrize_functions

        def coarse(x):
            return x.sin() if x.dtype == torch.float64 else x.sin().detach()

        gone = {"function.runs": "detached"}

        @parametrize_functions(
            [(coarse, "float64[4,3]")],
            dtypes=[torch.float64, torch.float32],
            expected_failures={"coarse-float32-cpu": gone},
        )
        def test_as_expected(function, check):
            check(function)

        @parametrize_functions([(coarse, "float64[4,3]")], expected_failures={"coarse": gone})
        def test_passes_all_the_same(function, check):
            check(function)
    """)
    done = pytester.runpytest("-p", "no:cacheprovider", "-k", "function.runs")
    done.assert_outcomes(passed=1, xfailed=1, failed=1, deselected=3 * len(FUNCTION_CHECKS) - 3)
    done.stdout.fnmatch_lines(["*test_passes_all_the_same?coarse-cpu-function.runs?*", "*XPASS(strict)*detached*"])


def test_without_a_gpu_cuda_is_skipped(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    found = parameters([(Square, "float32[4,3]")], devices=["cuda:0"])
    with pytest.raises(pytest.skip.Exception, match="torch sees no GPU here, for Square-cuda:0"):
        run(found, "Square-cuda:0-function.runs")


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ([[]], {}, "got no function to check"),
        ([[Square]], {}, "takes pairs of a function and its inputs"),
        ([[(3, "float32[3]")]], {}, "check takes an autograd.Function"),
        ([[(Square, "float32(3)")]], {}, "'float32(3)' cannot be read"),
        ([[(Square, "float32[3]")]], {"dtypes": [torch.int64]}, "a gradient has a floating-point dtype"),
        ([[(Square, "float32[3]")]], {"expected_failures": {"Sqare": {}}}, "did you mean 'Square'?"),
        (
            [[(Square, "float32[3]")]],
            {"expected_failures": {"Square": {"function.gradeint": ""}}},
            "did you mean 'function.gradient'?",
        ),
        ([[(Square, "float32[3]")]], {"expected_failures": {"Square": "wrong"}}, "needs a mapping from check id"),
    ],
)
def test_what_is_no_test_is_refused_when_it_is_collected(arguments, options, message):
    with pytest.raises(cn.ConfigError) as caught:
        parametrize_functions(*arguments, **options)
    assert message in str(caught.value)
