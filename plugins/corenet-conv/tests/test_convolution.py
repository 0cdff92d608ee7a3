"""Convolutions, with PyTorch's as the oracle, and with their own sums."""

from itertools import product

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from corenet_conv import Conv1d, Conv2d, ConvTranspose2d

EVEN = "ignore:Using padding='same' with even kernel lengths:UserWarning"  # PyTorch's, of its copy
quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
PADDED = ["zeros", "reflect", "replicate", "circular"]


def of(count, low, high):
    return st.one_of(st.integers(low, high), st.tuples(*[st.integers(low, high)] * count))


def options(dims):
    return st.fixed_dictionaries(
        {
            "kernel_size": of(dims, 1, 4),
            "stride": of(dims, 1, 3),
            "padding": st.one_of(of(dims, 0, 3), st.sampled_from(["same", "valid"])),
            "dilation": of(dims, 1, 3),
            "groups": st.integers(1, 3),
            "bias": st.booleans(),
            "padding_mode": st.sampled_from(PADDED),
        }
    )


@pytest.mark.filterwarnings(EVEN)
@quick
@given(dims=st.sampled_from([1, 2]), data=st.data())
def test_values_and_gradients_equal_pytorchs_for_all_options(agrees, dims, data):
    chosen = data.draw(options(dims))
    if chosen["padding"] == "same":
        chosen["stride"] = 1
    shape = data.draw(st.tuples(*[st.integers(1, 9)] * dims))
    channels = [chosen["groups"] * data.draw(st.integers(1, 2)) for _ in range(2)]
    leading = data.draw(st.sampled_from([(), (1,), (3,)]))
    ours, theirs = (Conv1d, torch.nn.Conv1d) if dims == 1 else (Conv2d, torch.nn.Conv2d)
    module = ours(*channels, **chosen)
    input = torch.zeros(*leading, channels[0], *shape)
    try:
        module(input)
    except cn.ShapeError:
        with pytest.raises((RuntimeError, AssertionError)):
            theirs(*channels, **chosen)(input)
        assume(False)
    module.forget()
    agrees(module, theirs(*channels, **chosen), *input.shape)


@quick
@given(data=st.data())
def test_transposed_values_and_gradients_equal_pytorchs_for_all_options(agrees, data):
    chosen = data.draw(options(2))
    del chosen["padding_mode"]
    chosen["padding"] = data.draw(of(2, 0, 2))
    chosen["output_padding"] = data.draw(of(2, 0, 2))
    channels = [chosen["groups"] * data.draw(st.integers(1, 2)) for _ in range(2)]
    input = torch.zeros(*data.draw(st.sampled_from([(), (1,), (3,)])), channels[0], *data.draw(of(2, 1, 5).map(pair)))
    try:
        module = ConvTranspose2d(*channels, **chosen)
        module(input)
    except (cn.ShapeError, cn.ConfigError):
        assert not of_pytorch(*channels, **chosen, input=input).numel()
        assume(False)
    module.forget()
    agrees(module, torch.nn.ConvTranspose2d(*channels, **chosen), *input.shape)


def of_pytorch(*channels, input, **chosen):
    """Return PyTorch's output, an empty one if it refuses."""
    try:
        return torch.nn.ConvTranspose2d(*channels, **chosen)(input)
    except (RuntimeError, ValueError):
        return torch.empty(0)


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def test_the_gradients_are_the_sums_of_the_docstring():
    (n, c, o, h, w), (k, m), s, p, d = (2, 3, 2, 6, 5), (2, 3), (2, 1), (1, 2), (2, 1)
    conv = Conv2d(c, o, (k, m), s, p, d, dtype=torch.float64)
    x = torch.randn(n, c, h, w, dtype=torch.float64)
    y = conv(x)
    u = torch.randn_like(y)
    dx = conv.backward(u)
    sums = {"y": conv.bias.view(1, -1, 1, 1).expand(y.shape).clone(), "dx": torch.zeros_like(x)}
    sums |= {"dW": torch.zeros_like(conv.weight), "db": u.sum((0, 2, 3))}
    places = product(range(y.shape[2]), range(y.shape[3]), range(k), range(m))
    for i, j, a, b in places:
        row, column = s[0] * i + d[0] * a - p[0], s[1] * j + d[1] * b - p[1]
        if 0 <= row < h and 0 <= column < w:
            sums["y"][:, :, i, j] += x[:, :, row, column] @ conv.weight[:, :, a, b].T
            sums["dx"][:, :, row, column] += u[:, :, i, j] @ conv.weight[:, :, a, b]
            sums["dW"][:, :, a, b] += u[:, :, i, j].T @ x[:, :, row, column]
    torch.testing.assert_close(
        [y, dx, conv.weight.grad, conv.bias.grad], [sums[each] for each in ("y", "dx", "dW", "db")]
    )


def test_a_transposed_convolution_is_the_gradient_of_a_convolution():
    conv, spread = Conv2d(2, 3, (3, 2), (2, 1), bias=False), ConvTranspose2d(3, 2, (3, 2), (2, 1), bias=False)
    spread.load_state_dict(conv.state_dict())
    u = torch.randn(conv(torch.randn(2, 2, 7, 4)).shape)
    torch.testing.assert_close(spread(u), conv.backward(u))


@pytest.mark.parametrize(
    ("ours", "theirs", "arguments"),
    [
        (Conv1d, torch.nn.Conv1d, (4, 6, 3)),
        (Conv2d, torch.nn.Conv2d, (4, 6, (3, 2), 2, 1, 1, 2)),
        (ConvTranspose2d, torch.nn.ConvTranspose2d, (4, 6, (3, 2), 2, 1, 1, 2)),
    ],
)
def test_the_start_is_pytorchs(ours, theirs, arguments):
    torch.manual_seed(3)
    expected = theirs(*arguments).state_dict()
    torch.manual_seed(3)
    found = ours(*arguments)
    torch.testing.assert_close(found.state_dict(), dict(expected))
    before = found.state_dict()
    found.reset_parameters()
    assert not any(torch.equal(found.state_dict()[name], value) for name, value in before.items())


@pytest.mark.parametrize("mode", ["zeros", "circular"])
def test_the_parameter_half_alone_gives_the_same_parameter_gradients(mode):
    whole, half = (Conv2d(2, 4, 3, padding=1, padding_mode=mode) for _ in range(2))
    half.load_state_dict(whole.state_dict())
    input = torch.randn(3, 2, 5, 4)
    u = torch.randn(whole(input).shape)
    half(input)
    whole.backward(u)
    assert half.backward_parameters(u) is None
    assert torch.equal(whole.weight.grad, half.weight.grad)
    assert torch.equal(whole.bias.grad, half.bias.grad)


@pytest.mark.parametrize("module", [Conv1d(2, 3, 2), Conv2d(2, 3, 2), ConvTranspose2d(2, 3, 2)])
def test_a_frozen_convolution_hands_on_its_gradient_and_gathers_none(module):
    shape = (2, 2, 5, 4)[: module.dims + 2]
    input = torch.randn(shape)
    u = torch.randn(module(input).shape)
    expected = module.backward(u)
    module.zero_grad()
    module.freeze().train()
    module(input)
    assert torch.equal(module.backward(u), expected)
    assert not any(parameter.grad.any() for parameter in module.parameters())
    module.unfreeze()


def test_backward_adds_to_the_gradients():
    module = Conv2d(2, 3, 2)
    input = torch.randn(2, 2, 4, 3)
    u = torch.randn(module(input).shape)
    module.backward(u)
    once = [parameter.grad.clone() for parameter in module.parameters()]
    module(input)
    module.backward(u)
    torch.testing.assert_close([parameter.grad for parameter in module.parameters()], [2 * each for each in once])


@pytest.mark.parametrize("module", [Conv2d(2, 3, 2, padding="same"), ConvTranspose2d(2, 3, 2)])
def test_an_empty_batch_is_taken(module):
    output = module(torch.zeros(0, 2, 4, 3))
    assert output.shape[:2] == (0, 3)
    assert module.backward(output).shape == (0, 2, 4, 3)
    assert not any(parameter.grad.any() for parameter in module.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_as_exact_as_pytorchs(dtype):
    module, theirs = Conv2d(3, 4, 3, padding=1, dtype=dtype), torch.nn.Conv2d(3, 4, 3, padding=1, dtype=dtype)
    theirs.load_state_dict(module.state_dict())
    input = torch.randn(2, 3, 5, 4).to(dtype)
    leaf = input.clone().requires_grad_()
    expected = theirs(leaf)
    u = torch.randn_like(expected)
    expected.backward(u)
    assert module(input).dtype == dtype
    found = [module.backward(u), module.weight.grad, module.bias.grad]
    torch.testing.assert_close(found, [leaf.grad, theirs.weight.grad, theirs.bias.grad], rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 0}, r"^Conv2d: in_channels must be an integer ≥ 1, not 0$"),
        ({"groups": 2}, r"^Conv2d: groups must divide in_channels=4 and out_channels=3, not 2$"),
        ({"kernel_size": (2, 3, 4)}, r"^Conv2d: kernel_size must be an integer ≥ 1 or 2 of them, not \(2, 3, 4\)$"),
        ({"stride": 0}, r"^Conv2d: stride must be an integer ≥ 1 or 2 of them, not 0$"),
        ({"padding": (0, -1)}, r"^Conv2d: padding must be an integer ≥ 0 or 2 of them, not \(0, -1\)$"),
        ({"dilation": True}, r"^Conv2d: dilation must be an integer ≥ 1 or 2 of them, not True$"),
        ({"padding": "full"}, r"^Conv2d: padding must be integers, 'same' or 'valid', not 'full'$"),
        ({"padding": "same", "stride": 2}, r"^Conv2d: stride must be 1 with padding='same', not 2$"),
        ({"padding_mode": "mirror"}, r"^Conv2d: padding_mode must be one of zeros, reflect, .*, not 'mirror'$"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments, message):
    with pytest.raises(cn.ConfigError, match=message):
        Conv2d(**{"in_channels": 4, "out_channels": 3, "kernel_size": 2, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output_padding": 2}, r"output_padding must be less than the stride or the dilation, not 2$"),
        ({"padding": "same"}, r"padding must be integers, not 'same'$"),
        ({"padding_mode": "circular"}, r"padding_mode must be zeros, not 'circular'$"),
    ],
)
def test_arguments_that_cannot_work_transposed_are_refused(arguments, message):
    with pytest.raises(cn.ConfigError, match=rf"^ConvTranspose2d: {message}"):
        ConvTranspose2d(4, 3, 2, **{"stride": 2, **arguments})


@pytest.mark.parametrize(
    ("module", "shape", "message"),
    [
        (Conv2d(4, 3, 2), (2, 5, 6), r"got \(2, 5, 6\); expected 4 channels in dimension -3$"),
        (Conv2d(4, 3, 2), (2, 3, 5, 6), r"got \(2, 3, 5, 6\); expected 4 channels in dimension -3$"),
        (Conv2d(4, 3, 2), (4, 5), r"got \(4, 5\); expected \(N, C, H, W\) or \(C, H, W\)$"),
        (Conv1d(4, 3, 2), (1, 1, 4, 5), r"got \(1, 1, 4, 5\); expected \(N, C, L\) or \(C, L\)$"),
        (
            Conv2d(1, 1, 5, padding=1),
            (1, 2, 7),
            r"^Conv2d\(1 → 1, kernel_size=\(5, 5\), padding=\(1, 1\)\) got \(1, 2, 7\); its kernel spans 5 × 5, "
            r"more than the padded input's 4 × 9: pad more, or take a smaller kernel or dilation$",
        ),
        (
            Conv1d(1, 1, 2, padding=3, padding_mode="reflect"),
            (1, 3),
            r"expected 4 elements or more in each dimension, to pad 3 \(reflect\)",
        ),
        (
            Conv1d(1, 1, 2, padding=3, padding_mode="circular"),
            (1, 2),
            r"expected 3 elements or more in each dimension, to pad 3 \(circular\)",
        ),
        (ConvTranspose2d(1, 1, 2, padding=1), (1, 1, 2), "padding leaves an output of 0 × 1: pad less"),
    ],
)
def test_inputs_that_cannot_be_taken_are_refused(module, shape, message):
    with pytest.raises(cn.ShapeError, match=message):
        module(torch.zeros(shape))


def test_another_dtype_is_refused():
    with pytest.raises(cn.DTypeError, match=r"has torch\.float32 parameters and got torch\.float64 input"):
        Conv2d(1, 1, 1)(torch.zeros(1, 1, 1, dtype=torch.float64))


def test_what_is_not_usual_is_shown():
    assert repr(Conv1d(2, 4, 3)) == "Conv1d(2 → 4, kernel_size=(3,))"
    conv = Conv2d(2, 4, 3, 2, 1, 2, 2, False, "circular")
    settings = "kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(2, 2), groups=2"
    assert repr(conv) == f"Conv2d(2 → 4, {settings}, bias=False, padding_mode='circular')"
