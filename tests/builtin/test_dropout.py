import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import corenet as cn
from corenet.testing.support.guess import trials_of

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def test_the_gradient_agrees_in_every_case():
    reports = [trial.gradients for trial in trials_of(cn.Dropout)]
    assert all(report.ok for report in reports), "\n".join(map(str, reports))
    assert len(reports) == 4


@settings(deadline=None, max_examples=25)
@given(
    shape=st.lists(st.integers(0, 5), max_size=3),
    p=st.floats(0, 1),
    dtype=st.sampled_from(FLOATS),
    seed=st.integers(0, 2**32),
)
def test_output_and_gradient_share_one_mask_in_any_shape_and_dtype(shape, p, dtype, seed):
    torch.manual_seed(seed)
    dropout = cn.Dropout(p)
    ones = torch.ones(shape, dtype=dtype)
    output = dropout(ones)
    assert (output.shape, output.dtype) == (ones.shape, dtype)
    kept = output[output != 0]
    if kept.numel():
        scale = torch.tensor(1.0, dtype=dtype) / (1 - p)
        torch.testing.assert_close(kept, scale.expand_as(kept), rtol=1e-2, atol=0)
    assert torch.equal(dropout.backward(ones), output)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_fraction_dropped_is_p_and_the_mean_is_kept(p):
    torch.manual_seed(0)
    count = 100_000
    output = cn.Dropout(p)(torch.ones(count))
    spread = math.sqrt(p * (1 - p) / count)
    assert abs((output == 0).float().mean().item() - p) < 4 * spread
    assert abs(output.mean().item() - 1) < 4 * spread / (1 - p)
    torch.testing.assert_close(output.max(), torch.tensor(1 / (1 - p)))


def test_p_one_gives_true_zeros_whatever_the_input():
    dropout = cn.Dropout(1)
    bad = torch.tensor([math.inf, -math.inf, math.nan, 3.0])
    output = dropout(bad)
    assert output.tolist() == [0, 0, 0, 0]
    assert not output.signbit().any()
    assert dropout.backward(torch.ones(4)).tolist() == [0, 0, 0, 0]


def test_p_zero_drops_nothing():
    dropout = cn.Dropout(0)
    input = torch.randn(1000)
    assert torch.equal(dropout(input), input)
    assert torch.equal(dropout.backward(input), input)


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan, math.inf, "0.5", None])
def test_p_outside_the_unit_interval_or_nan_is_refused(p):
    with pytest.raises(cn.ConfigError, match=r"Dropout: p must be a number in \[0, 1\]") as caught:
        cn.Dropout(p)
    assert caught.value.name == "p"


def test_in_eval_mode_the_input_itself_is_returned_and_no_number_drawn():
    dropout = cn.Dropout(0.5).eval()
    input = torch.ones(10)
    state = torch.get_rng_state()
    assert dropout(input) is input
    assert torch.equal(torch.get_rng_state(), state)


def test_backward_in_eval_mode_is_that_of_the_identity():
    dropout = cn.Dropout(0.5).eval()
    dropout(torch.ones(3))
    assert dropout.backward(torch.full((3,), 7.0)).tolist() == [7.0] * 3


def test_the_mask_is_drawn_anew_from_torchs_generator():
    dropout = cn.Dropout(0.5)
    outputs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        outputs.append(dropout(torch.ones(100)))
        dropout.backward(torch.ones(100))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])


def test_neither_method_changes_its_arguments():
    input, upstream = torch.ones(100), torch.ones(100)
    dropout = cn.Dropout(0.5)
    dropout(input)
    dropout.backward(upstream)
    assert (input == 1).all()
    assert (upstream == 1).all()


def test_integer_input_is_refused():
    with pytest.raises(cn.DTypeError, match=r"Dropout\(0.5\) takes floating-point input, got torch.int64"):
        cn.Dropout()(torch.ones(3, dtype=torch.int64))


def test_the_repr_names_p():
    assert (repr(cn.Dropout()), repr(cn.Dropout(0.3))) == ("Dropout(0.5)", "Dropout(0.3)")


def test_a_dropout_frozen_by_eval_lets_the_gradient_through():
    model = cn.Sequential(cn.Linear(3, 3), cn.Dropout(0.5))
    model[1].eval()
    x, g = torch.randn(4, 3), torch.randn(4, 3)
    model(x)
    assert torch.equal(model.backward(g), g @ model[0].weight)
