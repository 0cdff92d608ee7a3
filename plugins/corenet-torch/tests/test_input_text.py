"""Arguments described in a line of text."""

import corenet as cn
import pytest
import torch

from corenet_torch.input_text import read_inputs


def test_tensors_have_the_dtype_and_shape_that_is_written():
    found = read_inputs("float32[4,3], bfloat16[ 2, 1 ] float64[],int32[5]<7 bool[3]")
    assert [(each.dtype, tuple(each.shape)) for each in found] == [
        (torch.float32, (4, 3)),
        (torch.bfloat16, (2, 1)),
        (torch.float64, ()),
        (torch.int32, (5,)),
        (torch.bool, (3,)),
    ]


def test_what_is_no_tensor_is_read_as_python_does():
    assert read_inputs("0.5, -1 None 'a, b' True 1e-5") == (0.5, -1, None, "a, b", True, 1e-5)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("float32[1000]>2", 2, 10),
        ("float32[1000]<-1", -10, -1),
        ("float64[1000]>-1<1", -1, 1),
        ("int64[1000]<3", 0, 2),
        ("uint8[1000]>1<4", 2, 3),
    ],
)
def test_bounds_hold(text, low, high):
    (found,) = read_inputs(text)
    assert low <= found.min() < found.max() <= high


def test_a_seed_draws_the_same_again_and_another_draws_others():
    first, again, other = (read_inputs("float32[4]", seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(*read_inputs("float32[4] float32[4]"))


def test_of_what_is_fixed_no_gradient_is_asked():
    assert [each.requires_grad for each in read_inputs("float32[4], float32[3] fixed, float32[2]")] == [
        True,
        False,
        True,
    ]
    assert not read_inputs("float32[4]")[0].requires_grad


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("flaot32[4]", "there is no dtype 'flaot32' (did you mean 'float32'?)"),
        ("float32[4", "'float32[4' cannot be read"),
        ("float32[4,-1]", "'float32[4,-1]' cannot be read"),
        ("float32[4] fixde", "'fixde' cannot be read"),
        ("float32[4]>2<1", "there is nothing between the bounds of float32[4]>2<1"),
        ("float32[4]>1.2.3", "a bound of float32[4]>1.2.3 is no number"),
        ("int64[4]", "int64[4] needs a bound above 0, such as int64[4]<10"),
        ("float32[4] fixed", "all is fixed, and nothing is left of which to take a gradient"),
        ("complex32[4]x", "'complex32[4]x' cannot be read"),
        ("qint8[4]", "nothing is drawn of dtype qint8"),
    ],
)
def test_what_is_no_description_is_refused_with_an_example(text, message):
    with pytest.raises(cn.ConfigError) as caught:
        read_inputs(text)
    assert str(caught.value).startswith(f"inputs {text!r}: {message}; a tensor is dtype[shape], such as float32[4,3]")
