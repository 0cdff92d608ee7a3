import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from corenet_activations import GLU

quick = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(data=st.data(), shape=st.lists(st.integers(0, 4), min_size=1, max_size=4), scale=st.sampled_from([1, 30]))
def test_equals_torch_along_any_dimension(agrees, data, shape, scale):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    shape[dim] *= 2
    agrees(GLU(dim), nn.GLU(dim), scale * torch.randn(shape, dtype=torch.float64))


def test_the_dimension_is_the_last_one_by_default(agrees):
    agrees(GLU(), nn.GLU(), torch.randn(2, 4, 6, dtype=torch.float64))
    assert GLU()(torch.ones(2, 4, 6)).shape == (2, 4, 3)


@pytest.mark.parametrize(
    ("dim", "shape", "message"),
    [
        (-1, (4, 3), "GLU() got (4, 3); expected an even number in dimension -1"),
        (2, (4, 2), "GLU(2) got (4, 2); expected a dimension 2"),
        (-1, (), "GLU() got (); expected a dimension -1"),
    ],
)
def test_what_cannot_be_halved_is_refused(dim, shape, message):
    with pytest.raises(cn.ShapeError) as caught:
        GLU(dim)(torch.ones(shape))
    assert str(caught.value) == message


@pytest.mark.parametrize("dim", [1.0, None, True])
def test_the_dimension_is_an_integer(dim):
    with pytest.raises(cn.ConfigError, match=rf"^GLU: dim must be an integer, not {dim!r}$"):
        GLU(dim)


def test_integers_are_refused():
    with pytest.raises(cn.DTypeError, match="takes floating-point input, got torch.int64; use input.float()"):
        GLU()(torch.ones(2, dtype=torch.int64))
