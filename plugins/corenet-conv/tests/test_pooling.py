"""Pooling, with PyTorch's as the oracle."""

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from corenet_conv import AdaptiveAvgPool2d, AvgPool2d, MaxPool1d, MaxPool2d

quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def of(count, low, high):
    return st.one_of(st.integers(low, high), st.tuples(*[st.integers(low, high)] * count))


def shapes(dims):
    leading = st.sampled_from([(3,), (1, 2), (2, 3)])
    return st.tuples(leading, st.tuples(*[st.integers(1, 8)] * dims)).map(lambda parts: parts[0] + parts[1])


def windows(dims):
    return {
        "kernel_size": of(dims, 1, 4),
        "stride": st.one_of(st.none(), of(dims, 1, 4)),
        "padding": of(dims, 0, 2),
        "ceil_mode": st.booleans(),
    }


def compared(agrees, ours, theirs, chosen, shape):
    """Compare both, or see both refuse."""
    try:
        module = ours(**chosen)
        module(torch.zeros(shape))
    except cn.CorenetError as error:
        assume("nothing but padding" not in str(error))
        with pytest.raises(RuntimeError):
            theirs(**chosen)(torch.zeros(shape))
        return
    module.forget()
    agrees(module, theirs(**chosen), *shape)


@quick
@given(dims=st.sampled_from([1, 2]), data=st.data())
def test_the_largest_and_its_gradient_are_pytorchs_for_all_options(agrees, dims, data):
    extra = {"dilation": of(dims, 1, 3), "return_indices": st.booleans()}
    chosen = data.draw(st.fixed_dictionaries(windows(dims) | extra))
    pair = (MaxPool1d, torch.nn.MaxPool1d) if dims == 1 else (MaxPool2d, torch.nn.MaxPool2d)
    compared(agrees, *pair, chosen, data.draw(shapes(dims)))


@quick
@given(data=st.data())
def test_the_mean_and_its_gradient_are_pytorchs_for_all_options(agrees, data):
    extra = {
        "count_include_pad": st.booleans(),
        "divisor_override": st.sampled_from([None, 1, 3, -2]),
    }
    chosen = data.draw(st.fixed_dictionaries(windows(2) | extra))
    compared(agrees, AvgPool2d, torch.nn.AvgPool2d, chosen, data.draw(shapes(2)))


@quick
@given(
    output_size=st.one_of(
        of(2, 1, 9), st.tuples(st.none(), st.integers(1, 9)), st.tuples(st.integers(1, 9), st.none())
    ),
    shape=shapes(2),
)
def test_means_of_parts_and_their_gradient_are_pytorchs(agrees, output_size, shape):
    agrees(AdaptiveAvgPool2d(output_size), torch.nn.AdaptiveAvgPool2d(output_size), *shape)


@pytest.mark.parametrize("length", range(1, 9))
def test_windows_are_counted_as_pytorch_counts_them(length):
    for stride in (1, 2, 3, 5):
        for padding in (0, 1, 2):
            options = {"kernel_size": 4, "stride": stride, "padding": padding, "ceil_mode": True}
            pool, input = MaxPool1d(**options), torch.zeros(1, length)
            try:
                expected = list(torch.nn.MaxPool1d(**options)(input).shape[1:])
            except RuntimeError:
                continue
            assert pool.count_of_windows(input) == expected


def test_of_equal_elements_the_first_has_the_gradient():
    pool = MaxPool2d(2)
    pool(torch.full((1, 2, 4), 3.5))
    assert pool.backward(torch.tensor([[[2.0, 5.0]]])).tolist() == [[[2, 0, 5, 0], [0, 0, 0, 0]]]


def test_windows_that_overlap_add_up():
    pool = MaxPool1d(3, stride=1)
    pool(torch.tensor([[0.5, 0.25, 7.0, 0.75, 1.5]]))
    assert pool.backward(torch.tensor([[2.0, 3.0, 5.0]])).tolist() == [[0, 0, 10, 0, 0]]


def test_not_a_number_is_the_largest():
    assert MaxPool1d(2)(torch.tensor([[1.0, float("nan"), 2.0, 3.0]])).isnan().tolist() == [[True, False]]


@pytest.mark.parametrize("pool", [MaxPool1d(2), MaxPool2d(2), AvgPool2d(2), AdaptiveAvgPool2d(2)])
def test_integers_are_refused(pool):
    with pytest.raises(cn.DTypeError, match="takes floating-point input"):
        pool(torch.ones(2, 4, 4, dtype=torch.long))


@pytest.mark.parametrize("pool", [MaxPool2d(2), AvgPool2d(2), AdaptiveAvgPool2d((1, 3))])
def test_an_empty_batch_is_taken(pool):
    output = pool(torch.zeros(0, 2, 4, 6))
    assert output.shape[:2] == (0, 2)
    assert pool.backward(output).shape == (0, 2, 4, 6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MaxPool2d(0), r"^MaxPool2d: kernel_size must be an integer ≥ 1 or 2 of them, not 0$"),
        (lambda: MaxPool1d((2, 2)), r"^MaxPool1d: kernel_size must be an integer ≥ 1, not \(2, 2\)$"),
        (lambda: AvgPool2d(2, stride=(1, 0)), r"^AvgPool2d: stride must be an integer ≥ 1 or 2 of them, not \(1, 0\)$"),
        (lambda: MaxPool2d(3, padding=2), r"^MaxPool2d: padding must be half of kernel_size at most, 1 × 1, not 2$"),
        (lambda: AvgPool2d(2, divisor_override=0), r"^AvgPool2d: divisor_override must be an integer other than 0"),
        (lambda: AvgPool2d(2, divisor_override="3"), r"^AvgPool2d: divisor_override must be an integer .* not '3'$"),
        (lambda: AdaptiveAvgPool2d((2, 0)), r"^AdaptiveAvgPool2d: output_size must be .* two of these, not \(2, 0\)$"),
    ],
)
def test_arguments_that_cannot_work_are_refused(make, message):
    with pytest.raises(cn.ConfigError, match=message):
        make()


@pytest.mark.parametrize(
    ("pool", "shape", "message"),
    [
        (
            MaxPool1d(3),
            (2, 2),
            r"^MaxPool1d\(kernel_size=\(3,\)\) got \(2, 2\); its kernel spans 3, more than the padded",
        ),
        (AvgPool2d(4, padding=1), (2, 9, 1), r"its kernel spans 4 × 4, more than the padded input's 11 × 3: pad more"),
        (MaxPool2d(2), (4, 4), r"got \(4, 4\); expected \(N, C, H, W\) or \(C, H, W\)$"),
        (AdaptiveAvgPool2d(2), (1, 2, 3, 4, 5), r"expected \(N, C, H, W\) or \(C, H, W\)$"),
        (AdaptiveAvgPool2d(2), (2, 0, 4), r"expected a height and a width of 1 or more$"),
        (MaxPool2d(2, padding=1, dilation=3), (1, 2, 2), r"a window would have nothing but padding in it"),
    ],
)
def test_inputs_that_cannot_be_taken_are_refused(pool, shape, message):
    with pytest.raises(cn.ShapeError, match=message):
        pool(torch.zeros(shape))


def test_what_is_not_usual_is_shown():
    assert repr(MaxPool2d(2)) == "MaxPool2d(kernel_size=(2, 2))"
    shown = "MaxPool2d(kernel_size=(3, 3), stride=(1, 2), padding=(1, 1), dilation=(2, 1), ceil_mode=True)"
    assert repr(MaxPool2d(3, (1, 2), 1, (2, 1), ceil_mode=True)) == shown
    assert repr(AdaptiveAvgPool2d((None, 3))) == "AdaptiveAvgPool2d((None, 3))"
